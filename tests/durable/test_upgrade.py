"""A job begun by an earlier release ends in the same state under this one, whichever step it had reached.

A plan that was remembered is published as it was, in the files of its release; whatever was not yet remembered is done by
this one.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.demo import INFRA
from tests.daily import every_day
from tests.durable.points import Run
from tests.durable.rig import World, job_ends, run_until_killed, run_worker, world
from tests.tools.freeze_jobs import FROZEN, thaw

JOBS = sorted(FROZEN.glob("*/step-*.sql.gz"))


def remembered(database: Path, step: str) -> Any:
    """What a step of the one job gave, None for a step that the database does not know."""
    query = "SELECT output FROM operation_outputs WHERE function_name = ?"
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(query, (step,)).fetchone()
    return row and json.loads(json.loads(row[0]))["value"]


def planned_before(database: Path) -> dict[str, str] | None:
    """The files that the earlier release planned and had not published, by path."""
    plan = remembered(database, "plan")
    if plan is None or remembered(database, "publish") is not None:
        return None
    return {file["path"]: file["content"] for file in plan["changes"]["files"]}


def proposed(here: World) -> dict[str, str]:
    """The application's files on the one branch."""
    [branch] = [name for name in here.github.branches(INFRA) if name != "main"]
    return {path: text for path, text in here.github.files(INFRA, ref=branch).items() if path.startswith("apps/")}


def without_files(state: dict[str, Any]) -> dict[str, Any]:
    """What people see but the texts that a plan of another release words in another way."""
    return {**state, "pulls": [pull["title"] for pull in state["pulls"]]}


def test_there_are_frozen_jobs() -> None:
    assert len(JOBS) >= 10


@pytest.mark.parametrize(
    "frozen", every_day(JOBS, one_in=4, ids=(f"{path.parent.name}-{path.name.split('.')[0]}" for path in JOBS))
)
def test_a_job_of_an_earlier_release_ends_as_one_of_this(frozen: Path, plain_run: Run, tmp_path: Path) -> None:
    with world(tmp_path / "cut-off") as here:
        number = here.command()
        run_until_killed(here, die_at_step=int(frozen.name[5:7]))
        thaw(frozen, here.root / "bot.sqlite", here.environment)
        before = planned_before(here.root / "bot.sqlite")
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        end = here.end_state(number)
        if before is None:
            assert end == plain_run.end
        else:
            assert without_files(end) == without_files(plain_run.end)
            assert proposed(here) == before


def test_some_of_the_frozen_jobs_had_planned(tmp_path: Path) -> None:
    """Else the second half of the test above would never be reached."""
    found = []
    for frozen in JOBS:
        thaw(frozen, tmp_path / "bot.sqlite", {"GITHUB_API_URL": "http://a", "PROXMOX_VE_ENDPOINT": "http://b"})
        found.append(bool(planned_before(tmp_path / "bot.sqlite")))
    assert sum(found[::4]) >= 1
    assert 1 <= sum(found) < len(JOBS)
