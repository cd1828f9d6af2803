"""Capacity of every node before and after the plan.

In: snapshot, headroom, pods and machines as placed. Out: ``NodeChange`` per node. Never: the autoscaler's maximum; what
is shown is the planned peak (n pods, at least the autoscaler's minimum).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.plan import Machine, NodeChange
from bot.model.quantity import Resources
from bot.planning.merged import Standing, added_by
from bot.planning.pods import Fitted


def node_changes(
    fitted: Fitted,
    machines: tuple[Machine, ...],
    *,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    standing: Mapping[str, Standing],
) -> tuple[NodeChange, ...]:
    """All nodes of both systems that were read, in the snapshot's order. A standing machine counts by its growth."""
    limits = {(room.system, room.node): room.limit for room in headroom.rooms}
    added = _added(fitted, machines, standing)
    return tuple(
        NodeChange(
            node=node.name,
            system=node.system,
            limit=limits.get((node.system, node.name), node.capacity),
            before=node.promised,
            after=node.promised + added.get((node.system, node.name), Resources()),
        )
        for node in snapshot.nodes
    )


def _added(
    fitted: Fitted, machines: tuple[Machine, ...], standing: Mapping[str, Standing]
) -> dict[tuple[str, str], Resources]:
    added: dict[tuple[str, str], Resources] = {}
    requests = {sized.plan.name: sized.plan.requests for sized in fitted.services}
    for (service, node), count in sorted(fitted.stands.items()):
        pod = Resources(cpu=requests[service].cpu, memory=requests[service].memory)
        key = ("kubernetes", node)
        added[key] = added.get(key, Resources()) + pod.times(count)
    for machine in machines:
        key = ("proxmox", machine.node)
        added[key] = added.get(key, Resources()) + added_by(machine, standing)
    return added
