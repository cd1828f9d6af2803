"""What a pod asks of its node, by the scheduler's own rule.

In: a pod spec as plain data. Out: ``Resources``. Never: limits taken for requests, an unreadable quantity taken for
something else than nothing.

Formula (Kubernetes, "Resource sharing within containers" and KEP-753): sidecars are init containers with restartPolicy
Always. effective = max(sum(containers) + sum(sidecars), max over init containers i of (request_i + sidecars before i))
+ overhead. Requests of the pod itself (KEP-2837) replace the sum where they are stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.model.quantity import Bytes, MilliCpu, Resources

_DONE: Final = frozenset({"Succeeded", "Failed"})
_ENOUGH: Final = 2**50
"""Above this a quantity is a mistake: a quadrillion bytes or milli-CPUs on one node."""


def is_running(pod: Mapping[str, Any]) -> bool:
    """True while the pod holds its requests: everything but succeeded and failed."""
    return table(pod.get("status")).get("phase") not in _DONE


def pod_requests(spec: Mapping[str, Any]) -> Resources:
    """The effective requests of one pod."""
    running = _sum([_requests(container) for container in rows(spec.get("containers"))])
    sidecars = peak = Resources()
    for container in rows(spec.get("initContainers")):
        request = _requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars = sidecars + request
            peak = _largest(peak, sidecars)
        else:
            peak = _largest(peak, sidecars + request)
    effective = _stated(_largest(running + sidecars, peak), table(table(spec.get("resources")).get("requests")))
    return effective + resources(table(spec.get("overhead")))


def resources(quantities: Mapping[str, Any]) -> Resources:
    """A resource list (``cpu``, ``memory``, ``ephemeral-storage``) as ``Resources``."""
    return Resources(
        cpu=cpu(quantities.get("cpu")) or MilliCpu(0),
        memory=size(quantities.get("memory")) or Bytes(0),
        disk=size(quantities.get("ephemeral-storage")) or Bytes(0),
    )


def cpu(value: Any) -> MilliCpu | None:
    """A CPU quantity, or None when it is absent or cannot be read."""
    try:
        found = MilliCpu.parse(str(value)) if value is not None else None
    except ValueError:
        return None
    return found if found is not None and found < _ENOUGH else None


def size(value: Any) -> Bytes | None:
    """A byte quantity, or None when it is absent or cannot be read."""
    try:
        found = Bytes.parse(str(value)) if value is not None else None
    except ValueError:
        return None
    return found if found is not None and found < _ENOUGH else None


def table(value: Any) -> Mapping[str, Any]:
    """A JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a JSON array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _requests(container: Mapping[str, Any]) -> Resources:
    return resources(table(table(container.get("resources")).get("requests")))


def _sum(parts: list[Resources]) -> Resources:
    total = Resources()
    for part in parts:
        total = total + part
    return total


def _largest(one: Resources, other: Resources) -> Resources:
    return Resources(cpu=max(one.cpu, other.cpu), memory=max(one.memory, other.memory), disk=max(one.disk, other.disk))


def _stated(computed: Resources, stated: Mapping[str, Any]) -> Resources:
    own = resources(stated)
    return Resources(
        cpu=own.cpu if "cpu" in stated else computed.cpu,
        memory=own.memory if "memory" in stated else computed.memory,
        disk=computed.disk,
    )
