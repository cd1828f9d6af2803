"""Wishes by hand, and the cluster that they are planned for; a test changes one fact."""

from __future__ import annotations

from typing import Any

from bot.errors import Refusal
from bot.model.cluster import Bridge, ClusterSnapshot, Guest, ProxmoxFacts
from bot.model.config import Config, Defaults
from bot.model.plan import Plan
from bot.model.quantity import Bytes
from bot.model.wishes import ClusterWish, MachineWish, Wishes
from bot.planning.infrastructure.plan import plan_wishes
from tests.planning.builders import local_store, pve, rooms, shared_store, template

GIB = Bytes.of_gib
BRIDGES = (Bridge(name="vmbr0", vlan_aware=True, vlans="2-100", cidr="10.30.0.2/24", gateway="10.30.0.1"),)
CONFIG = Config(defaults=Defaults(addresses="10.30.0.50-10.30.0.99/24"))
VZTMPL = "nas:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"


def config(**changes: Any) -> Config:
    return CONFIG.model_copy(update=changes)


def guest(vm_id: int, **changes: Any) -> Guest:
    facts = {"vm_id": vm_id, "name": f"guest-{vm_id}", "kind": "vm", "node": "pve1", "status": "running"}
    return Guest(**{**facts, **changes})


def hosts(count: int = 3, **changes: Any) -> ClusterSnapshot:
    """``count`` nodes of 32 threads and 128 GiB, shared disks, a template with an agent."""
    nodes = tuple(pve(f"pve{number}", bridges=BRIDGES) for number in range(1, count + 1))
    facts: dict[str, Any] = {
        "nodes": nodes,
        "stores": (shared_store(), shared_store(name="nas", content=("vztmpl", "iso", "backup", "import"),
                                                volumes=(VZTMPL, "nas:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",
                                                         "nas:iso/debian-12.11.0-amd64-netinst.iso"))),
        "proxmox": ProxmoxFacts(version="9.2.3", quorate=True, guests=(template(), template(vm_id=9001, node="pve2"))),
    }  # fmt: skip
    return ClusterSnapshot(**{**facts, **changes})


def with_guests(*guests: Guest, **changes: Any) -> ClusterSnapshot:
    facts = hosts().proxmox
    assert facts is not None
    return hosts(proxmox=facts.model_copy(update={"guests": (*facts.guests, *guests)}), **changes)


def machine(name: str = "web-prod-01", **changes: Any) -> MachineWish:
    return MachineWish(**{"name": name, "role": "web", **changes})


def cluster(control_planes: int, workers: int, cores: int, gib: int, **changes: Any) -> ClusterWish:
    facts = {"name": "kube", "preset": "a cluster", "control_planes": control_planes, "workers": workers}
    return ClusterWish(**{**facts, "cores": cores, "memory": GIB(gib), **changes})


def asked(*wishes: MachineWish | ClusterWish, **changes: Any) -> Plan | Refusal:
    facts: dict[str, Any] = {"snapshot": hosts(), "config": CONFIG, **changes}
    environment = facts.pop("environment", "production")
    made = Wishes(
        name="request",
        environment=environment,
        machines=tuple(one for one in wishes if isinstance(one, MachineWish)),
        clusters=tuple(one for one in wishes if isinstance(one, ClusterWish)),
    )
    headroom = rooms(facts["snapshot"], overcommit=facts["config"].limits.cpu_overcommit)
    return plan_wishes(made, headroom=headroom, **facts)


def wished(*wishes: MachineWish | ClusterWish, **changes: Any) -> Plan:
    made = asked(*wishes, **changes)
    assert isinstance(made, Plan), made
    return made


def denied(*wishes: MachineWish | ClusterWish, **changes: Any) -> Refusal:
    made = asked(*wishes, **changes)
    assert isinstance(made, Refusal), made
    return made


def zfs(*nodes: str) -> tuple[Any, ...]:
    return tuple(local_store(node, name="tank", kind="zfspool") for node in nodes)
