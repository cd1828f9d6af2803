"""A job begun by an earlier release ends in the same state under this one, whichever step it had reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.durable.points import undisturbed
from tests.durable.rig import job_ends, run_until_killed, run_worker, world
from tests.tools.freeze_jobs import FROZEN, thaw

JOBS = sorted(FROZEN.glob("*/step-*.sql.gz"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The end of a run that nobody disturbs."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))[0]


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
        assert here.end_state(number) == expected
