"""When a measurement may move a number, and how its age is told.

In: ``Observed``. Out: numbers that passed the tests, or None. Never: a zero for "no data", a value that no service can
have, an old sample taken for a new one.

Sources: KRR takes 100 points and 3 hours (sizing section 5); 7 days before a CPU request follows use (section 9).
"""

from __future__ import annotations

import math
from typing import Final

from bot.model.evidence import Observed
from bot.model.quantity import GIB, Bytes

POINTS: Final = 100
FRESH: Final = 3600.0
"""Seconds since the newest sample."""
MEMORY_WINDOW: Final = 3 * 3600.0
CPU_WINDOW: Final = 7 * 86_400.0
MARGIN: Final = 1.15
_LEAST_SECONDS, _MOST_SECONDS = 1e-6, 100.0
_MOST_MILLI: Final = 128_000
_MOST_PODS: Final = 10_000
_MOST_MEMORY: Final = 2048 * GIB


def usable(observed: Observed) -> bool:
    """Enough samples, and none too old. An age that nobody told is not held against the data."""
    return observed.points >= POINTS and (observed.age is None or observed.age <= FRESH)


def long_enough(observed: Observed, window: float) -> bool:
    """Whether the data cover that many seconds."""
    return math.isfinite(covered(observed)) and covered(observed) >= window


def covered(observed: Observed) -> float:
    """Seconds that the data cover: from the first to the last point where that is known, else the window asked for."""
    return observed.window if observed.span is None else min(observed.window, observed.span)


def seconds_of(observed: Observed) -> float | None:
    """CPU seconds per request, where they are between a microsecond and 100 seconds."""
    seconds = observed.seconds_per_request
    return seconds if seconds is not None and _LEAST_SECONDS <= seconds <= _MOST_SECONDS else None


def milli_of(observed: Observed, *, critical: bool) -> int | None:
    """p95 of one pod's CPU, p98 for critical services, in milli-CPU; seven days at least."""
    milli = (observed.cpu_p98 or observed.cpu_p95) if critical else observed.cpu_p95
    fits = milli is not None and 0 < milli <= _MOST_MILLI and long_enough(observed, CPU_WINDOW)
    return int(milli) if milli is not None and fits else None


def pods_of(observed: Observed) -> int | None:
    """The most pods at one time."""
    pods = observed.pods
    return pods if pods is not None and 0 < pods <= _MOST_PODS else None


def memory_of(observed: Observed) -> Bytes | None:
    """The most memory of one pod; three hours at least."""
    return plausible(observed.memory_max) if long_enough(observed, MEMORY_WINDOW) else None


def plausible(memory: Bytes | None) -> Bytes | None:
    """Memory that a pod can have: more than nothing, at most 2 TiB."""
    return memory if memory is not None and 0 < memory <= _MOST_MEMORY else None


def has_data(observed: Observed) -> bool:
    """Whether anything of it could move a number."""
    found = (seconds_of(observed), milli_of(observed, critical=False), memory_of(observed))
    return usable(observed) and any(value is not None for value in found)


def told(observed: Observed) -> str:
    """``measured over 14 d, newest sample 2 min old``."""
    age = "of unknown age" if observed.age is None else f"{span(observed.age)} old"
    return f"measured over {span(covered(observed))}, newest sample {age}"


def span(seconds: float) -> str:
    """A duration in its largest whole unit."""
    if not math.isfinite(seconds):
        return "an unknown time"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
