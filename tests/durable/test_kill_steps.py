"""H01: ``kill -9`` after each step was done and before it was remembered; the clock jumps between two runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durable.points import undisturbed
from tests.durable.rig import job_ends, run_until_killed, run_worker, shift_stored_times, world


def test_h01_a_kill_before_every_checkpoint_changes_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    expected, _ = undisturbed(tmp_path / "undisturbed")
    with world(tmp_path / "counted") as here:
        here.command()
        steps = run_worker(here)
    for at in range(steps):
        with world(tmp_path / f"{at}") as here:
            number = here.command()
            run_until_killed(here, die_at_step=at)
            run_worker(here)
            assert here.end_state(number) == expected, f"step {at}"
            assert job_ends(here) == [("pull-request", None)]
    record_property("points", f"kill -9 before the checkpoint of each of {steps} steps: all end as undisturbed")


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_h01_a_clock_that_jumps_an_hour_between_two_runs_changes_nothing(jump: float, tmp_path: Path) -> None:
    expected, _ = undisturbed(tmp_path / "undisturbed")
    for at in (0, 3, 6, 8):
        with world(tmp_path / f"{at}") as here:
            number = here.command()
            run_until_killed(here, die_at_step=at)
            assert shift_stored_times(here.root / "bot.sqlite", -jump) > 0
            run_worker(here)
            assert here.end_state(number) == expected, f"step {at}"
