"""Where the pods would stand: the quota and the free rooms that a payload names.

In: ``DeploymentContext`` and the size of one pod. Out: ``Places``. Never: a quantity that could not be read taken for
zero, a node whose free room is not stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.cluster import ClusterSnapshot, KubernetesFacts, Quota
from bot.model.quantity import MilliCpu, Resources
from bot.model.recommendation import Because
from bot.model.standard import DeploymentContext, NodeRoom
from bot.planning.allowances import bytes_or_none
from bot.planning.quota import Pod, claims_of, quota_left

NAMESPACE = "payload"
_QUOTA = "deployment_context.namespace_quota"
_NODES = "deployment_context.node_utilization"


@dataclass(frozen=True)
class Places:
    """How many pods the quota and the nodes hold; None where the payload names neither."""

    quota: int | None = None
    nodes: int | None = None
    reasons: tuple[Because, ...] = ()

    def fit(self, pods: int) -> bool | None:
        """Whether so many pods find a place."""
        known = [count for count in (self.quota, self.nodes) if count is not None]
        return all(pods <= count for count in known) if known else None


def quota_of(context: DeploymentContext | None) -> ClusterSnapshot:
    """The quota as the planner reads one; empty where none is stated."""
    if context is None or not context.namespace_quota:
        return ClusterSnapshot()
    quota = Quota(namespace=NAMESPACE, name="namespace_quota", hard=context.namespace_quota)
    return ClusterSnapshot(kubernetes=KubernetesFacts(quotas=(quota,)))


def places_for(pod: Pod, *, context: DeploymentContext | None) -> Places:
    """How many such pods the payload's quota and nodes hold. All of the quota counts as this application's own."""
    if context is None:
        return Places()
    quota, limited = _by_quota(pod, context)
    nodes, roomy = _by_nodes(pod, context.node_utilization)
    return Places(quota, nodes, reasons=(*limited, *roomy))


def _by_quota(pod: Pod, context: DeploymentContext) -> tuple[int | None, tuple[Because, ...]]:
    left = quota_left(quota_of(context), namespace=NAMESPACE)
    claims = claims_of(pod)
    counts = {key: whole // claims[key] for key, whole in left.items() if claims.get(key, 0) > 0}
    unread = sorted(set(context.namespace_quota) - set(left))
    reasons = [_unread(unread)] if unread else []
    if not counts:
        return None, tuple(reasons)
    tightest = min(counts, key=lambda key: (counts[key], key))
    formula = f"floor({context.namespace_quota[tightest][:40]} / {_claim(pod, tightest)}) = {counts[tightest]}"
    text = f"The namespace's quota of {tightest} holds {counts[tightest]} such pods."
    return counts[tightest], (*reasons, Because(path="autoscaler.max", text=text, source=_QUOTA, formula=formula))


def _unread(keys: list[str]) -> Because:
    named = ", ".join(ascii(key[:40]) for key in keys[:5])
    text = f"Left out of the quota: {named}; pods do not claim it, or its value is no Kubernetes quantity."
    return Because(text=text, source=_QUOTA)


def _claim(pod: Pod, key: str) -> str:
    part = pod.limits if key.startswith("limits.") else pod.requests
    if key.endswith("cpu"):
        return part.cpu.to_k8s()
    return part.memory.to_k8s() if key.endswith("memory") else "1"


def _by_nodes(pod: Pod, nodes: dict[str, NodeRoom]) -> tuple[int | None, tuple[Because, ...]]:
    rooms = [room for room in map(_room, nodes.values()) if room is not None]
    unread = len(nodes) - len(rooms)
    reasons: list[Because] = []
    if unread:
        text = f"{unread} of {len(nodes)} nodes were left out: cpu_free or mem_free is missing or cannot be read."
        reasons.append(Because(text=text, source=_NODES))
    if not rooms:
        return None, tuple(reasons)
    count = sum(_holds(room, pod.requests) for room in rooms)
    text = f"The free room of {len(rooms)} nodes holds {count} such pods beside what runs there now."
    return count, (*reasons, Because(text=text, source=_NODES))


def _room(node: NodeRoom) -> Resources | None:
    memory = bytes_or_none(node.mem_free)
    if node.cpu_free is None or memory is None:
        return None
    return Resources(cpu=MilliCpu(int(node.cpu_free * 1000)), memory=memory)


def _holds(room: Resources, pod: Resources) -> int:
    return min(room.cpu // max(1, pod.cpu), room.memory // max(1, pod.memory))
