"""Runs that are cut off at one call, and the run that nobody disturbs, for the tests that compare their ends.

The end state must equal the undisturbed one: at most one pull request, branch and comment, and never only "eyes".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.daily import every_day
from tests.durable.rig import Mode, World, as_json, job_ends, run_until_killed, run_worker, world


@dataclass(frozen=True)
class Run:
    """A run that nobody disturbs: what people see at its end, its calls in order, how many steps it did."""

    end: dict[str, Any]
    calls: tuple[str, ...]
    steps: int


def undisturbed(root: Path) -> Run:
    """One such run."""
    with world(root) as here:
        number = here.command()
        here.gate.calls.clear()
        steps = run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        return Run(here.end_state(number), tuple(here.gate.calls), steps)


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


def writes(call: str) -> bool:
    """Whether a call may change what others see; every other one only reads."""
    return not call.startswith("GET ") and not call.endswith("/git-upload-pack")


def shares(count: int) -> list[Any]:
    """Parameters that split the points of a test: the first share is for every day, the others take long."""
    return every_day(range(count), one_in=count)


def each_call(root: Path, mode: Mode, run: Run, points: Iterable[int]) -> dict[str, Any]:
    """Kill the worker at these calls of a run; what the summary counts. Raises AssertionError for an end that differs."""
    chosen, wrong = list(points), []
    assert chosen, "no call to be killed at"
    for at in chosen:
        end = killed(root / f"{at}", at=at, mode=mode)
        if end != run.end:
            wrong.append(f"{mode} {run.calls[at]}: {as_json(end)}")
    assert not wrong, "\n".join(wrong)
    return counted(f"kill -9 {mode} a call", len(chosen), len(run.calls))


def counted(what: str, points: int, of: int) -> dict[str, Any]:
    """A line of the summary, which adds up the points of all shares."""
    return {"what": what, "points": points, "of": of}
