"""The machines find their nodes: the placement engine asked with what each machine needs.

In: drafts with origins, ids, interfaces and devices. Out: ``Seated``, or why there is no room. Never: an existing guest
that moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model.cluster import Guest
from bot.model.plan import Placed
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources
from bot.planning.infrastructure.drafts import ALONE, Draft
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.origins import Origin
from bot.planning.infrastructure.wiring import Wired
from bot.planning.placement.board import Ask, Seat, World, world_of
from bot.planning.placement.place import NoRoom, Placement, place, without_search


@dataclass(frozen=True)
class Kit:
    """Everything about one machine but its seat."""

    draft: Draft
    origin: Origin
    vm_id: int
    wired: Wired
    mapping: str | None
    guest: Guest | None


@dataclass(frozen=True)
class Seated:
    """A seat for every machine. ``relaxed``: machines of one kind were allowed to stand together."""

    seats: Mapping[str, Seat]
    placed: tuple[Placed, ...]
    broken: tuple[str, ...]
    relaxed: bool


def seat(kits: Sequence[Kit], *, yard: Yard) -> Seated | NoRoom:
    """Strictly apart first; where that has no room, machines that hold no quorum may share a node."""
    asks = _asks(kits, yard)
    world = world_of(yard.snapshot, yard.headroom, production=yard.careful or _any_ha(kits, yard))
    if not _could_fit(asks, world):
        return without_search(asks, world)
    found = place(asks, world)
    relaxed = False
    if isinstance(found, NoRoom) and not found.broken:
        looser = _relaxed(asks, kits)
        if looser != asks:
            second = place(looser, world)
            found, relaxed = (second, True) if isinstance(second, Placement) else (found, False)
    if isinstance(found, NoRoom):
        return found
    return Seated(found.seats, found.placed, broken=found.broken, relaxed=relaxed)


def _any_ha(kits: Sequence[Kit], yard: Yard) -> bool:
    return any(wants_ha(kit.draft, yard) for kit in kits)


def wants_ha(draft: Draft, yard: Yard) -> bool:
    """The wish's word, else the config file's."""
    return draft.wish.ha if draft.wish.ha is not None else yard.config.high_availability


def system_disk(kit: Kit) -> Bytes:
    """Whole GiB; a clone or an existing disk is never made smaller."""
    existing = kit.guest.disk if kit.guest is not None else Bytes(0)
    return Bytes(-(-max(kit.draft.size.disk, kit.origin.least_disk, existing) // GIB) * GIB)


def _asks(kits: Sequence[Kit], yard: Yard) -> list[Ask]:
    seen: Counter[tuple[str, str]] = Counter()
    asks = []
    for kit in kits:
        ask = _ask(kit, yard)
        if kit.guest is not None:
            seen[ask.group, kit.guest.node] += 1
            own = seen[ask.group, kit.guest.node] > 1
            ask = _existing(ask, kit, kit.guest, group=kit.draft.name if own else ask.group)
        asks.append(ask)
    return asks


def _ask(kit: Kit, yard: Yard) -> Ask:
    draft, wish, defaults = kit.draft, kit.draft.wish, yard.config.defaults
    first, *others = kit.wired.ports
    data = sum(draft.size.data_disks)
    return Ask(
        name=draft.name,
        vm_id=kit.vm_id,
        group=draft.group,
        cpu=MilliCpu(draft.size.cores * 1000),
        memory=draft.size.memory,
        system_disk=system_disk(kit),
        data_disk=Bytes(data) if data else None,
        datastore=wish.datastore or defaults.datastore,
        data_datastore=wish.datastore or defaults.data_datastore,
        bridge=first.bridge,
        vlan=first.vlan,
        pool=wish.pool or defaults.pool,
        template=kit.origin.template,
        template_id=kit.origin.source.template_id,
        cpu_type=cpu_type(kit),
        architecture=kit.origin.architecture,
        pci_mapping=kit.mapping,
        node=wish.node,
        content="rootdir" if wish.kind == "container" else "images",
        more_networks=tuple((port.bridge or "", port.vlan) for port in others),
        sources=kit.origin.sources,
    )


def cpu_type(kit: Kit) -> str:
    """Containers have none; the common type of x86 hosts, the host's own elsewhere."""
    if kit.draft.wish.kind == "container":
        return ""
    return "x86-64-v2-AES" if kit.origin.architecture == "x86_64" else "host"


def _existing(ask: Ask, kit: Kit, guest: Guest, *, group: str) -> Ask:
    """An adopted machine stays where it is; only what it grows by is asked for."""
    more = growth(kit, guest)
    return replace(
        ask,
        group=group,
        node=guest.node,
        cpu=more.cpu,
        memory=more.memory,
        system_disk=Bytes(max(0, ask.system_disk - guest.disk)),
        data_disk=None,
        datastore=guest.datastores[0] if guest.datastores else ask.datastore,
        template=None,
        template_id=None,
        sources=None,
        pool=guest.pool,
    )


def growth(kit: Kit, guest: Guest) -> Resources:
    """What an adopted machine takes beyond what is promised to it already."""
    cores, memory = kit.draft.size.cores * 1000, kit.draft.size.memory
    if guest.status != "running" and not guest.on_boot and not guest.ha:
        return Resources(cpu=MilliCpu(cores), memory=memory)
    return Resources(cpu=MilliCpu(max(0, cores - guest.cores * 1000)), memory=Bytes(max(0, memory - guest.memory)))


def _could_fit(asks: Sequence[Ask], world: World) -> bool:
    """A cheap necessary test: everything in sum, and as many of the smallest as there are machines."""
    rooms = [room for room in world.rooms.values() if room.usable]
    memory, cpu = sum(ask.memory for ask in asks), sum(ask.cpu for ask in asks)
    if memory > sum(room.free.memory for room in rooms) or cpu > sum(room.free.cpu for room in rooms):
        return False
    least = max(1, min((ask.memory for ask in asks), default=Bytes(1)))
    return sum(room.free.memory // least for room in rooms) >= sum(ask.memory >= least for ask in asks)


def _relaxed(asks: Sequence[Ask], kits: Sequence[Kit]) -> list[Ask]:
    return [
        ask if kit.draft.wish.role in ALONE else replace(ask, group=ask.name)
        for ask, kit in zip(asks, kits, strict=True)
    ]
