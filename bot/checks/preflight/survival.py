"""N+1: after the loss of any one host, what has to start again finds room on the others.

In: the scene. Out: check ``n-plus-one``. Never: a claim for guests on local disks; those cannot start elsewhere.

What has to start again: guests under HA, and the plan's machines, those without HA only in production (the rule of the
placement). Arrangements are searched by first-fit-decreasing, then exactly, within a bound on the steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bot.checks.preflight.hosts import claim, holds
from bot.checks.preflight.scene import Scene, failed, named, passed, skipped, unknown
from bot.model.cluster import Guest
from bot.model.plan import Machine
from bot.model.stack import Check

Size = tuple[int, int]
"""Memory in bytes, CPU in milli-CPU."""

_STEPS: Final = 20_000
_PRODUCTION: Final = frozenset({"production", "prod", "live"})
_ROOM: Final = "Free memory or CPU on the other nodes, or add a node, then comment /ai-retry."


def is_production(scene: Scene) -> bool:
    """An environment that nobody named is production, the careful reading."""
    return (scene.plan.environment or "production").lower() in _PRODUCTION


def n_plus_one(scene: Scene) -> tuple[Check, ...]:
    """One check for the whole plan."""
    about = named(scene.plan.machines)
    if not is_production(scene) and not any(machine.ha for machine in scene.plan.machines):
        return (skipped("n-plus-one", about, f"asked for in production and under HA only, not in {_where(scene)}"),)
    changes = [claim(scene, node, kind) for node in scene.used_nodes for kind in ("memory", "cpu")]
    if changes and all(change is not None and change.more <= 0 for change in changes):
        return (passed("n-plus-one", about, "the plan adds nothing to what stands there already"),)
    rooms = _rooms(scene)
    if len(rooms) < 2:
        return (skipped("n-plus-one", about, f"{len(rooms)} usable node: its loss takes the machines with it"),)
    return (_verdict(scene, rooms, about),)


def _where(scene: Scene) -> str:
    return scene.plan.environment or "production"


def _verdict(scene: Scene, rooms: dict[str, Size], about: str) -> Check:
    broken, unproved = [], []
    for node, sizes in sorted(_to_restart(scene).items()):
        found = arranged(sizes, [room for name, room in sorted(rooms.items()) if name != node])
        if found is None:
            unproved.append(node)
        elif not found:
            broken.append(node)
    if broken:
        reason = f"after the loss of {', '.join(broken)}, what has to start again finds no room on the other nodes"
        return failed("n-plus-one", about, reason, remedy=_ROOM)
    if unproved:
        reason = f"no arrangement was found within {_STEPS} steps after the loss of {', '.join(unproved)}"
        return unknown("n-plus-one", about, reason, remedy=_ROOM)
    return passed("n-plus-one", about, f"any one of {len(rooms)} nodes may be lost")


def _rooms(scene: Scene) -> dict[str, Size]:
    """What each usable node has left when the plan stands."""
    left: dict[str, Size] = {}
    for name, room in scene.rooms.items():
        memory, cpu = claim(scene, name, "memory"), claim(scene, name, "cpu")
        if room.usable and memory is not None and cpu is not None and scene.silent(name) is None:
            left[name] = (memory.left - memory.more, cpu.left - cpu.more)
    return left


def _to_restart(scene: Scene) -> dict[str, list[Size]]:
    shared = {store.name for store in scene.snapshot.stores if store.system == "proxmox" and store.shared}
    found: dict[str, list[Size]] = defaultdict(list)
    planned = {machine.vm_id for machine in scene.plan.machines}
    for guest in scene.facts.guests:
        if guest.vm_id not in planned and _restarts(guest, shared):
            found[guest.node].append((int(guest.memory), guest.cores * 1000))
    careful = is_production(scene)
    for machine in scene.plan.machines:
        if (machine.ha or careful) and _stores(machine) <= shared:
            found[scene.stands_on(machine)].append((int(machine.memory), machine.cores * 1000))
    return found


def _restarts(guest: Guest, shared: set[str]) -> bool:
    return guest.ha and holds(guest) and set(guest.datastores) <= shared


def _stores(machine: Machine) -> set[str]:
    return {machine.datastore, *(disk.datastore for disk in machine.data_disks)}


def arranged(sizes: Sequence[Size], rooms: Sequence[Size]) -> bool | None:
    """Whether all sizes fit into the rooms together; None when the search gave up."""
    order = sorted(sizes, reverse=True)
    by_cpu = sorted(sizes, key=lambda size: (size[1], size[0]), reverse=True)
    for part in (0, 1):
        if sum(size[part] for size in order) > sum(max(0, room[part]) for room in rooms):
            return False
    lines = (list(rooms), sorted(rooms), sorted(rooms, reverse=True))
    if any(_first_fit(one, list(line)) for one in (order, by_cpu) for line in lines):
        return True
    return _search(order, tuple(rooms), [_STEPS])


def _first_fit(order: Sequence[Size], rooms: list[Size]) -> bool:
    for memory, cpu in order:
        place = next((n for n, room in enumerate(rooms) if memory <= room[0] and cpu <= room[1]), None)
        if place is None:
            return False
        rooms[place] = (rooms[place][0] - memory, rooms[place][1] - cpu)
    return True


def _search(order: Sequence[Size], rooms: tuple[Size, ...], steps: list[int]) -> bool | None:
    """Depth first, the same room tried once; None when the steps run out before an answer."""
    if not order:
        return True
    memory, cpu = order[0]
    for room in dict.fromkeys(rooms):
        if memory > room[0] or cpu > room[1]:
            continue
        steps[0] -= 1
        if steps[0] < 0:
            return None
        place = rooms.index(room)
        rest = (*rooms[:place], (room[0] - memory, room[1] - cpu), *rooms[place + 1 :])
        found = _search(order[1:], rest, steps)
        if found is not False:
            return found
    return False
