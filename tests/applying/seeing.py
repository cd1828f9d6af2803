"""What somebody sees ten minutes after a rollout: metrics and the cluster's own words, written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Reading, Trouble, Workload
from bot.model.finding import Finding
from bot.model.quantity import Bytes, MilliCpu


def well(namespace: str, name: str, **changes: Any) -> Observed:
    """Measured and quiet."""
    facts: dict[str, Any] = {
        "workload": Workload(namespace=namespace, name=name), "source_id": "prometheus", "window": 600.0, "points": 20,
        "cpu_p95": MilliCpu(120), "memory_max": Bytes.of_mib(90), "throttled": 0.01, "restarts": 0,
    }  # fmt: skip
    return Observed(**{**facts, **changes})


def unread(source: str) -> Finding:
    return Finding(
        rule=f"{source}-unread", severity="warn", message=f"{source} did not answer.", remedy="Look at it.", path=""
    )


@dataclass
class SeenMetrics:
    """``bot.counsel.Metrics``."""

    observed: Observed | None = None
    findings: tuple[Finding, ...] = ()
    asked: list[tuple[Workload, ...]] = field(default_factory=list)

    def observe(self, workloads: tuple[Workload, ...], *, window: float, names: MetricNames) -> Reading:
        del window, names
        self.asked.append(workloads)
        return Reading(observed=(self.observed,) if self.observed is not None else (), findings=self.findings)


@dataclass
class SeenTroubles:
    """``bot.counsel.Troubles``."""

    found: tuple[Trouble, ...] = ()
    findings: tuple[Finding, ...] = ()

    def troubles(self, workloads: tuple[Workload, ...]) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        del workloads
        return self.found, self.findings

    @classmethod
    def of(cls, namespace: str, name: str, kind: Any, count: int) -> SeenTroubles:
        where = Workload(namespace=namespace, name=name)
        return cls((Trouble(workload=where, source_id="kubernetes", kind=kind, count=count, text="told"),))

    @classmethod
    def crashing(cls, namespace: str, name: str) -> SeenTroubles:
        return cls.of(namespace, name, "crash-loop", 4)
