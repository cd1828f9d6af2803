"""The hard constraints, one function each; every rejection has a name and a reason that a person understands.

In: an ask, a node, the board so far, the world. Out: a reason, or None. Never: a preference; those are in ``score``.
Their names are listed in docs/sizing.md, "Fitting the cluster"; what each rests on is Proxmox VE's own behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.model.cluster import Bridge, Node, Store
from bot.model.plan import Rejected
from bot.model.quantity import GIB, Bytes, Resources
from bot.planning.placement.board import Ask, Board, Seat, StoreKey, World, device_group


@dataclass(frozen=True)
class Trial:
    """A guest tried on a node."""

    ask: Ask
    node: Node
    board: Board
    world: World


Constraint = Callable[[Trial], str | None]

STORE_RESERVE_SHARE: Final = 0.10
STORE_RESERVE: Final = 10 * GIB
CPU_FLAGS: Final[dict[str, frozenset[str]]] = {
    "x86-64-v2": frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "x86-64-v2-AES": frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3", "aes"}),
    "x86-64-v3": frozenset({"popcnt", "sse4_2", "aes", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}),
}
"""The processor flags that a Proxmox CPU type needs on its host."""


def named_node(at: Trial) -> str | None:
    """0. The node that was asked for by name, or that the guest stands on already."""
    if at.ask.node is None or at.ask.node == at.node.name:
        return None
    return f"{at.ask.name} belongs on {at.ask.node}"


def node_online(at: Trial) -> str | None:
    """1. Online, and known to be."""
    if at.node.state in {"offline", "unknown"}:
        return f"{at.node.name} is {at.node.state}"
    room = at.world.rooms.get(at.node.name)
    return None if room is not None else f"{at.node.name} could not be read"


def quorum(at: Trial) -> str | None:
    """1. The cluster is quorate."""
    facts = at.world.snapshot.proxmox
    return "the cluster has no quorum" if facts is not None and facts.quorate is False else None


def maintenance(at: Trial) -> str | None:
    """1. Not in maintenance, not fenced, not withheld by the headroom."""
    if at.node.state in {"maintenance", "unschedulable"}:
        return f"{at.node.name} is in maintenance"
    room = at.world.rooms.get(at.node.name)
    return f"{at.node.name} takes no guests: {room.why}" if room is not None and not room.usable else None


def architecture(at: Trial) -> str | None:
    """2. The right kind of processor."""
    return (
        None
        if at.node.architecture == at.ask.architecture
        else f"{at.node.name} is {at.node.architecture}, not {at.ask.architecture}"
    )


def cpu_type(at: Trial) -> str | None:
    """2. The flags of the guest's CPU type, where the node's flags were read."""
    missing = sorted(CPU_FLAGS.get(at.ask.cpu_type, frozenset()) - set(at.node.cpu_flags)) if at.node.cpu_flags else []
    return f"{at.node.name} lacks the CPU flags {', '.join(missing)} of {at.ask.cpu_type}" if missing else None


def pci_mapping(at: Trial) -> str | None:
    """2. The PCI mapping, when one is asked for, and no other guest of the node has it."""
    mapping = at.ask.pci_mapping
    if mapping is None:
        return None
    if mapping not in at.node.pci_mappings:
        return f"{at.node.name} has no PCI mapping {mapping}"
    facts = at.world.snapshot.proxmox
    holders = [
        guest
        for guest in (facts.guests if facts is not None else ())
        if guest.node == at.node.name and mapping in guest.pci and guest.vm_id != at.ask.vm_id
    ]
    if holders:
        return f"PCI mapping {mapping} of {at.node.name} belongs to {holders[0].name} (VMID {holders[0].vm_id})"
    mine = at.board.groups.get((device_group(mapping), at.node.name), 0)
    return f"PCI mapping {mapping} of {at.node.name} is taken by another machine of this plan" if mine else None


def bridge(at: Trial) -> str | None:
    """3. Every bridge or vnet is there and active."""
    if at.ask.bridge is None:
        return f"no bridge is configured, and {at.node.name} shows none"
    for name, _ in _networks(at.ask):
        found = _bridge(at, name)
        if found is None:
            return f"{at.node.name} has no bridge {name}"
        if not found.active:
            return f"bridge {name} of {at.node.name} is not active"
    return None


def vlan(at: Trial) -> str | None:
    """3. Every VLAN is allowed on its bridge."""
    reasons = (_vlan_on(at, _bridge(at, name), wanted) for name, wanted in _networks(at.ask))
    return next((reason for reason in reasons if reason is not None), None)


def _vlan_on(at: Trial, found: Bridge | None, wanted: int | None) -> str | None:
    if wanted is None or found is None:
        return None
    if found.kind == "vnet" and not found.vlan_aware:
        return None if found.tag == wanted else f"vnet {found.name} carries VLAN {found.tag}, not {wanted}"
    if not found.vlan_aware:
        return f"bridge {found.name} of {at.node.name} is not VLAN-aware, and VLAN {wanted} is asked for"
    if found.vlans and not _allows(found.vlans, wanted):
        return f"bridge {found.name} of {at.node.name} allows VLANs {found.vlans}, not {wanted}"
    return None


def _networks(ask: Ask) -> tuple[tuple[str | None, int | None], ...]:
    return ((ask.bridge, ask.vlan), *ask.more_networks)


def _bridge(at: Trial, name: str | None) -> Bridge | None:
    return next((entry for entry in at.node.bridges if entry.name == name), None)


def _allows(text: str, wanted: int) -> bool:
    """``2-4094``, ``10 20 30-40`` or with commas and semicolons; unreadable parts allow nothing."""
    for part in text.replace(",", " ").replace(";", " ").split():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(first) <= wanted <= int(last or first):
            return True
    return False


def storage(at: Trial) -> str | None:
    """4. Active storage for disk images with room for the guest and a reserve of max(10 %, 10 GiB)."""
    if seat_on(at) is not None:
        return None
    wanted = at.ask.datastore or "any datastore for disk images"
    data = f" and {at.ask.data_disk} on {at.ask.data_datastore or wanted}" if at.ask.data_disk is not None else ""
    return f"{at.node.name}: no room for {at.ask.system_disk} on {wanted}{data}: {_storage_reasons(at)}"


def _storage_reasons(at: Trial) -> str:
    names = {name for name in (at.ask.datastore, at.ask.data_datastore) if name is not None}
    found = [(key, store) for key, store in at.world.stores_of(at.node.name) if not names or store.name in names]
    if not found:
        return "not present"
    return "; ".join(_one_store(key, store, at=at) for key, store in found)


def _one_store(key: StoreKey, store: Store, *, at: Trial) -> str:
    board = at.board
    if not store.active:
        return f"{store.name} is not active"
    if at.ask.content not in store.content:
        return f"{store.name} holds no {'disk images' if at.ask.content == 'images' else 'container disks'}"
    left = spare(key, store, board=board)
    return f"{store.name} has {Bytes(max(0, left)).gib:.1f} GiB left after its reserve"


def spare(key: StoreKey, store: Store, *, board: Board) -> int:
    """Bytes that new disks may still take; negative when the reserve is touched already."""
    reserve = max(int(STORE_RESERVE_SHARE * (store.total or 0)), STORE_RESERVE)
    return int(store.available or 0) - board.stored.get(key, 0) - reserve


def seat_on(at: Trial) -> Seat | None:
    """The datastores for the disks: the configured ones, else shared before local, then the one with the most room.

    A store for the system disk that leaves none for the data disk is passed over.
    """
    ask, stored = at.ask, at.board.stored
    for system in _stores_for(ask.datastore, int(ask.system_disk), at, board=at.board):
        if ask.data_disk is None:
            return Seat(at.node.name, system)
        after = Board(stored={**stored, system: stored.get(system, 0) + int(ask.system_disk)})
        data = next(iter(_stores_for(ask.data_datastore or ask.datastore, int(ask.data_disk), at, board=after)), None)
        if data is not None:
            return Seat(at.node.name, system, data)
    return None


def _stores_for(wanted: str | None, size: int, at: Trial, *, board: Board) -> list[StoreKey]:
    """The node's stores that can take a disk of ``size`` bytes, best first."""
    able = [
        (not store.shared, -spare(key, store, board=board), key)
        for key, store in at.world.stores_of(at.node.name)
        if store.active
        and at.ask.content in store.content
        and wanted in {None, store.name}
        and (size == 0 or spare(key, store, board=board) >= size)
    ]
    return [key for _, _, key in sorted(able)]


