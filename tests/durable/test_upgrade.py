"""A job begun by an earlier release ends in the same state under this one, whichever step it had reached.

A plan that was remembered is published as it was, in the files of its release; whatever was not yet remembered is done by
this one.
"""

from __future__ import annotations

import json
import re
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

_WHO = re.compile(r"\n*<details>\n<summary>Who decided</summary>.*?</details>", re.DOTALL)
_LENGTH = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+.*$", re.MULTILINE)
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


def as_then(state: dict[str, Any]) -> dict[str, Any]:
    """What people see, with ``plan.json`` as data, and without the words on who decided: what an earlier release read of a
    repository does not say so.
    """
    pulls = [{**pull, "body": _WHO.sub("", pull["body"]), "files": _files(pull["files"])} for pull in state["pulls"]]
    return {**state, "pulls": pulls}


def _files(diff: str) -> list[Any]:
    files = diff.split("diff --git ")
    return [_plan(file) if "/plan.json b/" in file.partition("\n")[0] else _LENGTH.sub("", file) for file in files]


def _plan(file: str) -> Any:
    lines = [line[1:] for line in file.splitlines() if line.startswith("+") and not line.startswith("+++")]
    document = json.loads("\n".join(lines))
    return {name: value for name, value in document.items() if name != "agents"}


def known(now: Any, then: Any) -> Any:
    """What of ``now`` a job of then could know: fields that a noun has got since are left out, and only these."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {name: known(value, then[name]) for name, value in now.items() if name in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [known(*pair) for pair in zip(now, then, strict=True)]
    return now


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
        before, facts = (
            planned_before(here.root / "bot.sqlite"),
            remembered(here.root / "bot.sqlite", "read-repository"),
        )
        run_worker(here)
        assert job_ends(here) == [("pull-request", None)]
        end = here.end_state(number)
        if before is not None:
            assert without_files(end) == without_files(plain_run.end)
            assert proposed(here) == before
        elif facts is not None:
            assert as_then(end) == known(as_then(plain_run.end), as_then(end))
        else:
            assert end == plain_run.end


def test_some_of_the_frozen_jobs_had_planned(tmp_path: Path) -> None:
    """Else the second half of the test above would never be reached."""
    found = []
    for frozen in JOBS:
        thaw(frozen, tmp_path / "bot.sqlite", {"GITHUB_API_URL": "http://a", "PROXMOX_VE_ENDPOINT": "http://b"})
        found.append(bool(planned_before(tmp_path / "bot.sqlite")))
    assert sum(found[::4]) >= 1
    assert 1 <= sum(found) < len(JOBS)
