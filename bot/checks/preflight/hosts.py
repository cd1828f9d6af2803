"""The hosts: online, quorate, with enough memory, CPU and devices for what the plan adds.

In: the scene. Out: checks ``node-online``, ``quorum``, ``memory``, ``cpu``, ``hardware``. Never: memory overcommit.

Formula: promised + more <= plannable, and p95 / 0.90 (memory; 0.85 for CPU) + more / plannable <= 1. ``more`` is what
the plan's machines take on a node minus what its own guests are promised there. Plannable memory is physical -
max(2 GiB, 8 %) - ZFS ARC; plannable CPU is threads x overcommit (``Headroom``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bot.checks.preflight.scene import Scene, failed, named, passed, settled, unknown, unread
from bot.model.cluster import Guest, Node, Room
from bot.model.plan import Machine
from bot.model.quantity import GIB
from bot.model.stack import Check

Kind = Literal["memory", "cpu"]

_P95: Final[dict[Kind, float]] = {"memory": 0.90, "cpu": 0.85}
_UNIT: Final[dict[Kind, tuple[int, str]]] = {"memory": (GIB, "GiB"), "cpu": (1000, "vCPU")}
_FREE: Final = "Free it on this node, or comment /ai-retry for a plan that fits what is there now."
_NODE: Final = "Bring the node back, or comment /ai-retry for a plan on the other nodes."
_SEE: Final = "See node-online: nothing on this node can be judged before it is read."
_FLAGS: Final[dict[str, frozenset[str]]] = {
    "x86-64-v2": frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "x86-64-v2-AES": frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3", "aes"}),
    "x86-64-v3": frozenset({"popcnt", "sse4_2", "aes", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}),
}
"""Processor flags behind Proxmox VE's CPU types (QEMU, x86-64 ABI levels as distributions define them)."""


@dataclass(frozen=True)
class Claim:
    """What a plan changes on one host, in milli-CPU or bytes. ``left`` may be negative: promised beyond plannable."""

    more: int
    left: int
    limit: int


def holds(guest: Guest) -> bool:
    """Whether a guest is promised CPU and memory: it runs, or starts by itself."""
    return not guest.template and (guest.status != "stopped" or guest.on_boot or guest.ha)


def _size(machine: Machine, kind: Kind) -> int:
    return machine.cores * 1000 if kind == "cpu" else int(machine.memory)


def _promise(guest: Guest, kind: Kind) -> int:
    return guest.cores * 1000 if kind == "cpu" else max(int(guest.memory), int(guest.memory_used or 0))


def _of(part: object, kind: Kind) -> int:
    return int(getattr(part, kind))


def claim(scene: Scene, node: str, kind: Kind) -> Claim | None:
    """The change on one host; None when it or its room was not read."""
    found, room = scene.nodes.get(node), scene.rooms.get(node)
    if found is None or room is None:
        return None
    asked = sum(_size(machine, kind) for machine in scene.plan.machines if scene.stands_on(machine) == node)
    guests = [guest for machine in scene.plan.machines if (guest := scene.own(machine)) is not None]
    had = sum(_promise(guest, kind) for guest in guests if guest.node == node and holds(guest))
    limit = _of(room.limit, kind)
    return Claim(more=asked - had, left=limit - _of(found.promised, kind), limit=limit)


def node_online(scene: Scene) -> tuple[Check, ...]:
    """Every node of the plan is there, online, and takes guests."""
    good = passed("node-online", ", ".join(scene.used_nodes), "online")
    return settled(_nodes(scene), good)


def _nodes(scene: Scene) -> Iterator[Check]:
    for name in scene.used_nodes:
        node, room = scene.nodes.get(name), scene.rooms.get(name)
        if node is None:
            known = ", ".join(sorted(scene.nodes))
            yield failed("node-online", name, f"the cluster has no node {name}: it has {known}", remedy=_NODE)
        elif node.state == "unknown":
            gap = scene.gap(f"state of node {name}")
            if gap is not None:
                yield unread("node-online", name, gap)
            else:
                yield unknown("node-online", name, f"nobody knows whether {name} is online", remedy=_NODE)
        elif node.state != "ready":
            yield failed("node-online", name, f"{name} is {_said(node)}", remedy=_NODE)
        elif room is None:
            yield unknown("node-online", name, f"the room of {name} was not computed", remedy=_NODE)


def _said(node: Node) -> str:
    return "offline" if node.state == "offline" else "in maintenance, and takes no guests"


def quorum(scene: Scene) -> tuple[Check, ...]:
    """The cluster is quorate: without it, Proxmox VE changes nothing."""
    about, quorate = scene.facts.name or "Proxmox VE", scene.facts.quorate
    if quorate:
        return (passed("quorum", about, "the cluster is quorate"),)
    if quorate is False:
        remedy = "Bring enough nodes back (pvecm status), then comment /ai-retry."
        return (failed("quorum", about, "the cluster has no quorum", remedy=remedy),)
    gap = scene.gap("cluster status")
    if gap is not None:
        return (unread("quorum", about, gap),)
    return (unknown("quorum", about, "nobody knows whether the cluster is quorate", remedy="Grant Sys.Audit on /."),)


