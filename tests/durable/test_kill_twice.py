"""H01: two kills in a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.durable.points import arm, undisturbed
from tests.durable.rig import run_until_killed, run_worker, world


def test_h01_two_kills_in_a_row_change_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    expected, calls = undisturbed(tmp_path / "undisturbed")
    pairs = [(at, at // 2) for at in range(1, len(calls), max(1, len(calls) // 12))]
    for first, second in pairs:
        with world(tmp_path / f"{first}-{second}") as here:
            number = here.command()
            arm(here, first, "after")
            run_until_killed(here)
            arm(here, 0, "before")
            run_until_killed(here)
            here.gate.at = None
            run_worker(here)
            assert here.end_state(number) == expected, (first, second)
    record_property("points", f"two kills in a row: {len(pairs)} pairs end as undisturbed")
