"""What a namespace demands of every pod: quotas that want a CPU limit, LimitRanges with bounds.

In: sized services and the snapshot's quotas and LimitRanges. Out: services with adjusted requests and limits, or a
``Refusal`` (``capacity``). Never: a CPU limit that nobody demands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, LimitRange
from bot.model.decision import Decision
from bot.model.plan import PodLimits, Requests, ServicePlan
from bot.model.quantity import Bytes, MilliCpu
from bot.planning.record import Notes
from bot.planning.service import SizedService

LIMIT_OVER_REQUEST: Final = 2
_BY_RANGE: Final = "moved into the bounds of the LimitRange"
_BY_MINIMUM: Final = "raised to the LimitRange's minimum"


@dataclass(frozen=True)
class Allowance:
    """The strictest bounds of all LimitRanges of the namespace; None where nothing is said."""

    cpu_limit_wanted: str | None = None
    least_cpu: MilliCpu | None = None
    most_cpu: MilliCpu | None = None
    least_memory: Bytes | None = None
    most_memory: Bytes | None = None
    cpu_ratio: float | None = None
    memory_ratio: float | None = None


def allow(sized: SizedService, *, snapshot: ClusterSnapshot, namespace: str) -> SizedService | Refusal:
    """Fit one pod to the namespace's rules: raise to minima, set a CPU limit of 2c where one is demanded."""
    allowance = allowance_of(snapshot, namespace)
    plan = sized.plan
    cpu = MilliCpu(max(plan.requests.cpu, allowance.least_cpu or 0))
    memory = Bytes(max(plan.requests.memory, allowance.least_memory or 0))
    limits = PodLimits(
        cpu=_cpu_limit(cpu, allowance, asked=plan.limits.cpu),
        memory=_memory_limit(memory, allowance, asked=plan.limits.memory),
    )
    refusal = _too_big(plan.name, Requests(cpu=cpu, memory=memory), limits, allowance=allowance, namespace=namespace)
    if refusal is not None:
        return refusal
    changed = plan.model_copy(update={"requests": Requests(cpu=cpu, memory=memory), "limits": limits})
    return replace(sized, plan=changed, notes=_replaced(sized.notes, plan, changed, allowance=allowance))


def allowance_of(snapshot: ClusterSnapshot, namespace: str) -> Allowance:
    """Quotas and LimitRanges of one namespace, as far as they were read."""
    facts = snapshot.kubernetes
    if facts is None:
        return Allowance()
    ranges = [entry for entry in facts.limit_ranges if entry.namespace == namespace]
    quota = next((q.name for q in facts.quotas if q.namespace == namespace and "limits.cpu" in q.hard), None)
    defaulted = next((r.name for r in ranges if "cpu" in r.maximum or "cpu" in r.default_limit), None)
    wanted = f"quota {quota} counts limits.cpu" if quota else f"LimitRange {defaulted} sets one" if defaulted else None
    return Allowance(
        cpu_limit_wanted=wanted,
        least_cpu=max(_cpus(ranges, "minimum"), default=None),
        most_cpu=min(_cpus(ranges, "maximum"), default=None),
        least_memory=max(_memories(ranges, "minimum"), default=None),
        most_memory=min(_memories(ranges, "maximum"), default=None),
        cpu_ratio=_least_ratio(ranges, "cpu"),
        memory_ratio=_least_ratio(ranges, "memory"),
    )


def _least_ratio(ranges: list[LimitRange], what: str) -> float | None:
    return min((ratio for r in ranges if (ratio := _ratio(r.max_ratio.get(what))) is not None), default=None)


def _bound(entry: LimitRange, which: str) -> dict[str, str]:
    return entry.minimum if which == "minimum" else entry.maximum


def _cpus(ranges: list[LimitRange], which: str) -> list[MilliCpu]:
    return [value for entry in ranges if (value := cpu_or_none(_bound(entry, which).get("cpu"))) is not None]


def _memories(ranges: list[LimitRange], which: str) -> list[Bytes]:
    return [value for entry in ranges if (value := bytes_or_none(_bound(entry, which).get("memory"))) is not None]


