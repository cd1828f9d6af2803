"""What the ResourceQuotas of a namespace leave, and what one pod claims of them.

In: the snapshot's quotas. Out: integers by resource name (milli-CPU, bytes, counts). Never: a resource that pods do not
claim, such as claims for volumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.model.cluster import ClusterSnapshot
from bot.model.quantity import Resources
from bot.planning.allowances import bytes_or_none, cpu_or_none

_COUNTED: Final = frozenset(
    {"cpu", "requests.cpu", "limits.cpu", "memory", "requests.memory", "limits.memory", "pods", "count/pods"}
)


@dataclass(frozen=True)
class Pod:
    """One pod's claim."""

    service: str
    requests: Resources
    limits: Resources


def quota_left(snapshot: ClusterSnapshot, *, namespace: str) -> dict[str, int]:
    """What all ResourceQuotas of the namespace leave, by resource name; the tightest of several wins."""
    left: dict[str, int] = {}
    for quota in snapshot.kubernetes.quotas if snapshot.kubernetes is not None else ():
        for key, hard in quota.hard.items() if quota.namespace == namespace else ():
            remains = _difference(key, hard, quota.used.get(key, "0"))
            if key in _COUNTED and remains is not None:
                left[key] = min(remains, left.get(key, remains))
    return left


def _difference(key: str, hard: str, used: str) -> int | None:
    if key.endswith("cpu"):
        total, taken = cpu_or_none(hard), cpu_or_none(used)
        return None if total is None or taken is None else max(0, int(total) - int(taken))
    size, spent = bytes_or_none(hard), bytes_or_none(used)
    return None if size is None or spent is None else max(0, int(size) - int(spent))


def claims_of(pod: Pod) -> dict[str, int]:
    """What one pod takes of each counted resource."""
    return {
        "cpu": pod.requests.cpu, "requests.cpu": pod.requests.cpu, "limits.cpu": pod.limits.cpu,
        "memory": pod.requests.memory, "requests.memory": pod.requests.memory, "limits.memory": pod.limits.memory,
        "pods": 1, "count/pods": 1,
    }  # fmt: skip


def within(quota: Mapping[str, int], pod: Pod) -> bool:
    """True when the quota leaves enough for one more pod."""
    claims = claims_of(pod)
    return all(claims.get(key, 0) <= left for key, left in quota.items())
