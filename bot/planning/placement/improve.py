"""Local search over a complete board: move a new guest from the hottest node, or swap two.

In: a board. Out: a board at least as good. Never: a step that breaks a hard constraint or N+1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.planning.placement.board import Ask, Board, Seat, World
from bot.planning.placement.constraints import Trial, open_seat
from bot.planning.placement.failure import broken_by
from bot.planning.placement.score import board_score, load_of

_MOST_ROUNDS: Final = 100


def improved(asks: Sequence[Ask], board: Board, *, world: World) -> Board:
    """Steps while a step lowers the score; each is the best of its round, so the result does not depend on order."""
    for _ in range(_MOST_ROUNDS):
        better = _step(asks, board, world=world)
        if better is None:
            return board
        board = better
    return board


def _step(asks: Sequence[Ask], board: Board, *, world: World) -> Board | None:
    score = board_score(asks, board, world=world)
    candidates = [
        (found, candidate)
        for candidate in _neighbours(asks, board, world=world)
        if (found := board_score(asks, candidate, world=world)) < score
    ]
    limit = len(broken_by(asks, board, world=world))
    for _, candidate in sorted(candidates, key=lambda entry: entry[0]):
        if len(broken_by(asks, candidate, world=world)) <= limit:
            return candidate
    return None


def _neighbours(asks: Sequence[Ask], board: Board, *, world: World) -> Iterator[Board]:
    hottest = max(sorted(board.added), key=lambda node: load_of(node, board.taken(node), world=world))
    for ask in asks:
        if board.seats[ask.name].node != hottest:
            continue
        apart = board.without(ask)
        for node in sorted(world.nodes):
            seat = _open(ask, node, apart, world) if node != hottest else None
            if seat is not None:
                yield apart.with_guest(ask, seat)
        yield from _swaps(ask, asks, apart=apart, board=board, world=world)


def _swaps(ask: Ask, asks: Sequence[Ask], *, apart: Board, board: Board, world: World) -> Iterator[Board]:
    here = board.seats[ask.name].node
    for other in asks:
        there = board.seats[other.name].node
        if there == here or other.resources == ask.resources:
            continue
        empty = apart.without(other)
        seat = _open(ask, there, empty, world)
        if seat is None:
            continue
        half = empty.with_guest(ask, seat)
        back = _open(other, here, half, world)
        if back is not None:
            yield half.with_guest(other, back)


def _open(ask: Ask, node: str, board: Board, world: World) -> Seat | None:
    return open_seat(Trial(ask, world.nodes[node], board, world))
