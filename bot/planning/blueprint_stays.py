"""Databases of the merged plan on their seats: growth where the node has room, else the size that they have.

In: blueprints and the world. Out: ``Stood`` with the board that new instances are placed on. Never: a standing machine
on another node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.model.plan import Placed
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.planning.blueprints import Blueprint
from bot.planning.merged import STAYS, growth_of
from bot.planning.placement.board import Ask, Board, Seat, World
from bot.planning.placement.constraints import BEFORE_AFFINITY, Trial, rejection, seat_on
from bot.planning.placement.stay import Stay, about_refused, seat_of, seated, why_not
from bot.planning.record import Notes


@dataclass(frozen=True)
class Stood:
    """The blueprints (smaller where growth was refused), who has a seat, and the board so far."""

    plans: tuple[Blueprint, ...]
    seats: dict[str, Seat] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    stays: tuple[Ask, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def notes(self) -> Notes:
        """What did not grow, and what that means."""
        return about_refused(self.refused)


def stood(plans: Sequence[Blueprint], world: World) -> Stood:
    """What stands, growth last, then what is gone goes back where it was when there is room."""
    done = Stood(tuple(plans))
    for plan in sorted(plans, key=_grows):
        if plan.merged is not None:
            done = _settled(done, plan, world)
    for plan in plans:
        if plan.standing is not None and plan.standing.gone:
            done = _back(done, plan, world)
    return done


def _grows(plan: Blueprint) -> bool:
    had = plan.merged
    if had is None:
        return False
    data = sum(plan.data_disks) - sum(disk.size for disk in had.data_disks)
    return plan.cores > had.cores or plan.memory > had.memory or data > 0


def _settled(done: Stood, plan: Blueprint, world: World) -> Stood:
    stay = _stay(plan, world)
    refused = why_not(stay, done.board, replace(world, stays=done.stays)) if stay.grows else None
    if refused is not None:
        line = f"{plan.ask.name} on {stay.seat.node} ({refused.constraint}: {refused.reason})"
        small = replace(plan, small=True)
        plans = tuple(small if one is plan else one for one in done.plans)
        done, stay = replace(done, plans=plans, refused=(*done.refused, line)), _stay(small, world)
    placed = Placed(name=plan.ask.name, system="proxmox", node=stay.seat.node, why=STAYS)
    return replace(
        done,
        seats={**done.seats, plan.ask.name: stay.seat},
        placed={**done.placed, plan.ask.name: placed},
        board=seated(done.board, stay, world),
        stays=(*done.stays, stay.whole),
    )


def _stay(plan: Blueprint, world: World) -> Stay:
    entry, had = plan.standing, plan.merged
    if entry is None or had is None:
        raise ValueError(f"{plan.ask.name} does not stand")
    guest = entry.guest
    more = growth_of(guest, cores=plan.cores, memory=plan.memory) if guest is not None else Resources()
    data = sum(plan.data_disks) - sum(disk.size for disk in had.data_disks)
    ask = replace(
        plan.ask,
        node=entry.node,
        cpu=more.cpu,
        memory=more.memory,
        system_disk=Bytes(0),
        data_disk=Bytes(data) if data > 0 else None,
        data_datastore=had.data_disks[0].datastore if had.data_disks else plan.ask.data_datastore,
        template=None,
        template_id=None,
    )
    size = Resources(cpu=MilliCpu(plan.cores * 1000), memory=plan.memory)
    counted = guest is not None and guest.ha
    return Stay(ask, seat_of(had, entry.node, world), size, grows=_grows(plan), counted=counted)


def _back(done: Stood, plan: Blueprint, world: World) -> Stood:
    """The node that the merged plan names, unless it has no room."""
    node = world.nodes.get(plan.standing.machine.node) if plan.standing is not None else None
    if node is None:
        return done
    at = Trial(plan.ask, node, done.board, world)
    seat = seat_on(at) if rejection(at, rules=BEFORE_AFFINITY) is None else None
    if seat is None:
        return done
    why = "the node of the merged plan, where no guest has its id; it has room"
    placed = Placed(name=plan.ask.name, system="proxmox", node=node.name, why=why)
    return replace(
        done,
        seats={**done.seats, plan.ask.name: seat},
        placed={**done.placed, plan.ask.name: placed},
        board=done.board.with_guest(plan.ask, seat),
        stays=(*done.stays, plan.ask),
    )
