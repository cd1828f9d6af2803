"""One attempt: drafts, origins, existing guests, ids, addresses, devices, seats, machines.

In: the shapes of the clusters and the yard. Out: ``Built``, ``NoRoom`` when a smaller shape may do, or a
``Refusal`` that no smaller shape would change. Never: a machine half planned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import Guest
from bot.model.plan import Machine, Placed
from bot.planning.addresses import free_vm_ids
from bot.planning.infrastructure.devices import mappings_for
from bot.planning.infrastructure.drafts import Draft, drafts_of
from bot.planning.infrastructure.existing import about_adopted, adopted
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kept import as_they_stand
from bot.planning.infrastructure.kits import Kit
from bot.planning.infrastructure.machines import machine_of, seats_without_cluster
from bot.planning.infrastructure.origins import Origin, origin_kept, origin_of
from bot.planning.infrastructure.seating import Seated, seat
from bot.planning.infrastructure.shapes import Shape
from bot.planning.infrastructure.wiring import Wiring, wire
from bot.planning.merged import STAYS, Standing, about_standing, held_ids
from bot.planning.placement.place import NoRoom
from bot.planning.record import Notes, join, warn

UNREAD: Final = "no Proxmox cluster was read, so node, datastore and bridge are placeholders"


@dataclass(frozen=True)
class Built:
    """All machines on their nodes. ``virtual``: API addresses by cluster; ``reasons``: why larger ones did not fit."""

    shapes: tuple[Shape, ...]
    kits: tuple[Kit, ...]
    machines: tuple[Machine, ...]
    placed: tuple[Placed, ...]
    virtual: Mapping[str, str]
    notes: Notes
    reasons: tuple[str, ...] = ()

    def because(self, reasons: Sequence[str]) -> Built:
        """The same with what made it smaller."""
        return replace(self, reasons=tuple(reasons))


def build(shapes: Sequence[Shape], *, yard: Yard) -> Built | NoRoom | Refusal:
    """Every machine of the request in these shapes, or nothing."""
    known = frozenset(yard.standing)
    wanted = drafts_of(yard.wishes.machines, shapes, app=yard.wishes.name, config=yard.config, known=known)
    if isinstance(wanted, Refusal):
        return wanted
    drafts, kept = as_they_stand(wanted, yard.standing, limits=yard.config.limits)
    names = [shape.wish.name for shape in shapes if shape.control_planes > 1]
    kitted = _kits(drafts, [name for name in names if yard.cluster_before(name) is None], yard=yard)
    if isinstance(kitted, Refusal):
        return kitted
    kits, wiring = kitted
    seated = seat(kits, yard=yard) if yard.read else _unread(kits, yard)
    if isinstance(seated, NoRoom):
        return seated
    notes = kept + about_standing(yard.standing, [draft.name for draft in drafts])
    return _on_seats(tuple(shapes), wiring, seated, notes=notes, yard=yard)


def _kits(
    drafts: Sequence[Draft], virtual_for: Sequence[str], *, yard: Yard
) -> tuple[tuple[Kit, ...], Wiring] | Refusal:
    """What each machine needs beside a node; the first refusal wins."""
    unknown = _unknown_node(drafts, yard)
    origins = unknown or _origins(drafts, yard)
    if isinstance(origins, Refusal):
        return origins
    standing = [draft.name for draft in drafts if draft.name in yard.standing]
    new = [draft for draft in drafts if draft.name not in standing or yard.standing[draft.name].gone]
    existing = adopted(new, yard.snapshot, app=yard.wishes.name)
    if isinstance(existing, Refusal):
        return existing
    existing |= {name: guest for name in standing if (guest := yard.standing[name].guest) is not None}
    ids = _ids(drafts, existing, yard)
    if isinstance(ids, Refusal):
        return ids
    wiring = wire(drafts, adopted=existing, virtual_for=virtual_for, yard=yard)
    if isinstance(wiring, Refusal):
        return wiring
    devices = mappings_for(drafts, adopted=existing, yard=yard)
    if isinstance(devices, Refusal):
        return devices
    kits = tuple(
        Kit(draft, origins[draft.name], ids[draft.name], wiring.machines[draft.name], devices.get(draft.name),
            existing.get(draft.name), _stands(draft, existing, yard))
        for draft in drafts
    )  # fmt: skip
    return kits, wiring


def _stands(draft: Draft, existing: Mapping[str, Guest], yard: Yard) -> Standing | None:
    """The merged machine, unless its guest is gone and another one of its name is adopted."""
    entry = yard.standing.get(draft.name)
    return None if entry is not None and entry.gone and draft.name in existing else entry


def _unknown_node(drafts: Sequence[Draft], yard: Yard) -> Refusal | None:
    names = sorted(node.name for node in yard.snapshot.of("proxmox"))
    odd = next((draft for draft in drafts if draft.wish.node is not None and draft.wish.node not in names), None)
    if odd is None or not names:
        return None
    return Refusal(
        code=Code.CAPACITY,
        message=f"node: {odd.name} is asked for on {odd.wish.node!a}, and the cluster has {', '.join(names)}.",
        remedy="Name one of these nodes, or none: the best one is chosen.",
    )


def _origins(drafts: Sequence[Draft], yard: Yard) -> dict[str, Origin] | Refusal:
    """By machine; the new machines of one wish share theirs."""
    of_wish: dict[str, Origin] = {}
    made: dict[str, Origin] = {}
    for draft in drafts:
        entry = yard.standing.get(draft.name)
        if entry is not None and not entry.gone:
            made[draft.name] = origin_kept(entry.machine)
            continue
        found = of_wish.get(draft.stem) or origin_of(draft.wish, config=yard.config, snapshot=yard.snapshot)
        if isinstance(found, Refusal):
            return found
        made[draft.name] = of_wish[draft.stem] = found
    return made


def _ids(drafts: Sequence[Draft], existing: Mapping[str, Guest], yard: Yard) -> dict[str, int] | Refusal:
    """What exists keeps its id, and so does what is gone while nobody else holds it."""
    had = {name: entry.machine.vm_id for name, entry in yard.standing.items()}
    kept = {name: guest.vm_id for name, guest in existing.items()}
    for draft in drafts:
        if draft.name in had and (draft.name not in kept) and not _lost(draft.name, yard):
            kept[draft.name] = had[draft.name]
    new = [draft.name for draft in drafts if draft.name not in kept]
    reserved = yard.held.vm_ids | held_ids(yard.standing)
    free = free_vm_ids(len(new), config=yard.config, snapshot=yard.snapshot, reserved=reserved)
    if isinstance(free, Refusal):
        return free
    return dict(zip(new, free, strict=True)) | kept


def _lost(name: str, yard: Yard) -> bool:
    """True for an id whose guest is gone and that another pull request reserved meanwhile."""
    entry = yard.standing[name]
    return entry.gone and entry.machine.vm_id in yard.held.vm_ids


def _unread(kits: Sequence[Kit], yard: Yard) -> Seated:
    seats = seats_without_cluster(kits, yard)
    placed = tuple(
        Placed(name=kit.draft.name, system="proxmox", node=None, why=UNREAD if kit.standing is None else STAYS)
        for kit in kits
    )
    return Seated(tuple(kits), seats, placed, broken=(), relaxed=False)


def _on_seats(shapes: tuple[Shape, ...], wiring: Wiring, seated: Seated, *, notes: Notes, yard: Yard) -> Built:
    kits = seated.kits
    machines: list[Machine] = []
    notes += join({id(kit.origin): kit.origin.notes for kit in kits}.values()) + wiring.notes
    for kit, placed in zip(kits, seated.placed, strict=True):
        why = placed.why
        if kit.guest is not None and kit.standing is None:
            why = f"VMID {kit.vm_id} stands there already; existing guests never move"
        made, found = machine_of(kit, seated.seats[kit.draft.name], why_node=why, yard=yard)
        machines.append(made)
        notes += found
    imported = {kit.draft.name: kit.guest for kit in kits if kit.guest is not None and kit.standing is None}
    notes += seated.notes + about_adopted(imported)
    notes += _about(seated, machines, yard)
    return Built(shapes, kits, tuple(machines), seated.placed, wiring.virtual, notes=notes)


def _about(seated: Seated, machines: Sequence[Machine], yard: Yard) -> Notes:
    """Unverified capacity, machines that stand together, a loss that could not be survived."""
    if not yard.read:
        return warn(
            "machines-unverified",
            f"Capacity unverified: {UNREAD}, and nobody knows whether VMIDs and addresses are free.",
            remedy="Set PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN (or pass a snapshot) and run again before "
            "merging.",
        )
    notes = _together(machines)
    if seated.broken:
        notes += warn(
            "n-plus-one",
            f"N+1 does not hold after the loss of {', '.join(seated.broken)}; allowed outside production.",
            remedy="Free memory or CPU on the other nodes.",
        )
    if sum(room.usable for room in yard.headroom.of("proxmox")) < 2:
        notes += warn(
            "single-node",
            "The Proxmox cluster has one usable node: its loss takes the machines with it.",
            remedy="Add a node, or accept it and keep backups elsewhere.",
        )
    return notes


def _together(machines: Sequence[Machine]) -> Notes:
    """Control planes and databases that share a node although there are several of them."""
    groups = Counter((machine.role, machine.cluster, machine.node) for machine in machines if _matters(machine))
    crowded = sorted({node for (_, _, node), count in groups.items() if count > 1})
    if not crowded:
        return Notes()
    return warn(
        "instances-together",
        f"Control planes or databases of one kind share {', '.join(crowded)}: fewer nodes qualify than there are "
        "machines.",
        remedy="See the rejected nodes of the placement, or accept that one node's loss takes several.",
    )


def _matters(machine: Machine) -> bool:
    return machine.role in {"kubernetes-control-plane", "database"}


def no_room(found: NoRoom | None, *, least: bool = False) -> Refusal:
    """Why no node takes a machine. ``least``: not even the smallest shape fits."""
    if found is None:
        return Refusal(code=Code.CAPACITY, message="Nothing is asked for.", remedy="Name machines or a cluster.")
    ask = found.ask
    prefix = "Even the smallest cluster (2 cores and 2 GiB each, kubeadm's minimum) has no room. " if least else ""
    if found.broken:
        lost = ", ".join(found.broken)
        message = (
            f"{prefix}The machines fit, but N+1 would not hold: after the loss of {lost}, the highly available guests "
            "would find no room on the other nodes."
        )
    else:
        reasons = "; ".join(f"{entry.constraint}: {entry.reason}" for entry in found.rejected)
        message = (
            f"{prefix}No Proxmox node has room for {ask.name} ({ask.cpu.cores:g} vCPU, {ask.memory} memory): "
            f"{reasons or 'every node that fits alone is taken by another machine of this plan'}."
        )
    remedy = "Free the resource that is named, add a node, or ask for less; outside production N+1 is no condition."
    return Refusal(code=Code.CAPACITY, message=message, remedy=remedy)
