"""Local search over a complete board: move a new guest from the hottest node, or swap two.

In: a board. Out: a board at least as good. Never: a step that breaks a hard constraint or N+1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.planning.placement.board import Ask, Board, World
from bot.planning.placement.constraints import Trial, open_seat
from bot.planning.placement.failure import broken_by
from bot.planning.placement.score import board_score

_MOST_ROUNDS: Final = 200
_MOST_TRIES: Final = 40


@dataclass(frozen=True)
class _Step:
    """``ask`` goes to ``node``; ``other``, when there is one, takes its place."""

    ask: Ask
    node: str
    other: Ask | None = None


def improved(asks: Sequence[Ask], board: Board, *, world: World) -> Board:
    """Steps while a step lowers the score; the most promising of a round first, so the order of guests does not
    matter.
    """
    for _ in range(_MOST_ROUNDS):
        better = _better(asks, board, world=world)
        if better is None:
            return board
        board = better
    return board


def _better(asks: Sequence[Ask], board: Board, *, world: World) -> Board | None:
    """The first promising step that is allowed and lowers the score: from the hottest node, else from the next."""
    score = board_score(asks, board, world=world)
    broken = len(broken_by(asks, board, world=world))
    gauge = _Gauge(asks, board, world)
    for hot in gauge.by_heat():
        for step in _promising(asks, board, hot=hot, gauge=gauge):
            after = _taken(step, board, world=world)
            if after is None or board_score(asks, after, world=world) >= score:
                continue
            if len(broken_by(asks, after, world=world)) <= broken:
                return after
    return None


def _promising(asks: Sequence[Ask], board: Board, *, hot: str, gauge: _Gauge) -> list[_Step]:
    """Steps that do not raise the potential, by how much they lower it; judged on loads alone, which is cheap."""
    judged = (
        (gauge.growth(step, hot), step.ask.name, step.node, step.other.name if step.other else "", step)
        for step in _steps(asks, board, hot=hot, nodes=gauge.nodes)
    )
    kept = sorted((entry for entry in judged if entry[0] <= 0), key=lambda entry: entry[:4])
    return [entry[4] for entry in kept[:_MOST_TRIES]]


def _steps(asks: Sequence[Ask], board: Board, *, hot: str, nodes: Sequence[str]) -> Iterator[_Step]:
    elsewhere = [(ask, board.seats[ask.name].node) for ask in asks if board.seats[ask.name].node != hot]
    for ask in asks:
        if board.seats[ask.name].node != hot:
            continue
        yield from (_Step(ask, node) for node in nodes if node != hot)
        yield from (
            _Step(ask, node, other) for other, node in elsewhere if (other.cpu, other.memory) != (ask.cpu, ask.memory)
        )


class _Gauge:
    """Loads as plain numbers, for judging thousands of steps."""

    def __init__(self, asks: Sequence[Ask], board: Board, world: World) -> None:
        self.nodes = [name for name in sorted(world.nodes) if name in world.rooms]
        self._sizes = {ask.name: (int(ask.cpu), int(ask.memory)) for ask in asks}
        self._bases = {
            name: (room.cpu_load, room.memory_load, max(1, int(room.limit.cpu)), max(1, int(room.limit.memory)))
            for name, room in world.rooms.items()
        }
        self._taken = {name: (int(taken.cpu), int(taken.memory)) for name, taken in board.added.items()}

    def by_heat(self) -> list[str]:
        """Nodes that hold new guests, hottest first."""
        return sorted(self._taken, key=lambda node: (-self._heat(node, 0, 0), node))

    def growth(self, step: _Step, hot: str) -> float:
        """How much the potential grows when the step leaves ``hot``; negative is better."""
        cpu, memory = self._sizes[step.ask.name]
        if step.other is not None:
            back_cpu, back_memory = self._sizes[step.other.name]
            cpu, memory = cpu - back_cpu, memory - back_memory
        after = self._heat(hot, -cpu, -memory) + self._heat(step.node, cpu, memory)
        return round(after - self._heat(hot, 0, 0) - self._heat(step.node, 0, 0), 9)

    def _heat(self, node: str, cpu: int, memory: int) -> float:
        cpu_load, memory_load, cpu_limit, memory_limit = self._bases[node]
        taken_cpu, taken_memory = self._taken.get(node, (0, 0))
        share = max(cpu_load + (taken_cpu + cpu) / cpu_limit, memory_load + (taken_memory + memory) / memory_limit)
        return share**4


def _taken(step: _Step, board: Board, *, world: World) -> Board | None:
    """The board after the step, or None when a constraint forbids it."""
    here = board.seats[step.ask.name].node
    empty = board.without(step.ask)
    if step.other is not None:
        empty = empty.without(step.other)
    seat = open_seat(Trial(step.ask, world.nodes[step.node], empty, world))
    if seat is None:
        return None
    half = empty.with_guest(step.ask, seat)
    if step.other is None:
        return half
    back = open_seat(Trial(step.other, world.nodes[here], half, world))
    return None if back is None else half.with_guest(step.other, back)
