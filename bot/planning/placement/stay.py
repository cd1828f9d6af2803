"""Guests of the plan that stand already: they keep their node, and only what they grow by needs room.

In: stays, the world. Out: the board with them, or why one may not grow. Never: a standing guest that moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.model.plan import Machine, Rejected
from bot.model.quantity import Resources
from bot.planning.placement import constraints
from bot.planning.placement.board import Ask, Board, Seat, StoreKey, World, claims
from bot.planning.placement.constraints import Constraint, Trial, rejection
from bot.planning.placement.failure import broken_by
from bot.planning.record import Notes, warn

_GROWING: Final[tuple[tuple[str, Constraint], ...]] = (
    ("node-online", constraints.node_online),
    ("quorum", constraints.quorum),
    ("maintenance", constraints.maintenance),
    ("storage", constraints.storage),
    ("memory", constraints.memory),
    ("cpu", constraints.cpu),
)
"""What a guest that stands already can still be refused: everything else is true of it, or somebody made it true."""


@dataclass(frozen=True)
class Stay:
    """A guest on its seat. ``ask`` is what it takes beyond what it has; ``size`` all that it will have; ``grows``: the
    plan makes it larger than it was; ``counted``: the reading shows it as highly available, so N+1 counts it already.
    """

    ask: Ask
    seat: Seat
    size: Resources
    grows: bool
    counted: bool = False

    @property
    def whole(self) -> Ask:
        """What another node would have to give it when its own fails, beyond what N+1 counts already."""
        return self.ask if self.counted else replace(self.ask, cpu=self.size.cpu, memory=self.size.memory)


def seat_of(machine: Machine, node: str, world: World | None = None) -> Seat:
    """The seat of a machine as it is merged. Without a world every datastore is taken for local."""
    data = machine.data_disks[0].datastore if machine.data_disks else None

    def key(name: str) -> StoreKey:
        return (name, "") if world is not None and (name, "") in world.stores else (name, node)

    return Seat(node, key(machine.datastore), key(data) if data is not None else None)


def seated(board: Board, stay: Stay, world: World) -> Board:
    """The board with the guest. A node or datastore that was not read takes no part in any sum."""
    ask, seat = stay.ask, stay.seat
    if seat.node not in world.rooms:
        return board
    stored = dict(board.stored)
    for key, size in claims(ask, seat):
        if key in world.stores and size:
            stored[key] = stored.get(key, 0) + size
    groups = {**board.groups, (ask.group, seat.node): board.groups.get((ask.group, seat.node), 0) + 1}
    added = {**board.added, seat.node: board.taken(seat.node) + ask.resources}
    return replace(board, seats={**board.seats, ask.name: seat}, added=added, stored=stored, groups=groups)


def why_not(stay: Stay, board: Board, world: World) -> Rejected | None:
    """Why the guest may not take what it asks for on its node; None when it may. ``world.stays``: those before it."""
    node = world.nodes.get(stay.seat.node)
    if node is None:
        return Rejected(node=stay.seat.node, constraint="node-online", reason=f"{stay.seat.node} was not read")
    if stay.size.cpu > node.capacity.cpu:
        threads = f"{node.name} has {node.capacity.cpu.cores:g} threads, {stay.size.cpu.cores:g} vCPU are needed"
        return Rejected(node=node.name, constraint="threads", reason=threads)
    found = rejection(Trial(stay.ask, node, board, world), rules=_GROWING)
    if found is not None or not world.production:
        return found
    before = broken_by((), board, world=world)
    grown = replace(world, stays=(*world.stays, stay.whole))
    broken = set(broken_by((), seated(board, stay, world), world=grown)) - set(before)
    if not broken:
        return None
    reason = f"N+1 would not hold after the loss of {', '.join(sorted(broken))}"
    return Rejected(node=node.name, constraint="n-plus-one", reason=reason)


def about_refused(refused: tuple[str, ...]) -> Notes:
    """What did not grow, and what that means."""
    if not refused:
        return Notes()
    return warn(
        "growth-refused",
        f"Machines that stand keep the size that they have: {'; '.join(refused)}. They do not move: another node would "
        "make them anew.",
        remedy="Free the resource on that node, or migrate the machine by hand and run the request again.",
    )
