"""From points to the numbers that size a workload.

In: points by pod, of one workload. Out: an ``Observed``. Never: a zero where there were no points, a network.

CPU p95 and p98 are the largest over the pods of each pod's quantile, as Robusta KRR takes them (@d6baa74,
``strategies/simple.py``; sizing.md sections 5 and 9), by linear interpolation as Prometheus' ``quantile_over_time``. A
quantile of fewer than 20 points is nearly their maximum, which for a new pod is its start: such a pod counts only where
no pod has more. Memory is the largest value of any pod, its start included.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from bot.edges.prometheus.questions import RATE, Grid
from bot.edges.prometheus.series import Pods, Points
from bot.model.evidence import Observed, Workload
from bot.model.quantity import Bytes, MilliCpu

ENOUGH: Final = 100
"""Points below which a ratio says nothing (sizing.md section 7.14)."""
_FEW: Final = 20


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The points of one workload; an empty part had no data. ``newest``: Unix seconds of the newest samples by pod."""

    cpu: Pods = field(default_factory=dict)
    memory: Pods = field(default_factory=dict)
    newest: Pods = field(default_factory=dict)
    restarts: Pods = field(default_factory=dict)
    throttled: Pods = field(default_factory=dict)
    periods: Pods = field(default_factory=dict)
    requests: Points = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True when nothing is known of its use."""
        return not self.cpu and not self.memory

    def age(self, grid: Grid) -> float:
        """Seconds since the newest sample; to a step of the grid when Prometheus did not say it exactly."""
        exact = max((value for points in self.newest.values() for value in points.values()), default=0.0)
        moments = max((max(points) for pods in (self.cpu, self.memory) for points in pods.values()), default=grid.start)
        return max(0.0, grid.end - (exact or moments))

    def observed(self, workload: Workload, grid: Grid) -> Observed:
        """The numbers."""
        total = _total(self.cpu)
        used = [_moments(pods) for pods in (self.cpu, self.memory) if pods]
        return Observed(
            workload=workload,
            source_id=f"prometheus:{workload.namespace}/{workload.name}",
            window=float(grid.window),
            span=float(max(map(max, used)) - min(map(min, used))),
            points=min(map(len, used)),
            age=self.age(grid),
            cpu_p95=_cores(_quantile_of_pods(self.cpu, 0.95)),
            cpu_p98=_cores(_quantile_of_pods(self.cpu, 0.98)),
            memory_max=_bytes(
                max((value for points in self.memory.values() for value in points.values()), default=None)
            ),
            seconds_per_request=_seconds_per_request(total, self.requests),
            peak_rate=max(self.requests.values(), default=None),
            pods=_pods(self.cpu or self.memory, grid),
            throttled=_share(self.throttled, self.periods),
            restarts=_increase(self.restarts) if self.restarts else None,
        )


def quantile(values: Iterable[float], q: float) -> float:
    """Linear interpolation between the neighbours of rank ``q * (n - 1)``. Raises IndexError without values."""
    ranked = sorted(values)
    rank = q * (len(ranked) - 1)
    low, high = ranked[math.floor(rank)], ranked[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))


def _quantile_of_pods(pods: Pods, q: float) -> float | None:
    longest = max(map(len, pods.values()), default=0)
    counted = (points for points in pods.values() if len(points) >= min(_FEW, longest))
    return max((quantile(points.values(), q) for points in counted), default=None)


def _cores(value: float | None) -> MilliCpu | None:
    return None if value is None else MilliCpu.of_cores(round(value, 6))


def _bytes(value: float | None) -> Bytes | None:
    return None if value is None else Bytes(math.ceil(value))


def _total(pods: Pods) -> Points:
    total: dict[int, float] = defaultdict(float)
    for points in pods.values():
        for at, value in points.items():
            total[at] += value
    return dict(total)


def _moments(pods: Pods) -> set[int]:
    return {at for points in pods.values() for at in points}


def _seconds_per_request(cpu: Points, requests: Points) -> float | None:
    """CPU time over requests of the moments with a rate above zero, at least 100 of them."""
    shared = [at for at, rate in requests.items() if rate > 0 and at in cpu]
    if len(shared) < ENOUGH:
        return None
    return sum(cpu[at] for at in shared) / sum(requests[at] for at in shared)


def _pods(pods: Pods, grid: Grid) -> int:
    """The most at one time. What looks back five minutes shows a dead pod so long, which does not count."""
    counts: dict[int, int] = defaultdict(int)
    for points in pods.values():
        end = max(points)
        alive = end if end > grid.end - grid.step else end - RATE
        for at in points:
            counts[at] += at <= alive
    return max(1, *counts.values())


def _share(throttled: Pods, periods: Pods) -> float | None:
    whole = sum(value for points in periods.values() for value in points.values())
    part = sum(value for points in throttled.values() for value in points.values())
    return min(1.0, part / whole) if whole > 0 else None


def _increase(pods: Mapping[str, Points]) -> int:
    """What a counter rose by, summed over pods; a fall is a new pod of the same name."""
    rise = 0.0
    for points in pods.values():
        values = [points[at] for at in sorted(points)]
        rise += sum(max(0.0, later - earlier) for earlier, later in pairwise(values))
    return round(rise)
