"""The score: lexicographic, lower is better, the node's name last, so that the same snapshot gives the same answer.

In: a seat or a whole board. Out: a tuple to compare. Never: a hard constraint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.model.quantity import Resources
from bot.planning.placement.board import Ask, Board, Seat, World, claims

SeatScore = tuple[int, float, float, float, str]
BoardScore = tuple[int, float, float, float]


def load_of(node: str, taken: Resources, *, world: World) -> float:
    """The largest share of the plannable limit, over CPU and memory, after placing."""
    room = world.rooms[node]
    return max(
        room.cpu_load + taken.cpu / max(1, room.limit.cpu), room.memory_load + taken.memory / max(1, room.limit.memory)
    )


def seat_score(ask: Ask, seat: Seat, *, board: Board, world: World) -> SeatScore:
    """(soft affinity, growth of the potential, GiB to copy from the template, storage fill, node)."""
    before = load_of(seat.node, board.taken(seat.node), world=world)
    after = load_of(seat.node, board.taken(seat.node) + ask.resources, world=world)
    return (
        board.groups.get((ask.group, seat.node), 0),
        round(after**4 - before**4, 9),
        copied_gib(ask, seat),
        round(max(_fill(key, size, board=board, world=world) for key, size in claims(ask, seat)), 6),
        seat.node,
    )


def board_score(asks: Sequence[Ask], board: Board, *, world: World) -> BoardScore:
    """The same for everything placed; N+1 is judged apart, because it is dearer to compute."""
    return (
        sum(count - 1 for count in board.groups.values() if count > 1),
        round(potential(board.added, world=world), 9),
        sum(copied_gib(ask, board.seats[ask.name]) for ask in asks),
        round(sum(_fill(key, 0, board=board, world=world) for key in board.stored), 6),
    )


def potential(added: Mapping[str, Resources], *, world: World) -> float:
    """The sum over nodes of (max_r u_r)^4, relative to the board without new guests."""
    return sum(
        load_of(node, taken, world=world) ** 4 - load_of(node, Resources(), world=world) ** 4
        for node, taken in added.items()
    )


def copied_gib(ask: Ask, seat: Seat) -> float:
    """GiB that travel between nodes when the template is elsewhere on storage that is not shared."""
    if ask.template is None or ask.template.node == seat.node or seat.shared:
        return 0.0
    return ask.template.disk.gib


def _fill(key: tuple[str, str], size: int, *, board: Board, world: World) -> float:
    store = world.stores[key]
    total = store.total or store.available or 1
    return 1 - ((store.available or 0) - board.stored.get(key, 0) - size) / max(1, total)