def cpu_or_none(text: str | None) -> MilliCpu | None:
    """A quantity of the cluster; None when absent or unreadable (the cluster itself accepted it, so it is rare)."""
    if text is None:
        return None
    try:
        return MilliCpu.parse(text)
    except ValueError:
        return None


def bytes_or_none(text: str | None) -> Bytes | None:
    """The same for memory and counts."""
    if text is None:
        return None
    try:
        return Bytes.parse(text)
    except ValueError:
        return None


def _ratio(text: str | None) -> float | None:
    value = cpu_or_none(text)
    return None if value is None or value == 0 else value.cores


def _too_big(
    name: str, requests: Requests, limits: PodLimits, *, allowance: Allowance, namespace: str
) -> Refusal | None:
    over = []
    cpu = max(requests.cpu, limits.cpu or MilliCpu(0))
    if allowance.most_cpu is not None and cpu > allowance.most_cpu:
        over.append(f"CPU {cpu} over the maximum {allowance.most_cpu}")
    if allowance.most_memory is not None and limits.memory > allowance.most_memory:
        over.append(f"memory {limits.memory} over the maximum {allowance.most_memory}")
    if not over:
        return None
    return Refusal(
        code=Code.CAPACITY,
        message=f"A pod of service {name} does not fit the LimitRange of namespace {namespace}: {'; '.join(over)}.",
        remedy="Name another namespace, or ask its owner for a larger LimitRange maximum.",
    )


def _cpu_limit(cpu: MilliCpu, allowance: Allowance, *, asked: MilliCpu | None) -> MilliCpu | None:
    """``asked`` is a limit that a person wants; only the ratio bounds it here, the maximum is refused."""
    if asked is not None:
        bound = asked if allowance.cpu_ratio is None else min(asked, int(cpu * allowance.cpu_ratio))
        return MilliCpu(max(bound, cpu))
    if allowance.cpu_limit_wanted is None and allowance.cpu_ratio is None:
        return None
    limit = LIMIT_OVER_REQUEST * cpu
    if allowance.cpu_ratio is not None:
        limit = min(limit, int(cpu * allowance.cpu_ratio))
    if allowance.most_cpu is not None:
        limit = min(limit, allowance.most_cpu)
    return MilliCpu(max(limit, cpu))


def _memory_limit(memory: Bytes, allowance: Allowance, *, asked: Bytes) -> Bytes:
    bound = asked if allowance.memory_ratio is None else min(asked, int(memory * allowance.memory_ratio))
    return Bytes(max(bound, memory))


def _replaced(notes: Notes, before: ServicePlan, after: ServicePlan, *, allowance: Allowance) -> Notes:
    """The records of the values that changed, and only those, are written anew."""
    name = before.name
    new = {}
    if after.limits.cpu is not None and after.limits.cpu != before.limits.cpu:
        why = f"twice the request, because {allowance.cpu_limit_wanted or 'a LimitRange bounds the ratio'}"
        new[f"services.{name}.limits.cpu"] = (
            after.limits.cpu.to_k8s(),
            why if before.limits.cpu is None else _BY_RANGE,
        )
    if after.limits.memory != before.limits.memory:
        why = _BY_MINIMUM if after.limits.memory > before.limits.memory else _BY_RANGE
        new[f"services.{name}.limits.memory"] = (after.limits.memory.to_k8s(), why)
    if after.requests.cpu != before.requests.cpu:
        new[f"services.{name}.requests.cpu"] = (after.requests.cpu.to_k8s(), _BY_MINIMUM)
    if after.requests.memory != before.requests.memory:
        new[f"services.{name}.requests.memory"] = (after.requests.memory.to_k8s(), _BY_MINIMUM)
    return Notes(
        decisions=tuple(
            entry if entry.path not in new else _again(entry, *new[entry.path]) for entry in notes.decisions
        ),
        findings=notes.findings,
    )


def _again(entry: Decision, value: str, why: str) -> Decision:
    rejected = (*entry.rejected, f"{entry.value}: {entry.why}") if entry.value is not None else entry.rejected
    return entry.model_copy(
        update={
            "value": value,
            "origin": "rule",
            "why": why,
            "tag": "read",
            "source": "namespace rules; sizing step 5",
            "rejected": rejected,
        }
    )
