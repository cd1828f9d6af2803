"""A worker that dies at any outside call and starts again leaves the same end state as one that did not.

The emulator answers the k-th call with a status that the edge gives up on at once (418), before or after it took
effect; then a new process, which remembers nothing, does the whole work again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import BotError
from bot.model.command import ThreadRef
from bot.ports import Forge
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_world import EmulatedWorld, emulated


def story(forge: Forge, thread: ThreadRef, comment: int) -> None:
    forge.react(thread, comment, "eyes")
    forge.say(thread, marker="key", body="reading")
    publish(forge)
    forge.say(thread, marker="key", body="done")
    forge.react(thread, comment, "rocket")


def begin(world: EmulatedWorld) -> tuple[ThreadRef, int]:
    thread = world.thread()
    return thread, world.human_comment(thread, "/ai-provision")


def end_state(world: EmulatedWorld, thread: ThreadRef, comment: int) -> dict[str, object]:
    return {
        "comments": world.comments(thread),
        "reactions": world.reactions(thread, comment),
        "pulls": [(branch, state) for _, branch, state in world.pulls()],
        "branches": world.github.branches(INFRA),
    }


EXPECTED_CALLS = 13


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    with emulated(tmp_path_factory.mktemp("golden")) as world:
        thread, comment = begin(world)
        story(world.forge, thread, comment)
        assert len(world.github.calls) == EXPECTED_CALLS
        assert tuple(n for n, made in enumerate(world.github.calls) if made.writes or made.pushes) == WRITES
        return end_state(world, thread, comment)


WRITES = (0, 2, 9, 10, 11, 12)
"""Reaction, comment, push, pull request, edit, reaction: for a read, before and after are the same."""


@pytest.mark.parametrize(
    ("call", "after"),
    [*((call, False) for call in range(EXPECTED_CALLS)), *((call, True) for call in WRITES)],
    ids=[*(f"H01-before-{call}" for call in range(EXPECTED_CALLS)), *(f"H01-after-{call}" for call in WRITES)],
)
def test_a_second_run_finishes_the_first(tmp_path: Path, golden: dict[str, object], call: int, after: bool) -> None:
    with emulated(tmp_path) as world:
        thread, comment = begin(world)
        world.github.faults.add("*", ".*", status=418, skip=call, after_processing=after)
        with pytest.raises(BotError):
            story(world.forge, thread, comment)
        with world.another() as second:
            story(second, thread, comment)
        assert end_state(world, thread, comment) == golden


def test_two_crashes_in_a_row(tmp_path: Path, golden: dict[str, object]) -> None:
    with emulated(tmp_path) as world:
        thread, comment = begin(world)
        for path in (r".*/git-receive-pack", ".*/pulls"):
            world.github.faults.add("POST", path, status=418, after_processing=True)
            with world.another() as forge, pytest.raises(BotError):
                story(forge, thread, comment)
        story(world.forge, thread, comment)
        assert end_state(world, thread, comment) == golden
