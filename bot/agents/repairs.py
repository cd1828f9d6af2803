"""What a rule can repair: a blocking finding whose right answer follows from the plan alone.

In: a plan and the rules of its findings. Out: the repaired plan, and the paths that changed. Never: a lower size, a
number beyond the config file's limits, a change without its decision record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import Pdb, Plan, ServicePlan
from bot.model.quantity import Bytes, MilliCpu

Repair = Callable[[ServicePlan, Config], ServicePlan]

_LEAST_CPU: Final = MilliCpu(100)
_LEAST_MEMORY: Final = Bytes.of_mib(128)
"""The floors of sizing steps 5 and 8."""


def repaired(plan: Plan, rules: Iterable[str], *, config: Config) -> tuple[Plan, tuple[str, ...]]:
    """The plan after the repairs of these rules, in alphabetical order; the same plan where nothing was to be done."""
    changed: list[str] = []
    for rule in sorted(set(rules) & REPAIRS.keys()):
        services = tuple(REPAIRS[rule](service, config) for service in plan.services)
        moved = [entry for old, new in zip(plan.services, services, strict=True) for entry in _moved(old, new, rule)]
        changed += [entry.path for entry in moved]
        plan = plan.model_copy(update={"services": services, "decisions": _recorded(plan.decisions, moved)})
    return plan, tuple(dict.fromkeys(changed))


def _moved(old: ServicePlan, new: ServicePlan, rule: str) -> Iterator[Decision]:
    before, after = _numbers(old), _numbers(new)
    for path, value in after.items():
        if value != before[path]:
            yield Decision(
                path=f"services.{new.name}.{path}",
                value=value,
                origin="rule",
                why=f"repaired by the reviewer, because the files broke the rule {rule}",
                source="the reviewer's repairs",
                rejected=(f"{before[path]}: it broke the rule {rule}",),
            )


def _numbers(service: ServicePlan) -> dict[str, JsonValue]:
    """The numbers that a repair may change, by the end of their decision's path."""
    hpa, pdb, limit = service.hpa, service.pdb, service.limits.cpu
    return {
        "replicas": service.replicas,
        "hpa.min": hpa.min if hpa else None,
        "hpa.max": hpa.max if hpa else None,
        "hpa.target_cpu_percent": hpa.target_cpu_percent if hpa else None,
        "requests.cpu": service.requests.cpu.to_k8s(),
        "requests.memory": service.requests.memory.to_k8s(),
        "limits.cpu": limit.to_k8s() if limit is not None else None,
        "limits.memory": service.limits.memory.to_k8s(),
        "pdb": pdb.model_dump(exclude_none=True) if pdb else None,
    }


def _recorded(decisions: tuple[Decision, ...], moved: list[Decision]) -> tuple[Decision, ...]:
    """Each new record in the place of the one that it replaces, else at the end."""
    new = {entry.path: entry for entry in moved}
    known = {entry.path for entry in decisions}
    added = tuple(entry for entry in new.values() if entry.path not in known)
    return (*(new.get(entry.path, entry) for entry in decisions), *added)


def _raise_limits_to_requests(service: ServicePlan, config: Config) -> ServicePlan:
    del config
    memory = max(service.limits.memory, service.requests.memory)
    cpu = service.limits.cpu
    cpu = None if cpu is None else max(cpu, service.requests.cpu)
    return service.model_copy(update={"limits": service.limits.model_copy(update={"memory": memory, "cpu": cpu})})


def _raise_to_floors(service: ServicePlan, config: Config) -> ServicePlan:
    """A request of zero becomes the floor; its limit follows."""
    requests = service.requests
    cpu = requests.cpu if requests.cpu > 0 else _LEAST_CPU
    memory = requests.memory if requests.memory > 0 else _LEAST_MEMORY
    found = service.model_copy(update={"requests": requests.model_copy(update={"cpu": cpu, "memory": memory})})
    return _raise_limits_to_requests(found, config)


def _one_pod_at_least(service: ServicePlan, config: Config) -> ServicePlan:
    del config
    return service.model_copy(update={"replicas": max(1, service.replicas)})


def _order_bounds(service: ServicePlan, config: Config) -> ServicePlan:
    """1 <= min <= max <= the limit of the config file; a minimum beyond that limit is for a person to settle."""
    most = config.limits.max_replicas
    if service.hpa is None or service.hpa.min > most:
        return service
    least = max(1, service.hpa.min)
    bounds = {"min": least, "max": min(most, max(least, service.hpa.max))}
    return service.model_copy(update={"hpa": service.hpa.model_copy(update=bounds)})


def _possible_target(service: ServicePlan, config: Config) -> ServicePlan:
    del config
    if service.hpa is None:
        return service
    target = min(100, max(1, service.hpa.target_cpu_percent))
    return service.model_copy(update={"hpa": service.hpa.model_copy(update={"target_cpu_percent": target})})


def _let_nodes_drain(service: ServicePlan, config: Config) -> ServicePlan:
    """Sizing step 9: from three pods one may be down, of two one stays up, a single one has no budget."""
    del config
    pods = service.hpa.min if service.hpa is not None else service.replicas
    if pods >= 3:  # the step's own number
        return service.model_copy(update={"pdb": Pdb(max_unavailable=1)})
    return service.model_copy(update={"pdb": Pdb(min_available=1) if pods > 1 else None})


REPAIRS: Final[Mapping[str, Repair]] = {
    "hpa-bounds": _order_bounds,
    "hpa-target": _possible_target,
    "no-memory-limit": _raise_limits_to_requests,
    "pdb": _let_nodes_drain,
    "quantity": _raise_to_floors,
    "replicas": _one_pod_at_least,
    "request-above-limit": _raise_limits_to_requests,
}
"""Rule of a finding to its repair; a closed table."""
