"""How long and how often a parked step is tried by the durable runner, and that a replay takes the same decisions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.edges.durable import Durable, _Outages
from bot.errors import Code, Unavailable
from bot.ports import Steps

TEXT = TypeAdapter(str)
T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = 3600.0


class Hooks:
    """Hears of waits; nobody asks to stop."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.waits: list[float] = []

    def cancelled(self, job: str) -> str | None:
        return None

    def parked(self, job: str, step: str, seconds: float | None) -> None:
        if seconds is not None:
            self.waits.append(seconds)

    def stepped(self, step: str, seconds: float) -> None:
        """Not counted here."""


def outage(tmp_path: Path, *, told: float, takes: float, patience: float) -> tuple[int, list[float]]:
    """How often one step was tried by a real queue, and its waits."""
    tries: list[int] = []
    over, hooks = threading.Event(), Hooks(patience)

    def work() -> str:
        tries.append(1)
        threading.Event().wait(takes)
        raise Unavailable(Code.RATE, "GitHub does not answer.", remedy="Wait.", retry_after=told)

    def run(_job: str, steps: Steps) -> None:
        with pytest.raises(Unavailable, match="does not answer"):
            steps.run("read", work, TEXT)
        over.set()

    queue = Durable(f"sqlite:///{tmp_path}/jobs.sqlite", executor_id="w", run=run, hooks=hooks, concurrency=1)
    queue.start()
    try:
        queue.hand("job", given=T0, urgent=False)
        assert over.wait(20)
    finally:
        queue.stop(seconds=5)
    return len(tries), hooks.waits


def test_short_waits_that_did_not_help_become_long_ones(tmp_path: Path) -> None:
    assert outage(tmp_path, told=0.01, takes=0, patience=30) == (4, [0.01] * 3)


def test_the_time_of_the_tries_counts(tmp_path: Path) -> None:
    assert outage(tmp_path, told=0.05, takes=0.5, patience=0.5)[0] == 3


def simulated(*, told: float, takes: float, pause_after: int = -1) -> tuple[int, float]:
    """Tries within an hour of patience, and the seconds from the first to the last; ``pause_after`` so many waits no
    process lives for five hours.
    """
    outages, now, tries = _Outages(), T0, 0
    while True:
        tries += 1
        now += timedelta(seconds=takes)
        seconds = outages.wait(told)
        if outages.spent + seconds > HOUR:
            return tries, (now - T0).total_seconds()
        now += timedelta(seconds=seconds)
        outages.waited(seconds, until=now)
        now += timedelta(hours=5 if tries == pause_after else 0)


@pytest.mark.parametrize("told", [0.0, 1.0, 59.0, 60.0, 600.0, 900.0])
@pytest.mark.parametrize("takes", [0.0, 30.0, 600.0])
def test_an_hour_of_outage_is_an_hour_and_few_calls(told: float, takes: float) -> None:
    tries, seconds = simulated(told=told, takes=takes)
    assert tries < 30
    assert HOUR / 2 < seconds <= HOUR + 3 * takes


def test_hours_without_a_process_are_not_held_against_the_command() -> None:
    alone, later = simulated(told=60, takes=0)[0], simulated(told=60, takes=0, pause_after=1)[0]
    assert later >= alone - 900 / 60


def test_the_same_memory_gives_the_same_waits() -> None:
    moments = [(60.0, T0 + timedelta(minutes=2 * n)) for n in range(12)]
    first, again = _Outages(), _Outages()
    for seconds, until in moments:
        first.waited(seconds, until=until)
    for seconds, until in moments:
        again.waited(seconds, until=until)
    assert (first, first.wait(1)) == (again, 180.0)