def memory(at: Trial) -> str | None:
    """5. Memory fits; it is never overcommitted."""
    room = at.world.rooms[at.node.name]
    left = _left(at).memory
    if at.ask.memory <= left and room.memory_load + _share(at, memory=at.ask.memory) <= 1 + 1e-9:
        return None
    return f"{at.node.name}: {left.gib:.1f} GiB of memory left, {at.ask.memory.gib:.1f} GiB needed ({room.why})"


def cpu(at: Trial) -> str | None:
    """5. CPU fits within the overcommit."""
    room = at.world.rooms[at.node.name]
    left = _left(at).cpu
    if at.ask.cpu <= left and room.cpu_load + _share(at, cpu=at.ask.cpu) <= 1 + 1e-9:
        return None
    return f"{at.node.name}: {left.cores:g} vCPU left, {at.ask.cpu.cores:g} needed ({room.why})"


def _left(at: Trial) -> Resources:
    return at.world.rooms[at.node.name].free - at.board.taken(at.node.name)


def _share(at: Trial, *, cpu: int = 0, memory: int = 0) -> float:
    """The load that new guests add to a node, this one included."""
    limit, taken = at.world.rooms[at.node.name].limit, at.board.taken(at.node.name)
    if cpu:
        return (taken.cpu + cpu) / max(1, limit.cpu)
    return (taken.memory + memory) / max(1, limit.memory)


