"""N+1: after the loss of any one node, the guests that can be restarted elsewhere must fit on the rest.

In: the board with all new guests. Out: the failures that break it. Never: a claim for guests on local storage; those
cannot be restarted elsewhere, and are named instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.model.cluster import Guest
from bot.model.quantity import MilliCpu, Resources
from bot.planning.placement.board import Ask, Board, World

_MOST_STEPS: Final = 5_000


def broken_by(asks: Sequence[Ask], board: Board, *, world: World) -> tuple[str, ...]:
    """The nodes whose loss would leave restartable guests without room; empty when N+1 holds."""
    rooms = {
        name: room.free - board.taken(name)
        for name, room in world.rooms.items()
        if room.usable and name in world.nodes and world.nodes[name].state == "ready"
    }
    if len(rooms) < 2:
        return ()
    movable = _restartable(asks, board, world=world)
    return tuple(
        failed
        for failed, guests in sorted(movable.items())
        if guests and not replaceable(guests, {name: room for name, room in rooms.items() if name != failed})
    )


def _restartable(asks: Sequence[Ask], board: Board, *, world: World) -> dict[str, list[Resources]]:
    """HA guests and guests of the plan, by the node they stand on; only those on shared storage count."""
    by_node: dict[str, list[Resources]] = {}
    facts = world.snapshot.proxmox
    for guest in facts.guests if facts is not None else ():
        if guest.ha and not guest.template and _on_shared(guest, world):
            size = Resources(cpu=MilliCpu(guest.cores * 1000), memory=guest.memory)
            by_node.setdefault(guest.node, []).append(size)
    for ask in (*asks, *world.stays):
        seat = board.seats.get(ask.name)
        if seat is not None and seat.shared:
            by_node.setdefault(seat.node, []).append(ask.resources)
    return by_node


def _on_shared(guest: Guest, world: World) -> bool:
    return all((name, "") in world.stores for name in guest.datastores)


def replaceable(guests: Sequence[Resources], rooms: Mapping[str, Resources]) -> bool:
    """Sum, then first-fit-decreasing, then an exact search with a bound on its steps."""
    order = sorted(guests, key=lambda size: (size.memory, size.cpu), reverse=True)
    need = Resources()
    for size in order:
        need += size
    if need.memory > sum(room.memory for room in rooms.values()) or need.cpu > sum(room.cpu for room in rooms.values()):
        return False
    return _first_fit(order, dict(rooms)) or _search(order, dict(rooms), [_MOST_STEPS])


def _first_fit(order: Sequence[Resources], rooms: dict[str, Resources]) -> bool:
    for size in order:
        node = next((name for name in sorted(rooms) if size.fits(rooms[name])), None)
        if node is None:
            return False
        rooms[node] -= size
    return True


def _search(order: Sequence[Resources], rooms: dict[str, Resources], steps: list[int]) -> bool:
    """Depth first; equal rooms are tried once. Gives up (False) when ``steps`` runs out."""
    if not order:
        return True
    tried: set[tuple[int, int]] = set()
    for name in sorted(rooms):
        room = rooms[name]
        shape = (int(room.cpu), int(room.memory))
        steps[0] -= 1
        if steps[0] < 0:
            return False
        if shape in tried or not order[0].fits(room):
            continue
        tried.add(shape)
        if _search(order[1:], {**rooms, name: room - order[0]}, steps):
            return True
    return False
