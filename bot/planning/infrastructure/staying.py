"""Machines of the merged plan on their seats: growth where the node has room, else the size that they have.

In: kits and the world. Out: ``Stood`` with the board that all new machines are placed on, or ``NoRoom`` when a cluster
has to take another shape. Never: a standing machine on another node.

A machine whose guest is gone goes back to its node when there is room, and is placed like a new one otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.model.plan import Placed, Rejected
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kept import not_grown
from bot.planning.infrastructure.kits import Kit, growth
from bot.planning.merged import STAYS
from bot.planning.placement.board import Ask, Board, Seat, World
from bot.planning.placement.constraints import BEFORE_AFFINITY, Trial, rejection, seat_on
from bot.planning.placement.place import NoRoom
from bot.planning.placement.stay import Stay, about_refused, seat_of, seated, why_not
from bot.planning.record import Notes

AskOf = Callable[[Kit], Ask]


@dataclass(frozen=True)
class Stood:
    """The kits (smaller where growth was refused), who has a seat, and the board so far."""

    kits: tuple[Kit, ...]
    seats: dict[str, Seat] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    stays: tuple[Ask, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def notes(self) -> Notes:
        """What did not grow, and what that means."""
        return about_refused(self.refused)


def stood(kits: Sequence[Kit], *, ask_of: AskOf, world: World, yard: Yard) -> Stood | NoRoom:
    """Everything that stands as it is, then growth by name, then what is gone goes back where it was."""
    done = Stood(tuple(kits))
    for kit in kits:
        if kit.merged is not None and not _grows(kit):
            done = _seated(done, kit, ask_of, world)
    for kit in kits:
        if kit.merged is not None and _grows(kit):
            after = _grown(done, kit, ask_of, world, yard=yard)
            if isinstance(after, NoRoom):
                return after
            done = after
    for kit in kits:
        if kit.standing is not None and kit.standing.gone:
            done = _back(done, kit, ask_of(kit), world)
    return done


def _grows(kit: Kit) -> bool:
    machine, size = kit.merged, kit.draft.size
    if machine is None:
        return False
    more_data = sum(size.data_disks) > sum(disk.size for disk in machine.data_disks)
    return size.cores > machine.cores or size.memory > machine.memory or size.disk > machine.disk or more_data


def _grown(done: Stood, kit: Kit, ask_of: AskOf, world: World, *, yard: Yard) -> Stood | NoRoom:
    """A cluster's machines grow together or not at all; any other one keeps its size alone."""
    stay = _stay(kit, ask_of, world)
    refused = why_not(stay, done.board, replace(world, stays=done.stays))
    machine = kit.merged
    if refused is None or machine is None:
        return _seated(done, kit, ask_of, world)
    if kit.draft.cluster is not None and _cpu_or_memory(kit):
        return _no_room(stay, refused)
    reason = f"{refused.constraint}: {refused.reason}"
    draft = not_grown(kit.draft, machine, reason, limits=yard.config.limits)
    less = replace(kit, draft=draft)
    kits = tuple(less if one is kit else one for one in done.kits)
    line = f"{machine.name} on {stay.seat.node} ({reason})"
    return _seated(replace(done, kits=kits, refused=(*done.refused, line)), less, ask_of, world)


def _cpu_or_memory(kit: Kit) -> bool:
    machine, size = kit.merged, kit.draft.size
    return machine is not None and (size.cores > machine.cores or size.memory > machine.memory)


def _no_room(stay: Stay, refused: Rejected) -> NoRoom:
    return NoRoom(ask=stay.ask, rejected=(refused,))


def _stay(kit: Kit, ask_of: AskOf, world: World) -> Stay:
    """What the machine takes beyond what is promised to it and what its disks have."""
    entry, machine, size = kit.standing, kit.merged, kit.draft.size
    if entry is None or machine is None:
        raise ValueError(f"{kit.draft.name} does not stand")
    more = growth(kit, kit.guest) if kit.guest is not None else Resources()
    data = sum(size.data_disks) - sum(disk.size for disk in machine.data_disks)
    whole = ask_of(kit)
    seat = seat_of(machine, entry.node, world)
    ask = replace(
        whole,
        node=entry.node,
        cpu=more.cpu,
        memory=more.memory,
        system_disk=Bytes(max(0, whole.system_disk - machine.disk)),
        data_disk=Bytes(data) if data > 0 else None,
        datastore=machine.datastore,
        data_datastore=machine.data_disks[0].datastore if machine.data_disks else whole.data_datastore,
        template=None,
        template_id=None,
        sources=None,
    )
    if data > 0 and seat.data_store is None and entry.node in world.nodes:
        found = seat_on(Trial(ask, world.nodes[entry.node], Board(), world))
        seat = replace(seat, data_store=found.data_store if found is not None else None)
    whole_size = Resources(cpu=MilliCpu(size.cores * 1000), memory=size.memory)
    return Stay(ask, seat, whole_size, grows=_grows(kit), counted=kit.guest is not None and kit.guest.ha)


def _seated(done: Stood, kit: Kit, ask_of: AskOf, world: World) -> Stood:
    stay = _stay(kit, ask_of, world)
    name = kit.draft.name
    placed = Placed(name=name, system="proxmox", node=stay.seat.node, why=STAYS)
    return replace(
        done,
        seats={**done.seats, name: stay.seat},
        placed={**done.placed, name: placed},
        board=seated(done.board, stay, world),
        stays=(*done.stays, stay.whole),
    )


def _back(done: Stood, kit: Kit, ask: Ask, world: World) -> Stood:
    """The node that the merged plan names, unless it has no room or the request names another."""
    entry = kit.standing
    node = world.nodes.get(entry.machine.node) if entry is not None else None
    if entry is None or node is None or ask.node not in {None, node.name}:
        return done
    at = Trial(replace(ask, datastore=ask.datastore or entry.machine.datastore), node, done.board, world)
    seat = seat_on(at) if rejection(at, rules=BEFORE_AFFINITY) is None else None
    if seat is None:
        return done
    why = "the node of the merged plan, where no guest has its id; it has room"
    placed = Placed(name=ask.name, system="proxmox", node=node.name, why=why)
    return replace(
        done,
        seats={**done.seats, ask.name: seat},
        placed={**done.placed, ask.name: placed},
        board=done.board.with_guest(ask, seat),
        stays=(*done.stays, ask),
    )