def threads(at: Trial) -> str | None:
    """5. A guest has at most as many vCPU as its node has threads."""
    if at.ask.cpu <= at.node.capacity.cpu:
        return None
    return f"{at.node.name} has {at.node.capacity.cpu.cores:g} threads, {at.ask.cpu.cores:g} vCPU are needed"


def node_affinity(at: Trial) -> str | None:
    """6. Strict HA rules that name this guest's id already."""
    facts = at.world.snapshot.proxmox
    sid = f"vm:{at.ask.vm_id}"
    for rule in facts.ha_rules if facts is not None else ():
        bound = rule.type in {"node-affinity", "group"} and rule.strict and sid in rule.resources
        if bound and at.node.name not in rule.nodes:
            return f"HA rule {rule.name} binds {sid} to {', '.join(rule.nodes)}"
    return None


def anti_affinity(at: Trial) -> str | None:
    """6. Guests of a group on different nodes where there are enough, else spread within one."""
    eligible = at.world.eligible.get(at.ask.group, ())
    here = at.board.groups.get((at.ask.group, at.node.name), 0)
    if at.world.sizes.get(at.ask.group, 1) <= len(eligible):
        return f"{at.node.name} already holds a guest of {at.ask.group}" if here else None
    fewest = min((at.board.groups.get((at.ask.group, name), 0) for name in eligible), default=0)
    return (
        f"{at.node.name} already holds {here} guests of {at.ask.group}, another node {fewest}"
        if here > fewest
        else None
    )


def pool(at: Trial) -> str | None:
    """7. The pool exists, where pools were readable."""
    facts = at.world.snapshot.proxmox
    if at.ask.pool is None or facts is None or not facts.pools or at.ask.pool in facts.pools:
        return None
    return f"pool {at.ask.pool} does not exist"


def permission(at: Trial) -> str | None:
    """7. The reading token may audit the node; otherwise its guests are filtered and its room is unknown."""
    facts = at.world.snapshot.proxmox
    granted = facts.permissions.get(f"/nodes/{at.node.name}") if facts is not None else None
    above = facts.permissions.get("/", ()) if facts is not None else ()
    if granted is None or "Sys.Audit" in granted or "Sys.Audit" in above:
        return None
    return f"the token lacks Sys.Audit on /nodes/{at.node.name}, so its room is unknown"


def template(at: Trial) -> str | None:
    """8. The template is on this node, or all its disks are on storage that this node shares."""
    if at.ask.sources is not None and at.node.name not in at.ask.sources:
        return f"the volume that {at.ask.name} is made of is on {', '.join(sorted(at.ask.sources)) or 'no node'} only"
    if at.ask.template_id is None:
        return None
    if at.ask.template is None:
        facts = at.world.snapshot.proxmox
        visible = facts is not None and bool(facts.guests)
        return f"template {at.ask.template_id} is not visible on this cluster" if visible else None
    if at.ask.template.node == at.node.name or not at.ask.template.datastores:
        return None
    usable = {key[0] for key, _ in at.world.stores_of(at.node.name) if not key[1]}
    apart = sorted(set(at.ask.template.datastores) - usable)
    if not apart:
        return None
    where = f"{at.ask.template.node} ({', '.join(apart)})"
    return f"template {at.ask.template_id} lies on {where}, which {at.node.name} does not share"


BEFORE_AFFINITY: Final[tuple[tuple[str, Constraint], ...]] = (
    ("node", named_node),
    ("node-online", node_online),
    ("quorum", quorum),
    ("maintenance", maintenance),
    ("architecture", architecture),
    ("cpu-type", cpu_type),
    ("pci-mapping", pci_mapping),
    ("bridge", bridge),
    ("vlan", vlan),
    ("pool", pool),
    ("permission", permission),
    ("template", template),
    ("node-affinity", node_affinity),
    ("threads", threads),
    ("storage", storage),
    ("memory", memory),
    ("cpu", cpu),
)
CONSTRAINTS: Final = (*BEFORE_AFFINITY, ("anti-affinity", anti_affinity))


def rejection(at: Trial, *, rules: tuple[tuple[str, Constraint], ...] = CONSTRAINTS) -> Rejected | None:
    """The first constraint that the node breaks, or None."""
    for name, rule in rules:
        reason = rule(at)
        if reason is not None:
            return Rejected(node=at.node.name, constraint=name, reason=reason)
    return None


def open_seat(at: Trial) -> Seat | None:
    """The seat on the node, or None when a constraint forbids it."""
    return seat_on(at) if rejection(at) is None else None
