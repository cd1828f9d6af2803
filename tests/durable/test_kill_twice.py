"""H01: two kills in a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durable.points import Run, arm, counted, shares
from tests.durable.rig import run_until_killed, run_worker, world

SHARES = 12


@pytest.mark.parametrize("share", shares(SHARES))
def test_h01_two_kills_in_a_row_change_nothing(
    share: int, plain_run: Run, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    every = [(at, at // 2) for at in range(1, len(plain_run.calls), max(1, len(plain_run.calls) // 12))]
    pairs = every[share::SHARES]
    assert pairs
    for first, second in pairs:
        with world(tmp_path / f"{first}-{second}") as here:
            number = here.command()
            arm(here, first, "after")
            run_until_killed(here)
            arm(here, 0, "before")
            run_until_killed(here)
            here.gate.at = None
            run_worker(here)
            assert here.end_state(number) == plain_run.end, (first, second)
    record_property("cut off", counted("two kills in a row", len(pairs), len(every)))
