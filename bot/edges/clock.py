"""The real clock.

In: nothing. Out: the time in UTC. Never: a naive datetime.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class RealClock:
    """``ports.Clock`` on this computer."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait. Seconds; nothing happens for zero or less."""
        time.sleep(max(0.0, seconds))