def memory(scene: Scene) -> tuple[Check, ...]:
    """Memory fits on every node."""
    return tuple(_room(scene, node, "memory") for node in scene.used_nodes)


def cpu(scene: Scene) -> tuple[Check, ...]:
    """CPU fits within the overcommit, and no guest has more vCPU than its node has threads."""
    wide = [check for machine in scene.plan.machines if (check := _threads(scene, machine)) is not None]
    return (*wide, *(_room(scene, node, "cpu") for node in scene.used_nodes))


def _room(scene: Scene, name: str, kind: Kind) -> Check:
    silent, change = scene.silent(name), claim(scene, name, kind)
    if silent is not None or change is None:
        return unknown(kind, name, silent or f"the room of {name} was not computed", remedy=_SEE)
    size, unit = _UNIT[kind]
    more = f"{max(0, change.more) / size:.1f} {unit} more"
    numbers = f"{more}, {max(0, change.left) / size:.1f} of {change.limit / size:.1f} {unit} left"
    if change.more <= 0:
        return passed(kind, name, f"nothing more is asked than stands there already ({numbers})")
    if change.more > change.left:
        return failed(kind, name, f"{numbers} ({scene.rooms[name].why})", remedy=_FREE)
    busy = _busy(scene.nodes[name], scene.rooms[name], kind)
    if busy + change.more / max(1, change.limit) > 1 + 1e-9:
        reason = f"{more}, and its measured peak alone is {busy:.0%} of what it may reach"
        return failed(kind, name, reason, remedy=_FREE)
    return passed(kind, name, numbers)


def _busy(node: Node, room: Room, kind: Kind) -> float:
    """The measured 95th percentile as a share of what is allowed; 0 when it was not measured."""
    if node.used_p95 is None or not _of(node.capacity, kind) or not room.usable:
        return 0.0
    return _of(node.used_p95, kind) / _of(node.capacity, kind) / _P95[kind]


def _threads(scene: Scene, machine: Machine) -> Check | None:
    node = scene.nodes.get(scene.stands_on(machine))
    if node is None or not node.capacity.cpu or machine.cores * 1000 <= node.capacity.cpu:
        return None
    reason = f"{machine.cores} vCPU on {node.name}, which has {node.capacity.cpu.cores:g} threads"
    return failed("cpu", machine.name, reason, remedy=_FREE)


def hardware(scene: Scene) -> tuple[Check, ...]:
    """PCI mappings are there and nobody else's, and the processor has the flags of the guest's CPU type."""
    good = passed("hardware", named(scene.plan.machines), "processors and PCI mappings fit")
    return settled(_devices(scene), good)


def _devices(scene: Scene) -> Iterator[Check]:
    taken: dict[tuple[str, str], str] = {}
    for machine in scene.plan.machines:
        node = scene.nodes.get(scene.stands_on(machine))
        if node is None or scene.silent(node.name) is not None:
            yield unknown("hardware", machine.name, f"{scene.silent(scene.stands_on(machine))}", remedy=_SEE)
            continue
        lacking = _lacking(machine, node)
        if lacking is not None:
            yield failed("hardware", machine.name, lacking, remedy="Choose a node with this processor: /ai-retry.")
        if machine.pci_mapping is not None:
            yield from _mapping(scene, machine, machine.pci_mapping, node=node, taken=taken)


def _lacking(machine: Machine, node: Node) -> str | None:
    if machine.kind == "container":
        return None
    if machine.cpu_type.startswith("x86-64") and node.architecture != "x86_64":
        return f"CPU type {machine.cpu_type} on {node.name}, which is {node.architecture}"
    flags = sorted(_FLAGS.get(machine.cpu_type, frozenset()) - set(node.cpu_flags)) if node.cpu_flags else []
    return f"{node.name} lacks the CPU flags {', '.join(flags)} of {machine.cpu_type}" if flags else None


def _mapping(
    scene: Scene, machine: Machine, mapping: str, *, node: Node, taken: dict[tuple[str, str], str]
) -> Iterator[Check]:
    """One PCI device serves one guest."""
    remedy = "Free or create the mapping (Datacenter, Resource Mappings), then comment /ai-retry."
    holder = next(
        (
            guest
            for guest in scene.facts.guests
            if guest.node == node.name and mapping in guest.pci and guest.vm_id not in scene.mine
        ),
        None,
    )
    first = taken.setdefault((node.name, mapping), machine.name)
    if holder is not None:
        reason = f"PCI mapping {mapping} of {node.name} belongs to {holder.name} (VMID {holder.vm_id})"
        yield failed("hardware", machine.name, reason, remedy=remedy)
    elif first != machine.name:
        reason = f"PCI mapping {mapping} of {node.name} is {first}'s, of this plan"
        yield failed("hardware", machine.name, reason, remedy=remedy)
    elif mapping not in node.pci_mappings:
        gap = scene.gap("PCI mappings", "rights of the token")
        if gap is not None:
            yield unread("hardware", machine.name, gap)
        else:
            yield failed("hardware", machine.name, f"{node.name} has no PCI mapping {mapping}", remedy=remedy)
