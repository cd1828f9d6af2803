"""A site after machines were planned for it: their ids, addresses, CPU, memory and disks count as taken.

In: the site and the machines. Out: the same site with less room. Never: a change of what was read of other guests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.model.cluster import Guest, Node, Room, Store
from bot.model.plan import Machine
from bot.model.quantity import Bytes, Resources
from bot.planning.machines import Site
from bot.planning.merged import Standing, added_by


def with_machines(site: Site, machines: Sequence[Machine]) -> Site:
    """What the next machines of the same plan may still use. What runs already takes only what it grows by."""
    added = {name: _sum(machines, name, site.standing) for name in {machine.node for machine in machines}}
    facts = site.snapshot.proxmox
    runs = {name for name, entry in site.standing.items() if entry.guest is not None}
    new = [machine for machine in machines if machine.name not in runs]
    snapshot = site.snapshot.model_copy(
        update={
            "nodes": tuple(_fuller(node, added) for node in site.snapshot.nodes),
            "stores": tuple(_emptier(store, new) for store in site.snapshot.stores),
            "proxmox": facts.model_copy(update={"guests": (*facts.guests, *map(_guest, new))}) if facts else None,
        }
    )
    rooms = tuple(_smaller(room, added) for room in site.headroom.rooms)
    return replace(site, snapshot=snapshot, headroom=site.headroom.model_copy(update={"rooms": rooms}))


def _sum(machines: Sequence[Machine], node: str, standing: Mapping[str, Standing]) -> Resources:
    total = Resources()
    for machine in machines:
        if machine.node == node:
            total += added_by(machine, standing)
    return total


def _fuller(node: Node, added: dict[str, Resources]) -> Node:
    if node.system != "proxmox" or node.name not in added:
        return node
    return node.model_copy(update={"promised": node.promised + added[node.name]})


def _smaller(room: Room, added: dict[str, Resources]) -> Room:
    if room.system != "proxmox" or room.node not in added:
        return room
    more = added[room.node]
    return room.model_copy(
        update={
            "free": room.free - more,
            "cpu_load": room.cpu_load + more.cpu / max(1, room.limit.cpu),
            "memory_load": room.memory_load + more.memory / max(1, room.limit.memory),
        }
    )


def _emptier(store: Store, machines: Sequence[Machine]) -> Store:
    here = [one for one in machines if store.system == "proxmox" and (store.shared or one.node in store.nodes)]
    taken: int = sum(one.disk for one in here if one.datastore == store.name)
    taken += sum(disk.size for one in here for disk in one.data_disks if disk.datastore == store.name)
    if not taken or store.available is None:
        return store
    return store.model_copy(update={"available": Bytes(max(0, store.available - taken))})


def _guest(machine: Machine) -> Guest:
    addresses = tuple(text for text in (machine.address, *(nic.address for nic in machine.nics)) if text)
    return Guest(
        vm_id=machine.vm_id,
        name=machine.name,
        kind=machine.kind,
        node=machine.node,
        status="running",
        cores=machine.cores,
        memory=machine.memory,
        disk=machine.disk,
        tags=machine.tags,
        addresses=addresses,
        datastores=(machine.datastore,),
    )
