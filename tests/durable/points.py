"""Runs that are cut off at one call, and the run that nobody disturbs, for the tests that compare their ends.

The end state must equal the undisturbed one: at most one pull request, branch and comment, and never only "eyes".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def every_call(root: Path, mode: Mode) -> str:
    """Kill the worker at each call of a run; one line that counts. Raises AssertionError for an end that differs."""
    expected, calls = undisturbed(root / "undisturbed")
    wrong = []
    for at, call in enumerate(calls):
        end = killed(root / f"{at}", at=at, mode=mode)
        if end != expected:
            wrong.append(f"{mode} {call}: {as_json(end)}")
    assert not wrong, "\n".join(wrong)
    return f"kill -9 {mode} each of {len(calls)} calls: {len(calls)} points end as undisturbed"
