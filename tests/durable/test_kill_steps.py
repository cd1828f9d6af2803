"""H01: ``kill -9`` after each step was done and before it was remembered; the clock jumps between two runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durable.points import Run, counted, shares
from tests.durable.rig import job_ends, run_until_killed, run_worker, shift_stored_times, world

SHARES = 4


@pytest.mark.parametrize("share", shares(SHARES))
def test_h01_a_kill_before_every_checkpoint_changes_nothing(
    share: int, plain_run: Run, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    points = range(share, plain_run.steps, SHARES)
    assert points
    for at in points:
        with world(tmp_path / f"{at}") as here:
            number = here.command()
            run_until_killed(here, die_at_step=at)
            run_worker(here)
            assert here.end_state(number) == plain_run.end, f"step {at}"
            assert job_ends(here) == [("pull-request", None)]
    record_property("cut off", counted("kill -9 before the checkpoint of a step", len(points), plain_run.steps))


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
@pytest.mark.parametrize("at", [6, *(pytest.param(at, marks=pytest.mark.long) for at in (0, 3, 8))])
def test_h01_a_clock_that_jumps_an_hour_between_two_runs_changes_nothing(
    jump: float, at: int, plain_run: Run, tmp_path: Path
) -> None:
    with world(tmp_path) as here:
        number = here.command()
        run_until_killed(here, die_at_step=at)
        assert shift_stored_times(here.root / "bot.sqlite", -jump) > 0
        run_worker(here)
        assert here.end_state(number) == plain_run.end
