"""Kits on their seats become machines, with a record for every number.

In: kits, seats, the yard. Out: ``Machine`` values and notes. Never: a node or id without a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.model.decision import Decision, Tag
from bot.model.noun import JsonValue
from bot.model.plan import Machine
from bot.planning.blueprints import UNREAD_DATASTORE, UNREAD_NODE
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kits import Kit
from bot.planning.infrastructure.protection import Guard, guard_of
from bot.planning.infrastructure.seating import cpu_type, system_disk
from bot.planning.merged import MERGED, disks_of
from bot.planning.placement.board import Seat
from bot.planning.placement.stay import seat_of
from bot.planning.record import Notes

_RANGE: Final = "vm_ids of .ai-provision.yaml"


def machine_of(kit: Kit, place: Seat, *, why_node: str, yard: Yard) -> tuple[Machine, Notes]:
    """One machine with its records."""
    guard = guard_of(kit, place, yard=yard)
    made = _made(kit, place, guard=guard, yard=yard)
    notes = Notes(decisions=kit.draft.size.decisions(made.name)) + kit.draft.size.notes + kit.wired.notes
    return made, notes + _records(kit, made, why_node=why_node, yard=yard) + guard.notes


def _made(kit: Kit, place: Seat, *, guard: Guard, yard: Yard) -> Machine:
    draft, origin, first = kit.draft, kit.origin, kit.wired.ports[0]
    wish, size = draft.wish, draft.size
    data_store = (place.data_store or place.system_store)[0]
    template, had = origin.template, kit.merged
    return Machine(
        name=draft.name,
        kind=wish.kind,
        role=wish.role,
        source=origin.source,
        node=place.node,
        cores=size.cores,
        memory=size.memory,
        disk=system_disk(kit),
        vm_id=kit.vm_id,
        address=first.address,
        gateway=first.gateway,
        datastore=place.system_store[0],
        data_disks=disks_of(size.data_disks, had, data_store),
        nics=kit.wired.nics,
        pool=wish.pool or yard.config.defaults.pool,
        tags=draft.tags,
        cpu_type=had.cpu_type if had is not None else cpu_type(kit) or "x86-64-v2-AES",
        agent=had.agent if had is not None else origin.agent,
        template_node=had.template_node if had is not None else template.node if template is not None else None,
        serves=(wish.engine or "postgresql") if wish.role == "database" else None,
        settings=dict(size.settings),
        ha=guard.ha,
        pci_mapping=kit.mapping,
        firewall=guard.firewall,
        backup=guard.backup,
        replicate_to=guard.replicate_to,
        cluster=draft.cluster,
        adopted=had.adopted if had is not None else kit.guest is not None,
    )


def _records(kit: Kit, machine: Machine, *, why_node: str, yard: Yard) -> Notes:
    guest, origin = kit.guest, kit.origin
    read: Tag = "read" if yard.read else "P"
    id_why, id_source = "the lowest id of the range that no guest and no open pull request holds", _RANGE
    if guest is not None:
        id_why = "the id of the guest that exists under this name and is ours"
    if kit.standing is not None and kit.standing.machine.vm_id == machine.vm_id:
        id_why, id_source = "the id that the machine has", MERGED
    store_why, store_source = "where the placement found room for the disks", "placement"
    if kit.merged is not None:
        store_why, store_source = "where the disk is", MERGED
    rows: list[tuple[str, JsonValue, str, str, Tag]] = [
        ("vm_id", machine.vm_id, id_why, id_source, read),
        ("node", machine.node, why_node, MERGED if kit.merged is not None else "placement", read),
        ("datastore", machine.datastore, store_why, store_source, read),
        ("source", origin.shown, origin.why, "the request, defaults of .ai-provision.yaml, or snapshot", origin.tag),
    ]
    if kit.mapping is not None:
        rows.append(("pci_mapping", kit.mapping, "a PCI mapping that no other guest has", "snapshot", read))
    if machine.disk > kit.draft.size.disk:
        larger = "the template's or the existing disk is larger than what was asked for"
        rows.append(("disk.actual", machine.disk.to_k8s(), larger, "snapshot", read))
    return Notes(
        decisions=tuple(
            Decision(
                path=f"machines.{machine.name}.{what}",
                value=value,
                origin="user" if tag == "user" else "rule",
                why=why,
                source=source,
                tag=tag,
            )
            for what, value, why, source, tag in rows
        )
    )


def seats_without_cluster(kits: Sequence[Kit], yard: Yard) -> dict[str, Seat]:
    """The installer's own names, or the ones that were stated."""
    defaults = yard.config.defaults
    seats: dict[str, Seat] = {}
    for kit in kits:
        if kit.standing is not None:
            seats[kit.draft.name] = seat_of(kit.standing.machine, kit.standing.node)
            continue
        wish = kit.draft.wish
        node = wish.node or UNREAD_NODE
        store = wish.datastore or defaults.datastore or UNREAD_DATASTORE
        data = wish.datastore or defaults.data_datastore or store
        seats[kit.draft.name] = Seat(node, (store, node), (data, node))
    return seats
