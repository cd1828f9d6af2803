"""Measured use and troubles from a list, held to ``tests/edges/metrics_contract.py`` as the real edges are."""

from __future__ import annotations

from collections.abc import Iterable

from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Reading, Trouble, Workload
from bot.model.finding import Finding


class FakeMetrics:
    """``observed`` answers for its workloads; ``findings`` come with every answer. ``asked`` notes the questions."""

    def __init__(self, observed: Iterable[Observed] = (), findings: Iterable[Finding] = ()) -> None:
        self.observed = tuple(observed)
        self.findings = tuple(findings)
        self.asked: list[tuple[tuple[Workload, ...], float]] = []

    def observe(self, workloads: tuple[Workload, ...], *, window: float, names: MetricNames) -> Reading:
        self.asked.append((workloads, window))
        known = {one.workload: one.model_copy(update={"window": window}) for one in self.observed}
        wanted = dict.fromkeys(workloads)
        missing = tuple(_empty(workload) for workload in wanted if workload not in known)
        found = tuple(known[workload] for workload in wanted if workload in known)
        return Reading(observed=found, findings=(*self.findings, *missing))


class FakeTroubles:
    """``found`` answers for its workloads; ``findings`` come with every answer."""

    def __init__(self, found: Iterable[Trouble] = (), findings: Iterable[Finding] = ()) -> None:
        self.found = tuple(found)
        self.findings = tuple(findings)
        self.asked: list[tuple[Workload, ...]] = []

    def troubles(self, workloads: tuple[Workload, ...]) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        self.asked.append(workloads)
        return tuple(one for one in self.found if one.workload in workloads), self.findings


def _empty(workload: Workload) -> Finding:
    return Finding(
        rule="metrics-empty",
        severity="note",
        message=f"Prometheus holds no samples of {workload.namespace}/{workload.name} in the window.",
        remedy="Nothing for a new application.",
    )
