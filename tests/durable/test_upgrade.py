"""A job begun by an earlier release ends in the same state under this one, whichever step it had reached."""

from __future__ import annotations

import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from tests.durable.points import undisturbed
from tests.durable.rig import job_ends, run_until_killed, run_worker, world
from tests.tools.freeze_jobs import FROZEN, thaw

_WHO = re.compile(r"\n*<details>\n<summary>Who decided</summary>.*?</details>", re.DOTALL)
_LENGTH = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+.*$", re.MULTILINE)
_SINCE = ("agents", "rounds", "retrieved", "demand.settled", "plan.cost.exceeded")
JOBS = sorted(FROZEN.glob("*/step-*.sql.gz"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of a run that nobody disturbs."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))[0]


def as_then(state: dict[str, Any]) -> dict[str, Any]:
    """What people see, without what releases since have added to a plan: a job that was planned before keeps its plan,
    and nobody expects it to say who decided.
    """
    pulls = [{**pull, "body": _WHO.sub("", pull["body"]), "files": _files(pull["files"])} for pull in state["pulls"]]
    return {**state, "pulls": pulls}


def _files(diff: str) -> list[str]:
    """The new files of a diff; ``plan.json`` as data, without the fields that are newer than the frozen jobs."""
    files = diff.split("diff --git ")
    return [_plan(file) if "/plan.json b/" in file.partition("\n")[0] else _LENGTH.sub("", file) for file in files]


def _plan(file: str) -> str:
    lines = [line[1:] for line in file.splitlines() if line.startswith("+") and not line.startswith("+++")]
    plan = json.loads("\n".join(lines))
    for path in _SINCE:
        *above, last = path.split(".")
        reduce(dict.__getitem__, above, plan).pop(last, None)
    return json.dumps(plan, sort_keys=True)


def test_there_are_frozen_jobs() -> None:
    assert len(JOBS) >= 10


@pytest.mark.parametrize("frozen", JOBS, ids=[f"{path.parent.name}-{path.name.split('.')[0]}" for path in JOBS])
def test_a_job_of_an_earlier_release_ends_as_one_of_this(
    frozen: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    with world(tmp_path / "cut-off") as here:
        number = here.command()
        run_until_killed(here, die_at_step=int(frozen.name[5:7]))
        thaw(frozen, here.root / "bot.sqlite", here.environment)
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        assert as_then(here.end_state(number)) == as_then(expected)
