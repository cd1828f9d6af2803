"""Full defaults; a test changes one fact."""

from __future__ import annotations

from typing import Any

from bot.errors import Refusal
from bot.model.cluster import (
    Bridge,
    ClusterSnapshot,
    Guest,
    Headroom,
    KubernetesFacts,
    Node,
    ProxmoxFacts,
    Room,
    Store,
)
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.noun import JsonValue
from bot.model.plan import Plan
from bot.model.profile import AppProfile, Dependency, DependencyKind, Endpoint, Evidence, Port, Service
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources
from bot.planning.plan import make_plan

SEEN = Evidence(path="main.go", line=1)
GOLDEN_DEMAND = Demand(qps_peak=2000.0, zero_downtime=True, strong_consistency=True)


def dependency(kind: DependencyKind, **changes: Any) -> Dependency:
    return Dependency(kind=kind, evidence=(SEEN,), **changes)


def service(**changes: Any) -> Service:
    facts: dict[str, Any] = {
        "name": "api",
        "path": "api",
        "language": "go",
        "framework": "gin",
        "dockerfile": "api/Dockerfile",
        "ports": (Port(port=8080, protocol="http", name="http"),),
        "endpoints": (Endpoint(method="GET", path="/products", evidence=SEEN),),
        "dependencies": (dependency("postgresql"),),
    }
    return Service(**{**facts, **changes})


def profile(*services: Service) -> AppProfile:
    return AppProfile(name="shop", services=services or (service(),))


def pve(name: str, **changes: Any) -> Node:
    facts: dict[str, Any] = {
        "name": name,
        "system": "proxmox",
        "capacity": Resources(cpu=MilliCpu(32_000), memory=Bytes.of_gib(128)),
        "promised": Resources(cpu=MilliCpu(20_000), memory=Bytes.of_gib(40)),
        "bridges": (Bridge(name="vmbr0", vlan_aware=True),),
    }
    return Node(**{**facts, **changes})


def worker(name: str, **changes: Any) -> Node:
    facts: dict[str, Any] = {
        "name": name,
        "system": "kubernetes",
        "capacity": Resources(cpu=MilliCpu(8_000), memory=Bytes.of_gib(16)),
        "promised": Resources(cpu=MilliCpu(1_000), memory=Bytes.of_gib(2)),
        "pods_capacity": 110,
        "pods": 10,
    }
    return Node(**{**facts, **changes})


def shared_store(**changes: Any) -> Store:
    facts: dict[str, Any] = {
        "name": "ceph",
        "system": "proxmox",
        "kind": "rbd",
        "shared": True,
        "content": ("images",),
        "total": Bytes.of_gib(2000),
        "available": Bytes.of_gib(1200),
    }
    return Store(**{**facts, **changes})


def local_store(node: str, **changes: Any) -> Store:
    return shared_store(**{"name": "local-lvm", "kind": "lvmthin", "shared": False, "nodes": (node,), **changes})


def template(**changes: Any) -> Guest:
    facts: dict[str, Any] = {
        "vm_id": 9000,
        "name": "debian-12",
        "kind": "vm",
        "node": "pve1",
        "status": "stopped",
        "template": True,
        "agent": True,
        "disk": Bytes.of_gib(10),
        "datastores": ("ceph",),
    }
    return Guest(**{**facts, **changes})


def snapshot(**changes: Any) -> ClusterSnapshot:
    facts: dict[str, Any] = {
        "nodes": (
            pve("pve1"), pve("pve2"), pve("pve3"),
            worker("k1", zone="a"), worker("k2", zone="b"), worker("k3", zone="c"),
        ),
        "stores": (shared_store(),),
        "proxmox": ProxmoxFacts(quorate=True, guests=(template(),)),
        "kubernetes": KubernetesFacts(version="v1.31.0"),
    }  # fmt: skip
    return ClusterSnapshot(**{**facts, **changes})


def rooms(taken: ClusterSnapshot, *, overcommit: float = 3.0) -> Headroom:
    """The same rule as ``bot.capacity``, written again: siblings do not import each other."""
    return Headroom(rooms=tuple(_room(node, overcommit) for node in taken.nodes))


def _room(node: Node, overcommit: float) -> Room:
    limit = node.capacity
    if node.system == "proxmox":
        reserve = max(2 * GIB, int(0.08 * node.capacity.memory))
        limit = Resources(
            cpu=MilliCpu(int(node.capacity.cpu * overcommit)), memory=Bytes(max(0, node.capacity.memory - reserve))
        )
    return Room(
        node=node.name,
        system=node.system,
        usable=node.state == "ready",
        limit=limit,
        free=limit - node.promised,
        cpu_load=node.promised.cpu / max(1, limit.cpu),
        memory_load=node.promised.memory / max(1, limit.memory),
        why="the test's rule",
    )


def planned(**changes: Any) -> Plan | Refusal:
    facts: dict[str, Any] = {
        "app": "shop",
        "demand": GOLDEN_DEMAND,
        "profile": profile(),
        "snapshot": snapshot(),
        "config": Config(),
        "repo_owner": "MyOrg",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        **changes,
    }
    return make_plan(headroom=rooms(facts["snapshot"], overcommit=facts["config"].limits.cpu_overcommit), **facts)


def plan(**changes: Any) -> Plan:
    made = planned(**changes)
    assert isinstance(made, Plan), made
    return made


def refused(**changes: Any) -> Refusal:
    made = planned(**changes)
    assert isinstance(made, Refusal), made
    return made


def decision(made: Plan, path: str) -> Decision:
    found = [entry for entry in made.decisions if entry.path == path]
    assert len(found) == 1, (path, [entry.path for entry in made.decisions])
    return found[0]


def value(made: Plan, path: str) -> JsonValue:
    return decision(made, path).value


def rules(made: Plan) -> set[str]:
    return {finding.rule for finding in made.findings}
