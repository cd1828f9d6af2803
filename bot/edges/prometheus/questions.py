"""The six range queries about a batch of workloads, and which pod belongs to which workload.

In: workloads with plain names. Out: PromQL and the grid of moments. Never: a name that is no slug, a step above five
minutes for CPU and memory.

The rules are those of Robusta KRR's ``simple`` strategy (@d6baa74, ``strategies/simple.py``): per-pod CPU as a rate,
memory as the working set. Containers are made unique by pod and name first, because two scrape jobs of
one kubelet, or the two lives of a container that restarted, would count twice in a plain sum. What answers is a series
per pod: quantiles, peaks and sums are taken from it in Python, so that every number comes from the same samples, NaN
and infinities can be dropped, and "no data" stays apart from zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Workload

STEP: Final = 300
"""Seconds; sizing.md section 9 wants steps of at most five minutes."""
RATE: Final = 300
"""Seconds a rate looks back; also how long a dead pod still shows one."""
MAX_POINTS: Final = 4_033
"""Fourteen days of steps with both ends; Prometheus itself refuses more than 11,000 points."""
_COARSE: Final = 3_600
_FINEST: Final = 15
_SHORTEST: Final = 600
_ENOUGH: Final = 100
_SLUG: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SIGNS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names (apimachinery, util/rand): no vowels, so that ``shop-worker-…`` or a Job's
``shop-migrate-…`` is not taken for a pod of the Deployment ``shop``."""
_TAIL: Final = rf"[{_SIGNS}]{{1,10}}-[{_SIGNS}]{{5}}|[0-9]{{1,5}}"
_OF_DEPLOYMENT: Final = re.compile(rf"(?P<name>.+)-[{_SIGNS}]{{1,10}}-[{_SIGNS}]{{5}}", re.ASCII)
_OF_STATEFUL_SET: Final = re.compile(r"(?P<name>.+)-[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class Grid:
    """Moments from ``start`` to ``end`` every ``step``; all in whole seconds (Unix time)."""

    start: int
    end: int
    step: int

    @property
    def window(self) -> int:
        """Seconds from the first moment to the last."""
        return self.end - self.start


def grid(now: float, window: float) -> Grid:
    """The finest useful grid: five minutes, or a hundredth of a short window; at most 4,033 moments, so 14 days."""
    wanted = max(_SHORTEST, int(window))
    step = max(_FINEST, min(STEP, wanted // _ENOUGH))
    return Grid(int(now) - min(wanted, step * (MAX_POINTS - 1)), int(now), step)


def coarse(fine: Grid) -> Grid:
    """An hour's steps, for what is only summed up."""
    return Grid(fine.start, fine.end, max(fine.step, min(_COARSE, fine.window)))


def recent(fine: Grid) -> Grid:
    """The last hour by minutes, to find the newest sample."""
    return Grid(fine.end - _COARSE, fine.end, 60)


def is_plain(workload: Workload) -> bool:
    """True for names that are slugs; nothing else ever stands in a query."""
    return all(_SLUG.fullmatch(name) for name in (workload.namespace, workload.name))


def owners(pod: str) -> tuple[str, ...]:
    """The workloads that may have made a pod of this name, a Deployment first."""
    if len(pod) > 253:
        return ()
    matches = (pattern.fullmatch(pod) for pattern in (_OF_DEPLOYMENT, _OF_STATEFUL_SET))
    return tuple(match["name"] for match in matches if match)


@dataclass(frozen=True)
class Questions:
    """PromQL for a batch of workloads."""

    workloads: tuple[Workload, ...]

    @property
    def _namespaces(self) -> str:
        return f'namespace=~"{_either(item.namespace for item in self.workloads)}"'

    @property
    def _pods(self) -> str:
        return f'{self._namespaces},pod=~"(?:{_either(item.name for item in self.workloads)})-(?:{_TAIL})"'

    @property
    def _containers(self) -> str:
        return f'{self._pods},container!="",container!="POD"'

    def cpu(self) -> str:
        """Cores per pod."""
        rate = f"rate(container_cpu_usage_seconds_total{{{self._containers}}}[{RATE}s])"
        return f"round({_per_pod(rate)}, 0.0001)"

    def memory(self) -> str:
        """Bytes per pod, the most within five minutes: the peak of a start is kept."""
        return _per_pod(f"max_over_time(container_memory_working_set_bytes{{{self._containers}}}[{RATE}s])")

    def newest(self) -> str:
        """When the newest sample of a pod was taken, in Unix seconds."""
        return f"max by (namespace, pod) (timestamp(container_memory_working_set_bytes{{{self._containers}}}))"

    def restarts(self) -> str:
        """Restarts per pod since it was made; the increase is what counts."""
        return _per_pod(f"kube_pod_container_status_restarts_total{{{self._pods}}}")

    def throttling(self, step: int) -> str:
        """CPU periods per pod and step, with ``part="all"``, and the throttled ones, with ``part="throttled"``."""
        parts = (("throttled", "container_cpu_cfs_throttled_periods_total"), ("all", "container_cpu_cfs_periods_total"))
        return " or ".join(
            f'label_replace({_per_pod(f"increase({name}{{{self._containers}}}[{step}s])")}, "part", "{part}", "", "")'
            for part, name in parts
        )

    def requests(self, names: MetricNames) -> str | None:
        """Requests per second of each workload, or None where no counter is configured."""
        if names.requests is None:
            return None
        label = names.workload_label
        found = f'{label}=~"{_either(item.name for item in self.workloads)}"'
        series = f'{{__name__="{names.requests}",{self._namespaces},{found}}}'
        return f"sum by (namespace, {label}) (rate({series}[{RATE}s]))"


def _per_pod(expression: str) -> str:
    return f"sum by (namespace, pod) (max by (namespace, pod, container) ({expression}))"


def _either(names: Iterable[str]) -> str:
    return "|".join(sorted(set(names)))
