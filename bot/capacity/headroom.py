"""What each node can still give, after reserves and overcommit.

In: a snapshot and the config. Out: ``Headroom``. Never: memory overcommit, a node that is not ready, I/O.

Formula (Proxmox): plannable CPU = threads x overcommit; plannable memory = physical - max(2 GiB, 8 %) - ZFS ARC limit;
promised = configured guests that run, or start by themselves (onboot, HA). Load = max(promised / plannable, measured
95th percentile / 0.85 for CPU, / 0.90 for memory). Kubernetes: allocatable - sum of pod requests.
"""

from __future__ import annotations

from typing import Final

from bot.model.cluster import ClusterSnapshot, Headroom, Node, Room
from bot.model.config import Config
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources

_RESERVE_FLOOR: Final = 2 * GIB
_RESERVE_SHARE: Final = 0.08
_CPU_P95: Final = 0.85
_MEMORY_P95: Final = 0.90
_KEEPS_PODS_OUT: Final = frozenset({"NoSchedule", "NoExecute"})


def headroom(snapshot: ClusterSnapshot, config: Config) -> Headroom:
    """A room for every node of the snapshot, in its order."""
    overcommit = config.limits.cpu_overcommit
    return Headroom(rooms=tuple(_room(node, snapshot, overcommit=overcommit) for node in snapshot.nodes))


def _room(node: Node, snapshot: ClusterSnapshot, *, overcommit: float) -> Room:
    if node.system == "proxmox":
        quorate = snapshot.proxmox is None or snapshot.proxmox.quorate is not False
        return _proxmox_room(node, overcommit=overcommit, quorate=quorate)
    return _kubernetes_room(node)


def _proxmox_room(node: Node, *, overcommit: float, quorate: bool) -> Room:
    reserve = max(_RESERVE_FLOOR, int(node.capacity.memory * _RESERVE_SHARE)) + (node.zfs_arc_max or 0)
    limit = Resources(
        cpu=MilliCpu(int(node.capacity.cpu * overcommit)), memory=Bytes(max(0, node.capacity.memory - reserve))
    )
    why = f"{node.capacity.cpu} threads x {overcommit:g} overcommit; {Bytes(reserve).gib:.1f} GiB kept for the host"
    if not quorate:
        why = "the cluster has no quorum"
    return _measured(node, limit, usable=node.state == "ready" and quorate, why=why)


def _kubernetes_room(node: Node) -> Room:
    taints = [taint.key for taint in node.taints if taint.effect in _KEEPS_PODS_OUT]
    usable = node.state == "ready" and not taints and node.operating_system == "linux"
    why = f"tainted {', '.join(taints)}" if taints else "allocatable minus the requests of its pods"
    return _measured(node, node.capacity, usable=usable, why=why)


def _measured(node: Node, limit: Resources, *, usable: bool, why: str) -> Room:
    p95 = node.used_p95 or Resources()
    return Room(
        node=node.name,
        system=node.system,
        usable=usable,
        limit=limit,
        free=limit - node.promised,
        cpu_load=max(_share(node.promised.cpu, limit.cpu), _share(p95.cpu, node.capacity.cpu) / _CPU_P95),
        memory_load=max(
            _share(node.promised.memory, limit.memory), _share(p95.memory, node.capacity.memory) / _MEMORY_P95
        ),
        why=why if usable or node.state == "ready" else f"the node is {node.state}",
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float(part > 0)
