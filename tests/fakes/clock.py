"""A clock that moves only when somebody sleeps, and remembers how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class StoppedClock:
    """Time stands still; ``sleep`` moves it and is noted in ``slept``."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self.slept: list[float] = []
        self.before_sleep: Callable[[], object] = int

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.before_sleep()
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)
