"""Samples of a running application: what they measure, and how far they may move the rules' numbers.

In: ``HistoricalMetrics``. Out: ``History``. Never: a cost per request from series that do not belong together, a size
lowered by a handful of samples.

Sources: sizing section 9 (CPU request = p95 * 1.15, memory = max * 1.15), robusta-dev/krr (at least 100 points), sizing
7.2 (measured cost beats the table). A payload does not say how many days its samples cover, so nobody's rule of seven
days is applied, and the confidence is that of a load test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.model.standard import HistoricalMetrics
from bot.planning.record import figure

STRONG: Final = 100
"""Points from which a measurement is used outright."""
WEAK: Final = 4
"""Points from which it counts at all."""
BAND: Final = (0.5, 2.0)
"""How far a weak measurement may move the cost of a request: the bounds that a model has, sizing 7.15."""
MARGIN: Final = 1.15


@dataclass(frozen=True)
class Cost:
    """CPU seconds per request of ``points`` samples that belong together."""

    seconds: float
    points: int
    formula: str

    @property
    def strong(self) -> bool:
        """True when it is used outright."""
        return self.points >= STRONG


@dataclass(frozen=True)
class Use:
    """A quantile or maximum of one series; cores or MiB."""

    value: float
    points: int

    @property
    def strong(self) -> bool:
        """True when it may also lower a size."""
        return self.points >= STRONG


@dataclass(frozen=True)
class History:
    """What the samples say; None: too few, or none. ``apart``: there were samples and no cost could be made of them;
    ``peak_rate`` is the highest rate per second that was seen.
    """

    cost: Cost | None = None
    cpu_p95: Use | None = None
    memory_max: Use | None = None
    apart: bool = False
    peak_rate: float | None = None


def history_of(metrics: HistoricalMetrics | None) -> History:
    """The numbers of a payload's samples."""
    if metrics is None:
        return History()
    cost = _cost(metrics)
    return History(
        cost=cost,
        cpu_p95=_use(metrics.cpu_usage, quantile(metrics.cpu_usage, 0.95)),
        memory_max=_use(metrics.memory_usage, max(metrics.memory_usage, default=0.0)),
        peak_rate=max(metrics.request_rate, default=0.0) or None,
        apart=cost is None and bool(metrics.cpu_usage) and bool(metrics.request_rate),
    )


def _use(samples: Sequence[float], value: float) -> Use | None:
    return Use(value, len(samples)) if len(samples) >= WEAK and value > 0 else None


def _cost(metrics: HistoricalMetrics) -> Cost | None:
    """``sum(cpu * pods) / sum(rate)`` of series with one sample each per moment; a single pod count holds for all."""
    cpu, rates, pods = metrics.cpu_usage, metrics.request_rate, metrics.replica_counts
    if len(pods) == 1:
        pods = pods * len(cpu)
    if not len(cpu) == len(rates) == len(pods) or len(cpu) < WEAK:
        return None
    busy, requests = sum(use * count for use, count in zip(cpu, pods, strict=True)), sum(rates)
    if not (busy > 0 and requests > 0):
        return None
    seconds = busy / requests
    formula = f"sum(cpu * pods) / sum(rate) = {figure(busy)} / {figure(requests)} = {figure(seconds * 1000)} ms"
    return Cost(seconds, len(cpu), formula=formula)


def quantile(samples: Sequence[float], share: float) -> float:
    """By linear interpolation between the two nearest samples; 0 without samples."""
    if not samples:
        return 0.0
    ordered = sorted(samples)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
