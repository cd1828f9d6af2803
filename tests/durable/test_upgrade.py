"""A job begun by an earlier release ends in the same state under this one, whichever step it had reached."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.daily import every_day
from tests.durable.points import Run
from tests.durable.rig import job_ends, run_until_killed, run_worker, world
from tests.tools.freeze_jobs import FROZEN, thaw

_WHO = re.compile(r"\n*<details>\n<summary>Who decided</summary>.*?</details>", re.DOTALL)
_LENGTH = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+.*$", re.MULTILINE)
JOBS = sorted(FROZEN.glob("*/step-*.sql.gz"))


def as_then(state: dict[str, Any]) -> dict[str, Any]:
    """What people see, without the words that releases since have added to a pull request: a job that was planned before
    keeps its plan, and nobody expects it to say who decided.
    """
    pulls = [{**pull, "body": _WHO.sub("", pull["body"]), "files": _files(pull["files"])} for pull in state["pulls"]]
    return {**state, "pulls": pulls}


def _files(diff: str) -> list[Any]:
    """The new files of a diff; ``plan.json`` as data."""
    files = diff.split("diff --git ")
    return [_plan(file) if "/plan.json b/" in file.partition("\n")[0] else _LENGTH.sub("", file) for file in files]


def _plan(file: str) -> Any:
    lines = [line[1:] for line in file.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return json.loads("\n".join(lines))


def known(now: Any, then: Any) -> Any:
    """What of ``now`` a job of then could know: fields that a noun has got since are left out, and only these."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {name: known(value, then[name]) for name, value in now.items() if name in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [known(*pair) for pair in zip(now, then, strict=True)]
    return now


def test_there_are_frozen_jobs() -> None:
    assert len(JOBS) >= 10


@pytest.mark.parametrize(
    "frozen",
    every_day(JOBS, one_in=4, ids=(f"{path.parent.name}-{path.name.split('.')[0]}" for path in JOBS)),
)
def test_a_job_of_an_earlier_release_ends_as_one_of_this(frozen: Path, plain_run: Run, tmp_path: Path) -> None:
    with world(tmp_path / "cut-off") as here:
        number = here.command()
        run_until_killed(here, die_at_step=int(frozen.name[5:7]))
        thaw(frozen, here.root / "bot.sqlite", here.environment)
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        end = as_then(here.end_state(number))
    assert end == known(as_then(plain_run.end), end)
