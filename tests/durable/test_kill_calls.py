"""H01: ``kill -9`` of the worker before and after every call that it makes to GitHub, git, Proxmox VE and Kubernetes.

The end state must equal the undisturbed one: at most one pull request, branch and comment, and never only "eyes".
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.durable.rig import Mode, World, as_json, job_ends, run_until_killed, run_worker, world


def undisturbed(root: Path) -> tuple[dict[str, Any], list[str]]:
    """The end state of a run that nobody disturbs, and its calls."""
    with world(root) as here:
        number = here.command()
        here.gate.calls.clear()
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        return here.end_state(number), list(here.gate.calls)


def killed(root: Path, *, at: int, mode: Mode) -> dict[str, Any]:
    """The end state after a kill at one call and a start of the same worker again."""
    with world(root) as here:
        number = here.command()
        arm(here, at, mode)
        run_until_killed(here)
        here.gate.at = None
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        return here.end_state(number)


def arm(here: World, at: int, mode: Mode) -> None:
    here.gate.calls.clear()
    here.gate.at, here.gate.mode = at, mode


@pytest.mark.parametrize("mode", ["before", "after"])
def test_h01_a_kill_at_every_call_changes_nothing(
    mode: Mode, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    expected, calls = undisturbed(tmp_path / "undisturbed")
    wrong = []
    for at, call in enumerate(calls):
        end = killed(tmp_path / f"{at}", at=at, mode=mode)
        if end != expected:
            wrong.append(f"{mode} {call}: {as_json(end)}")
    record_property(
        "points", f"kill -9 {mode} each of {len(calls)} calls: {len(calls) - len(wrong)} points end as undisturbed"
    )
    assert not wrong, "\n".join(wrong)


def test_h01_two_kills_in_a_row_change_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    expected, calls = undisturbed(tmp_path / "undisturbed")
    pairs = [(at, at // 2) for at in range(1, len(calls), max(1, len(calls) // 12))]
    for first, second in pairs:
        with world(tmp_path / f"{first}-{second}") as here:
            number = here.command()
            arm(here, first, "after")
            run_until_killed(here)
            arm(here, 0, "before")
            run_until_killed(here)
            here.gate.at = None
            run_worker(here)
            assert here.end_state(number) == expected, (first, second)
    record_property("points", f"two kills in a row: {len(pairs)} pairs end as undisturbed")
