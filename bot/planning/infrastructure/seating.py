"""The machines find their nodes: the placement engine asked with what each machine needs.

In: drafts with origins, ids, interfaces and devices. Out: ``Seated``, or why there is no room. Never: an existing guest
that moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.model.cluster import Guest
from bot.model.plan import Placed
from bot.model.quantity import GIB, Bytes, MilliCpu
from bot.planning.infrastructure.drafts import ALONE, Draft
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kits import Kit, growth
from bot.planning.infrastructure.staying import stood
from bot.planning.placement.board import Ask, Seat, World, world_of
from bot.planning.placement.place import NoRoom, Placement, place, without_search
from bot.planning.record import Notes


@dataclass(frozen=True)
class Seated:
    """A seat for every machine. ``relaxed``: machines of one kind were allowed to stand together; ``kits`` are smaller
    where a standing machine found no room to grow.
    """

    kits: tuple[Kit, ...]
    seats: Mapping[str, Seat]
    placed: tuple[Placed, ...]
    broken: tuple[str, ...]
    relaxed: bool
    notes: Notes = field(default_factory=Notes)


def seat(kits: Sequence[Kit], *, yard: Yard) -> Seated | NoRoom:
    """What stands first, on its node; then the new machines around it."""
    world = world_of(yard.snapshot, yard.headroom, production=yard.careful or _any_ha(kits, yard))
    settled = stood(kits, ask_of=lambda kit: _ask(kit, yard), world=world, yard=yard)
    if isinstance(settled, NoRoom):
        return settled
    new = [kit for kit in settled.kits if kit.draft.name not in settled.seats]
    found = _new_seats(new, replace(world, start=settled.board, stays=settled.stays), yard=yard) if new else None
    if isinstance(found, NoRoom):
        return found
    placed = dict(settled.placed) | {entry.name: entry for entry in (found[0].placed if found is not None else ())}
    return Seated(
        settled.kits,
        dict(settled.seats) | (found[0].seats if found is not None else {}),
        tuple(placed[kit.draft.name] for kit in settled.kits),
        broken=found[0].broken if found is not None else (),
        relaxed=found is not None and found[1],
        notes=settled.notes,
    )


def _new_seats(kits: Sequence[Kit], world: World, *, yard: Yard) -> tuple[Placement, bool] | NoRoom:
    """Strictly apart first; where that has no room, machines that hold no quorum may share a node."""
    asks = _asks(kits, yard)
    if not _could_fit(asks, world):
        return without_search(asks, world)
    found = place(asks, world)
    relaxed = False
    if isinstance(found, NoRoom) and not found.broken:
        looser = _relaxed(asks, kits)
        if looser != asks:
            second = place(looser, world)
            found, relaxed = (second, True) if isinstance(second, Placement) else (found, False)
    return found if isinstance(found, NoRoom) else (found, relaxed)


def _any_ha(kits: Sequence[Kit], yard: Yard) -> bool:
    return any(wants_ha(kit.draft, yard) for kit in kits)


def wants_ha(draft: Draft, yard: Yard) -> bool:
    """The wish's word, else the config file's."""
    return draft.wish.ha if draft.wish.ha is not None else yard.config.high_availability


def system_disk(kit: Kit) -> Bytes:
    """Whole GiB; a clone or an existing disk is never made smaller."""
    existing = kit.guest.disk if kit.guest is not None and kit.merged is None else Bytes(0)
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


def _could_fit(asks: Sequence[Ask], world: World) -> bool:
    """A cheap necessary test: everything in sum, and as many of the smallest as there are machines."""
    rooms = [room for room in world.rooms.values() if room.usable]
    memory, cpu = sum(ask.memory for ask in asks), sum(ask.cpu for ask in asks)
    left = [room.free - world.start.taken(room.node) for room in rooms]
    if memory > sum(room.memory for room in left) or cpu > sum(room.cpu for room in left):
        return False
    least = max(1, min((ask.memory for ask in asks), default=Bytes(1)))
    return sum(room.memory // least for room in left) >= sum(ask.memory >= least for ask in asks)


def _relaxed(asks: Sequence[Ask], kits: Sequence[Kit]) -> list[Ask]:
    return [
        ask if kit.draft.wish.role in ALONE else replace(ask, group=ask.name)
        for ask, kit in zip(asks, kits, strict=True)
    ]
