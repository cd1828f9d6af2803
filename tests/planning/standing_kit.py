"""The world after an apply: the machines of a plan run as guests, and take what they take."""

from __future__ import annotations

from typing import Any

from bot.model.cluster import ClusterSnapshot, Guest, Node, Store
from bot.model.plan import Machine, Plan
from bot.model.quantity import Bytes, MilliCpu, Resources


def applied(plan: Plan, snapshot: ClusterSnapshot, **changes: dict[str, Any]) -> ClusterSnapshot:
    """The snapshot with the plan's machines as guests; ``changes`` by machine name, None for one that is gone."""
    running = [one for one in plan.machines if changes.get(one.name.replace("-", "_"), {}) is not None]
    facts = snapshot.proxmox
    assert facts is not None
    guests = [guest_of(one, **changes.get(one.name.replace("-", "_"), {})) for one in running]
    known = {guest.vm_id for guest in guests}
    others = [guest for guest in facts.guests if guest.vm_id not in known]
    return snapshot.model_copy(
        update={
            "nodes": tuple(_fuller(node, running) for node in snapshot.nodes),
            "stores": tuple(_emptier(store, running) for store in snapshot.stores),
            "proxmox": facts.model_copy(update={"guests": (*others, *guests)}),
        }
    )


def guest_of(machine: Machine, **changes: Any) -> Guest:
    disks = [machine.disk, *(disk.size for disk in machine.data_disks)]
    facts = {
        "vm_id": machine.vm_id,
        "name": machine.name,
        "kind": machine.kind,
        "node": machine.node,
        "status": "running",
        "cores": machine.cores,
        "memory": machine.memory,
        "disk": Bytes(sum(disks)),
        "on_boot": True,
        "ha": machine.ha,
        "pool": machine.pool,
        "tags": machine.tags,
        "addresses": (machine.address.partition("/")[0],) if machine.address != "dhcp" else (),
        "datastores": tuple(sorted({machine.datastore, *(disk.datastore for disk in machine.data_disks)})),
        "pci": (machine.pci_mapping,) if machine.pci_mapping else (),
    }
    return Guest.model_validate({**facts, **changes})


def _fuller(node: Node, machines: list[Machine]) -> Node:
    here = [one for one in machines if node.system == "proxmox" and one.node == node.name]
    cores, memory = sum(one.cores for one in here), Bytes(sum(one.memory for one in here))
    return node.model_copy(update={"promised": node.promised + Resources(cpu=MilliCpu(cores * 1000), memory=memory)})


def _emptier(store: Store, machines: list[Machine]) -> Store:
    if store.system != "proxmox" or store.available is None:
        return store
    here = [one for one in machines if store.shared or one.node in store.nodes]
    taken = sum(one.disk for one in here if one.datastore == store.name)
    taken += sum(disk.size for one in here for disk in one.data_disks if disk.datastore == store.name)
    return store.model_copy(update={"available": Bytes(max(0, store.available - taken))})
