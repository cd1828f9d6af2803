"""Row A04 on the whole belt: CI's apply is killed at twelve points, with the real terraform and the real provider.

Afterwards either nothing happened, or the same commit's next run says exactly what a person has to do and goes on from there.
Nothing is unlocked by itself, no machine is made twice, one outcome comment stands in the pull request.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.model.applied import Outcome
from tests.daily import every_day
from tests.realparts.banners import banners
from tests.realparts.kill_kit import Scene, Trap
from tests.realparts.pipeline import INFRA, Pipeline, pipeline

COMMAND = '/ai-provision\n\ngit_repo: "https://github.com/myorg/infrastructure"\napp_description: "{}"\n'
SEVERAL = "web application with load balancing"
ONE = "PostgreSQL for 100 concurrent users"
_PLANNED = (("state", "^LOCK .* 200"), ("state", "^UNLOCK"))
_APPLYING = (*_PLANNED, ("state", "^LOCK .* 200"))
_SAVED = (*_APPLYING, ("state", "^POST .* 200"), ("state", "^UNLOCK"))
_CLONE = r"^POST /nodes/\w+/qemu/\d+/clone"
_INT = signal.SIGINT

# What the kill leaves: whether a lock, machines that no state knows, and whether the record was used.
NOTHING, LOCK, USED, LEFT = "nothing", "lock", "used", "left"

POINTS: dict[str, tuple[Trap, frozenset[str], str]] = {
    "01 before the gate": (Trap((("github", "^GET /repos/"),)), frozenset(), ONE),
    "02 while the plan holds the lock": (Trap((("state", "^LOCK .* 200"),)), frozenset({LOCK}), ONE),
    "03 after the plan, before the preflight": (Trap((*_PLANNED, ("proxmox", "^GET"))), frozenset(), ONE),
    "04 after the record was marked used": (
        Trap((*_PLANNED, ("github", "^PATCH /repos/.*/issues/comments/"))), frozenset({USED}), ONE,
    ),
    "05 at the first clone": (Trap((*_APPLYING, ("proxmox", _CLONE))), frozenset({LOCK, USED, LEFT}), SEVERAL),
    "06 in the middle of the second machine": (
        Trap((*_APPLYING, ("proxmox", _CLONE), ("proxmox", _CLONE), ("proxmox", r"^PUT /nodes/\w+/qemu/\d+/config"))),
        frozenset({LOCK, USED, LEFT}), SEVERAL,
    ),
    "07 after the state was saved, its lock held": (
        Trap((*_APPLYING, ("state", "^POST .* 200"))), frozenset({LOCK, USED}), ONE,
    ),
    "08 after the state was saved, before the report": (Trap((*_SAVED, ("proxmox", "^GET"))), frozenset({USED}), ONE),
    "09 between the outcome comment and the labels": (
        Trap((*_SAVED, ("github", r"^POST /repos/.*/issues/\d+/comments"))), frozenset({USED}), ONE,
    ),
    "10 cancelled at the first clone": (
        Trap((*_APPLYING, ("proxmox", _CLONE)), _INT), frozenset({USED}), SEVERAL,
    ),
    "11 cancelled in the middle of the second machine": (
        Trap((*_APPLYING, ("proxmox", _CLONE), ("proxmox", _CLONE), ("proxmox", r"^PUT /nodes/\w+/qemu/\d+/config")), _INT),
        frozenset({USED}), SEVERAL,
    ),
    "12 cancelled while it waits for SSH": (Trap((("said", "^ssh$"),), _INT), frozenset({USED}), ONE),
}  # fmt: skip


@pytest.fixture
def belt(needs_provider: Path, needs_terraform: Path, point: str) -> Iterator[Pipeline]:
    """One machine at a time, so that "the second machine" is one. Point 12 knocks at a door that nobody opens."""
    del needs_provider, needs_terraform
    rules: dict[str, Any] = {
        "reviews": 1,
        "ssh_seconds": 10,
        "rollout_seconds": 30,
        "parallelism": 1,
        "lock_seconds": 0,
    }
    with banners() as port, pipeline(more={"apply": rules | {"ssh_port": 9 if "SSH" in point else port}}) as made:
        yield made


def merged(belt: Pipeline, words: str) -> Scene:
    """Commanded, planned, approved, merged."""
    _, end = belt.command(COMMAND.format(words))
    assert end.pull is not None, end
    step = belt.plan(end.pull.number)
    assert step.code == 0, step.out
    return Scene(belt, end.pull.number, belt.merge(end.pull.number))


def again(scene: Scene) -> Outcome:
    """The same workflow, run again."""
    step = scene.pipeline.deliver("apply", scene.sha)
    found = scene.pipeline.outcomes(scene.number)
    assert found, step.out
    return found[0]


def cleaned(scene: Scene, leaves: frozenset[str]) -> None:
    """What the next runs say, and what a person then does."""
    belt = scene.pipeline
    if LOCK in leaves:
        [lock] = belt.state.locks.values()
        locked = again(scene)
        assert (locked.kind, locked.code) == ("abandoned", "conflict")
        assert f"force-unlock {lock['ID']}`" in locked.remedy
        assert list(belt.state.locks.values()) == [lock]
        scene.unlock(locked.remedy)
        assert belt.state.locks == {}
    if LEFT in leaves:
        left = again(scene)
        assert (left.kind, left.code) == ("abandoned", "conflict"), left
        assert "no state knows" in left.message
        gone = scene.clear(left.remedy)
        assert not {number for numbers in scene.guests.values() for number in numbers} & set(gone)


def cancelled(scene: Scene) -> None:
    """Somebody who cancels gets the report of how far it came."""
    [told] = scene.pipeline.outcomes(scene.number)
    assert (told.kind, told.message.startswith("Stopped by SIGINT")) == ("failed", True), told
    assert "goes on from there" in told.remedy


@pytest.mark.parametrize("point", every_day(POINTS, one_in=4))
def test_a04_a_killed_apply_leaves_a_clear_state_and_its_next_run_goes_on(belt: Pipeline, point: str) -> None:
    trap, leaves, words = POINTS[point]
    scene = merged(belt, words)
    before = set(scene.guests)
    scene.killed(trap)
    assert bool(belt.state.locks) == (LOCK in leaves)
    assert scene.record.used_by == (scene.sha if USED in leaves else None)
    if trap.signal == _INT:
        cancelled(scene)
    cleaned(scene, leaves)

    outcome = again(scene)
    assert outcome.kind == "applied", outcome
    assert belt.state.locks == {}
    made = {machine.name for machine in outcome.machines}
    assert set(scene.guests) - before == made
    assert {name: len(scene.guests[name]) for name in made} == dict.fromkeys(made, 1)
    assert len(belt.state.resources(scene.stack)) >= len(made)
    assert scene.record.used_by == scene.sha
    assert len([each for each in belt.github.comments(INFRA, scene.number) if "data:outcomes" in each.body]) == 1
    assert "ai-provision: applied" in [label.name for label in belt.github.issue(INFRA, scene.number).labels]
