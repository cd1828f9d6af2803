"""Placement quality: the fullest node after placing a batch, against a lower bound that no placement can beat.

The fleet has the shape of a public complaint (20 nodes of three kinds, 229 guests of 2 to 16 vCPU, half of them in 20
groups that repel each other). The bound is the larger of total load over total capacity, per resource; it ignores that
guests are whole, so a true gap is smaller than the one shown.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bot.model.cluster import Bridge, ClusterSnapshot, Headroom, Node, ProxmoxFacts, Room, Store
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.planning.placement.board import Ask, World, world_of
from bot.planning.placement.place import NoRoom, place

OVERCOMMIT: Final = 4.0
KINDS: Final = ((10, 64, 504), (2, 32, 661), (8, 32, 504))
FLAVOURS: Final = ((2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (16, 32))


def main() -> None:
    heads = ("guests", "seed", "ours", "most free", "bound", "gap", "together", "seconds")
    print(" ".join(f"{head:>9}" for head in heads))
    for guests, seed in ((229, 1), (229, 2), (400, 3)):
        print(_row(guests, seed))


def _row(count: int, seed: int) -> str:
    snapshot, headroom = fleet()
    world = world_of(snapshot, headroom, production=False)
    asks = batch(count, seed)
    start = time.perf_counter()
    found = place(asks, world)
    seconds = time.perf_counter() - start
    if isinstance(found, NoRoom):
        return f"{count:>7} {seed:>5}  no room for {found.ask.name}"
    ours = fullest(asks, {name: seat.node for name, seat in found.seats.items()}, world)
    theirs = fullest(asks, most_free_memory(asks, world), world)
    bound = lower_bound(asks, world)
    together = sum(n - 1 for n in Counter((ask.group, found.seats[ask.name].node) for ask in asks).values())
    gap = ours / bound - 1
    return f"{count:>9} {seed:>9} {ours:>9.3f} {theirs:>9.3f} {bound:>9.3f} {gap:>9.1%} {together:>9} {seconds:>9.2f}"


def fleet() -> tuple[ClusterSnapshot, Headroom]:
    sizes = [(threads, gib) for count, threads, gib in KINDS for _ in range(count)]
    nodes = tuple(
        Node(
            name=f"node-{index:02}",
            system="proxmox",
            capacity=Resources(cpu=MilliCpu(threads * 1000), memory=Bytes.of_gib(gib)),
            bridges=(Bridge(name="vmbr0"),),
        )
        for index, (threads, gib) in enumerate(sizes)
    )
    huge = Bytes.of_gib(1_000_000)
    store = Store(
        name="ceph", system="proxmox", kind="rbd", shared=True, content=("images",), total=huge, available=huge
    )
    snapshot = ClusterSnapshot(nodes=nodes, stores=(store,), proxmox=ProxmoxFacts(quorate=True))
    return snapshot, Headroom(rooms=tuple(_room(node) for node in nodes))


def _room(node: Node) -> Room:
    limit = Resources(cpu=MilliCpu(int(node.capacity.cpu * OVERCOMMIT)), memory=Bytes(int(node.capacity.memory * 0.92)))
    return Room(
        node=node.name,
        system="proxmox",
        usable=True,
        limit=limit,
        free=limit,
        cpu_load=0.0,
        memory_load=0.0,
        why="empty",
    )


def batch(count: int, seed: int) -> list[Ask]:
    draws = _draws(seed)
    flavours = [FLAVOURS[next(draws) % len(FLAVOURS)] for _ in range(count)]
    return [
        Ask(
            name=f"vm-{index:03}",
            vm_id=1000 + index,
            group=f"group-{index // 2 % 20}" if index % 2 else f"alone-{index}",
            cpu=MilliCpu(cores * 1000),
            memory=Bytes.of_gib(gib),
            system_disk=Bytes.of_gib(20),
            bridge="vmbr0",
        )
        for index, (cores, gib) in enumerate(flavours)
    ]


def _draws(seed: int) -> Iterator[int]:
    """A small linear congruential generator: the same numbers on every Python."""
    state = seed
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield state >> 33


def fullest(asks: Sequence[Ask], seats: Mapping[str, str], world: World) -> float:
    taken: dict[str, Resources] = {}
    for ask in asks:
        taken[seats[ask.name]] = taken.get(seats[ask.name], Resources()) + ask.resources
    return max(_dominant(load, world.rooms[node].limit) for node, load in taken.items())


def _dominant(load: Resources, limit: Resources) -> float:
    return max(load.cpu / limit.cpu, load.memory / limit.memory)


def most_free_memory(asks: Sequence[Ask], world: World) -> dict[str, str]:
    """The usual rule of other tools: the node with the largest free share of memory."""
    free = {name: room.limit for name, room in world.rooms.items()}
    seats = {}
    for ask in asks:
        node = max(sorted(free), key=lambda name: free[name].memory / world.rooms[name].limit.memory)
        seats[ask.name] = node
        free[node] -= ask.resources
    return seats


def lower_bound(asks: Sequence[Ask], world: World) -> float:
    total, limit = Resources(), Resources()
    for ask in asks:
        total += ask.resources
    for room in world.rooms.values():
        limit += room.limit
    return _dominant(total, limit)


if __name__ == "__main__":
    main()
