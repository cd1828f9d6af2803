"""Places a batch of new guests: greedy by size and score, backtracking where greed fails, then local search.

In: asks and the world. Out: ``Placement`` with alternatives and rejected nodes, or ``NoRoom``. Never: an existing guest
that moves, a random choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.model.plan import Placed, Rejected
from bot.planning.placement.board import Ask, Board, Seat, World
from bot.planning.placement.constraints import BEFORE_AFFINITY, Trial, open_seat, rejection
from bot.planning.placement.failure import broken_by
from bot.planning.placement.improve import improved
from bot.planning.placement.score import load_of, seat_score

_MOST_STEPS: Final = 3_000
_MOST_LEAVES: Final = 60
_ALTERNATIVES: Final = 3


@dataclass(frozen=True)
class Placement:
    """A seat for every ask. ``broken`` names the nodes whose loss cannot be survived."""

    seats: dict[str, Seat]
    placed: tuple[Placed, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class NoRoom:
    """No seat: the guest that failed, and why each node was no choice for it."""

    ask: Ask
    rejected: tuple[Rejected, ...]
    broken: tuple[str, ...] = ()


def place(asks: Sequence[Ask], world: World) -> Placement | NoRoom:
    """All guests, or nothing. In production a board that breaks N+1 is no answer; elsewhere it is the last resort."""
    order = sorted(asks, key=lambda ask: (-_dominant(ask, world), ask.name))
    world = _with_groups(order, world)
    board, broken = _best_board(order, world)
    if board is None:
        return _explain(order, world, broken=broken)
    if broken and world.production:
        return NoRoom(ask=order[0], rejected=(), broken=broken)
    board = improved(order, board, world=world)
    broken = broken_by(order, board, world=world)
    placed = tuple(_described(ask, board=board, world=world) for ask in asks)
    return Placement(seats=dict(board.seats), placed=placed, broken=broken)


def without_search(asks: Sequence[Ask], world: World) -> NoRoom:
    """The greedy answer's reasons, for asks that are known not to fit."""
    order = sorted(asks, key=lambda ask: (-_dominant(ask, world), ask.name))
    return _explain(order, _with_groups(order, world), broken=())


def _dominant(ask: Ask, world: World) -> float:
    cpu = max((room.limit.cpu for room in world.rooms.values()), default=1)
    memory = max((room.limit.memory for room in world.rooms.values()), default=1)
    return max(ask.cpu / max(1, cpu), ask.memory / max(1, memory))


def _with_groups(asks: Sequence[Ask], world: World) -> World:
    """How many guests each group has, and which nodes could take one of them on the empty board."""
    sizes = Counter(ask.group for ask in asks)
    stand: dict[str, set[str]] = {}
    for (group, node), count in world.start.groups.items():
        sizes[group] += count
        stand.setdefault(group, set()).add(node)
    backwards = list(asks)[::-1]
    first = {ask.group: ask for ask in sorted(backwards, key=lambda ask: ask.node is None)}
    eligible = {
        group: tuple(
            name
            for name, node in sorted(world.nodes.items())
            if name in stand.get(group, ())
            or rejection(Trial(ask, node, world.start, world), rules=BEFORE_AFFINITY) is None
        )
        for group, ask in first.items()
    }
    return replace(world, sizes=sizes, eligible=eligible)


def _best_board(order: Sequence[Ask], world: World) -> tuple[Board | None, tuple[str, ...]]:
    """The first complete board that survives the loss of a node, else the first complete one."""
    first: Board | None = None
    first_broken: tuple[str, ...] = ()
    for leaves, board in enumerate(_boards(order, world), start=1):
        broken = broken_by(order, board, world=world)
        if not broken:
            return board, ()
        if first is None:
            first, first_broken = board, broken
        if leaves >= _MOST_LEAVES:
            break
    return first, first_broken


def _boards(order: Sequence[Ask], world: World) -> Iterator[Board]:
    """Complete boards, depth first, best seat first. The first one is the greedy answer."""
    steps = _MOST_STEPS
    stack: list[tuple[Board, Iterator[Seat]]] = [(world.start, _seats(order[0], world.start, world))]
    while stack and steps > 0:
        board, seats = stack[-1]
        seat = next(seats, None)
        if seat is None:
            stack.pop()
            continue
        steps -= 1
        after = board.with_guest(order[len(stack) - 1], seat)
        if len(stack) == len(order):
            yield after
        else:
            stack.append((after, _seats(order[len(stack)], after, world)))


def _seats(ask: Ask, board: Board, world: World) -> Iterator[Seat]:
    """The seats that a guest may take now, best first."""
    found = [seat for node in world.nodes.values() if (seat := open_seat(Trial(ask, node, board, world)))]
    return iter(sorted(found, key=lambda seat: seat_score(ask, seat, board=board, world=world)))


def _explain(order: Sequence[Ask], world: World, *, broken: tuple[str, ...]) -> NoRoom:
    """The first guest that finds no seat on the greedy board, with every node's reason."""
    board = world.start
    for ask in order:
        seat = next(_seats(ask, board, world), None)
        if seat is None:
            return NoRoom(ask=ask, rejected=_rejections(ask, board, world), broken=broken)
        board = board.with_guest(ask, seat)
    return NoRoom(ask=order[-1], rejected=(), broken=broken)


def _rejections(ask: Ask, board: Board, world: World) -> tuple[Rejected, ...]:
    found = (rejection(Trial(ask, node, board, world)) for _, node in sorted(world.nodes.items()))
    return tuple(entry for entry in found if entry is not None)


def _described(ask: Ask, *, board: Board, world: World) -> Placed:
    seat = board.seats[ask.name]
    apart = board.without(ask)
    others = [other.node for other in _seats(ask, apart, world) if other.node != seat.node]
    before = load_of(seat.node, apart.taken(seat.node), world=world)
    after = load_of(seat.node, board.taken(seat.node), world=world)
    stores = dict.fromkeys(store[0] for store in (seat.system_store, seat.data_store) if store)
    return Placed(
        name=ask.name,
        system="proxmox",
        node=seat.node,
        alternatives=tuple(others[:_ALTERNATIVES]),
        rejected=_rejections(ask, apart, world),
        why=f"lowest score of {len(others) + 1} possible nodes, the other new machines in place: load {before:.0%} "
        f"before, {after:.0%} after; disks on {' and '.join(stores)}",
    )
