"""One queue of calls to GitHub: one at a time, writes apart, nothing before the moment that GitHub named.

In: calls. Out: their answers. Never: two calls of one queue at once, a call inside the wait that a limit asked for.

GitHub's rule is one queue for one installation, so everything that speaks for an installation shares its ``Pace``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.errors import Code, Unavailable
from bot.ports import Clock

T = TypeVar("T")

PATIENCE = 900.0
"""Seconds one call may wait for a limit before the job is parked."""

LIMIT = "GitHub asks to wait for its rate limit"


class Meter(Protocol):
    """Hears about calls."""

    def github_call(self, outcome: str) -> None:
        """One call ended: ``ok``, a status such as ``403``, or ``no-answer``."""

    def budget(self, installation: str, remaining: int) -> None:
        """GitHub said how many calls are left in this hour."""


class Silence:
    """The meter of those who have none."""

    def github_call(self, outcome: str) -> None:
        """Nothing."""

    def budget(self, installation: str, remaining: int) -> None:
        """Nothing."""


class Pace:
    """The queue of one installation or token. ``write_pause`` is in seconds."""

    def __init__(self, *, clock: Clock, write_pause: float) -> None:
        self._clock = clock
        self._write_pause = write_pause
        self._turn = threading.Lock()
        self._not_before: datetime | None = None
        self._last_write: datetime | None = None

    def run(self, call: Callable[[], T], *, write: bool) -> T:
        """Make one call when its turn has come. Raises Unavailable(rate) when that takes too long."""
        with self._turn:
            self._obey_limit()
            if not write:
                return call()
            if self._last_write is not None:
                self._sleep_until(self._last_write + timedelta(seconds=self._write_pause))
            try:
                return call()
            finally:
                self._last_write = self._clock.now()

    def hold(self, seconds: float) -> None:
        """No call of this queue begins within the next so many seconds."""
        self._not_before = self._clock.now() + timedelta(seconds=seconds)

    def _obey_limit(self) -> None:
        """Wait for the limit that an earlier call met; park the job when that takes too long."""
        if self._not_before is None:
            return
        seconds = (self._not_before - self._clock.now()).total_seconds()
        if seconds > PATIENCE:
            raise parked(LIMIT, seconds, now=self._clock.now())
        self._sleep_until(self._not_before)

    def _sleep_until(self, moment: datetime) -> None:
        seconds = (moment - self._clock.now()).total_seconds()
        if seconds > 0:
            self._clock.sleep(seconds)


def parked(why: str, seconds: float, *, now: datetime) -> Unavailable:
    """The outage of a call that would have to wait too long."""
    return Unavailable(
        Code.RATE,
        f"{why}; next try at {now + timedelta(seconds=seconds):%H:%M} UTC.",
        remedy="Nothing to do: repeat the command after that time if no answer came.",
        retry_after=seconds,
    )
