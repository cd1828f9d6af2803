"""Relational databases that must not lose data become placed machines with a data disk of their own.

In: databases in use, demand, snapshot, headroom, config. Out: ``Machines``, or a ``Refusal`` (policy, capacity,
config). Never: a machine that nobody asked for, an id or address that is known to be taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.demand import Criticality, Demand
from bot.model.plan import Machine, Placed, PlanView
from bot.model.profile import RELATIONAL, DependencyKind
from bot.model.quantity import Bytes
from bot.planning.addresses import NOTHING_HELD, Held
from bot.planning.blueprint_stays import stood
from bot.planning.blueprints import Blueprint, about_settings, blueprints, decided, machine_on, seat_without_cluster
from bot.planning.database import DatabaseSize, size_database
from bot.planning.merged import Standing, about_standing
from bot.planning.placement.board import Seat, World, world_of
from bot.planning.placement.place import NoRoom, Placement, place
from bot.planning.placement.stay import seat_of
from bot.planning.record import Notes, join, note, warn
from bot.planning.scope import Scope
from bot.planning.service import SizedService
from bot.planning.stores import users_of
from bot.planning.templates import ground_for
from bot.planning.tier import stronger


@dataclass(frozen=True)
class Machines:
    """The machines, where they stand, and whether a cluster was there to ask."""

    machines: tuple[Machine, ...]
    placed: tuple[Placed, ...]
    verified: bool
    notes: Notes


@dataclass(frozen=True)
class Site:
    """Where machines are planned for, and the ids and addresses that other open pull requests ``held``. ``before`` is
    the merged plan of the same application, whose machines are ``standing``.
    """

    scope: Scope
    snapshot: ClusterSnapshot
    headroom: Headroom
    config: Config
    held: Held = NOTHING_HELD
    before: PlanView | None = None
    standing: Mapping[str, Standing] = field(default_factory=dict)


def built_here(kinds: Sequence[DependencyKind], demand: Demand) -> tuple[DependencyKind, ...]:
    """The stores that become machines: relational, and the description asks for strong consistency or no data loss."""
    if not (demand.strong_consistency or demand.no_data_loss):
        return ()
    return tuple(kind for kind in kinds if kind in RELATIONAL)


def plan_machines(
    kinds: Sequence[DependencyKind], *, services: Sequence[SizedService], demand: Demand, site: Site
) -> Machines | Refusal:
    """Size, number, address and place one set of machines per database."""
    if not kinds:
        return Machines((), (), verified=True, notes=Notes())
    sizes = [_sized(kind, services=services, demand=demand, site=site) for kind in kinds]
    refusal = _policy(sizes, site.config)
    if refusal is not None:
        return refusal
    ground = ground_for(site.config, site.snapshot)
    if isinstance(ground, Refusal):
        return ground
    plans = blueprints(
        sizes,
        scope=site.scope,
        ground=ground,
        config=site.config,
        snapshot=site.snapshot,
        held=site.held,
        standing=site.standing,
    )
    if isinstance(plans, Refusal):
        return plans
    notes = join(size.notes + about_settings(size) for size in sizes) + ground.notes
    notes += about_standing(site.standing, [plan.ask.name for plan in plans])
    return _on_cluster(plans, notes, site=site) if site.snapshot.of("proxmox") else _unverified(plans, notes, site=site)


def _sized(kind: DependencyKind, *, services: Sequence[SizedService], demand: Demand, site: Site) -> DatabaseSize:
    users = users_of(kind, services)
    tier: Criticality = "dev"
    for sized in users or services:
        tier = stronger(tier, sized.tier)
    own = _promised(kind, site)
    free = [room.free.memory + own.get(room.node, 0) for room in site.headroom.of("proxmox") if room.usable]
    cap = min(max(free, default=site.config.limits.max_memory_per_machine), site.config.limits.max_memory_per_machine)
    return size_database(kind, users=users, demand=demand, tier=tier, memory_cap=Bytes(cap))


def _promised(kind: DependencyKind, site: Site) -> dict[str, int]:
    """The memory that the largest standing instance of each node has: its own use does not count against it."""
    found: dict[str, int] = {}
    for entry in site.standing.values():
        if entry.guest is not None and entry.machine.serves == kind:
            found[entry.guest.node] = max(found.get(entry.guest.node, 0), entry.guest.memory)
    return found


def _policy(sizes: Sequence[DatabaseSize], config: Config) -> Refusal | None:
    limits = config.limits
    count = sum(size.instances for size in sizes)
    if count > limits.max_machines:
        return _beyond(f"{count} machines are needed; limits.max_machines permits {limits.max_machines}")
    for size in sizes:
        if size.cores > limits.max_cores_per_machine:
            most = limits.max_cores_per_machine
            return _beyond(f"{size.kind} needs {size.cores} vCPU; limits.max_cores_per_machine permits {most}")
        if size.memory > limits.max_memory_per_machine:
            most_memory = limits.max_memory_per_machine
            return _beyond(f"{size.kind} needs {size.memory}; limits.max_memory_per_machine permits {most_memory}")
    return None


def _beyond(what: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{what}.",
        remedy="State a lower load, or raise the limit in .ai-provision.yaml.",
    )


def _unverified(plans: Sequence[Blueprint], notes: Notes, *, site: Site) -> Machines:
    why = "no Proxmox cluster was read, so node, datastore and bridge are placeholders"
    machines = [
        machine_on(plan, _seat_unread(plan, site.config), scope=site.scope, config=site.config, snapshot=site.snapshot)
        for plan in plans
    ]
    finding = warn(
        "machines-unverified",
        f"Capacity unverified: {why}, and nobody knows whether VMIDs and addresses are free.",
        remedy="Set PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN (or pass a snapshot) and run again before merging.",
    )
    records = join(decided(plan, m, why_node=why, read=False) for plan, m in zip(plans, machines, strict=True))
    placed = tuple(Placed(name=machine.name, system="proxmox", node=None, why=why) for machine in machines)
    return Machines(tuple(machines), placed, verified=False, notes=notes + records + finding)


def _on_cluster(plans: Sequence[Blueprint], notes: Notes, *, site: Site) -> Machines | Refusal:
    world = world_of(site.snapshot, site.headroom, production=site.scope.production)
    plans, found, kept = _placed(plans, world)
    if isinstance(found, NoRoom):
        return _no_room(found)
    machines = [
        machine_on(plan, found.seats[plan.ask.name], scope=site.scope, config=site.config, snapshot=site.snapshot)
        for plan in plans
    ]
    records = join(
        decided(plan, machine, why_node=placed.why, read=True)
        for plan, machine, placed in zip(plans, machines, found.placed, strict=True)
    )
    new = [machine for machine in machines if machine.name not in site.standing]
    remarks = kept + _about_survival(found, site) + _together(machines) + _taken_names(new, site.snapshot)
    return Machines(tuple(machines), found.placed, verified=True, notes=notes + records + remarks)


def _seat_unread(plan: Blueprint, config: Config) -> Seat:
    if plan.standing is None:
        return seat_without_cluster(config)
    return seat_of(plan.standing.machine, plan.standing.node)


def _placed(plans: Sequence[Blueprint], world: World) -> tuple[Sequence[Blueprint], Placement | NoRoom, Notes]:
    """What stands on its seat, then the new instances around it."""
    settled = stood(plans, world)
    new = [plan.ask for plan in settled.plans if plan.ask.name not in settled.seats]
    if not new:
        placed = tuple(settled.placed[plan.ask.name] for plan in settled.plans)
        return settled.plans, Placement(dict(settled.seats), placed, broken=()), settled.notes
    found = place(new, replace(world, start=settled.board, stays=settled.stays))
    if isinstance(found, NoRoom):
        return settled.plans, found, settled.notes
    places = settled.placed | {entry.name: entry for entry in found.placed}
    ordered = tuple(places[plan.ask.name] for plan in settled.plans)
    return settled.plans, replace(found, seats=settled.seats | found.seats, placed=ordered), settled.notes


def _no_room(found: NoRoom) -> Refusal:
    ask = found.ask
    if found.broken:
        lost = ", ".join(found.broken)
        return Refusal(
            code=Code.CAPACITY,
            message=f"The machines fit, but N+1 would not hold: after the loss of {lost}, the highly available guests "
            "would find no room on the other nodes.",
            remedy="Free memory or CPU, add a node, or name another environment than production.",
        )
    reasons = "; ".join(f"{entry.constraint}: {entry.reason}" for entry in found.rejected)
    return Refusal(
        code=Code.CAPACITY,
        message=f"No Proxmox node has room for {ask.name} ({ask.cpu.cores:g} vCPU, {ask.memory} memory): "
        f"{reasons or 'every node that fits alone is taken by another machine of this plan'}.",
        remedy="Free the resource that is named, add a node, or state a lower load or tier.",
    )


def _about_survival(found: Placement, site: Site) -> Notes:
    local = sorted(name for name, seat in found.seats.items() if not seat.shared)
    notes = Notes()
    if local:
        notes += note(
            "ha-impossible",
            f"Highly available restart is impossible for {', '.join(local)}: their disks stand on local "
            "storage. A node's loss costs its machine until the node returns.",
            remedy="Name a shared datastore in .ai-provision.yaml, or rely on the other instances and backups.",
        )
    usable = sum(room.usable for room in site.headroom.of("proxmox"))
    if usable < 2:
        notes += warn(
            "single-node",
            "The Proxmox cluster has one usable node: its loss takes the machines with it.",
            remedy="Add a node, or accept it and keep backups elsewhere.",
        )
    if found.broken:
        notes += warn(
            "n-plus-one",
            f"N+1 does not hold after the loss of {', '.join(found.broken)}; allowed outside production.",
            remedy="Free memory or CPU on the other nodes.",
        )
    return notes


def _together(machines: Sequence[Machine]) -> Notes:
    by_kind = Counter((machine.serves, machine.node) for machine in machines)
    crowded = sorted({node for (_, node), count in by_kind.items() if count > 1})
    if not crowded:
        return Notes()
    return warn(
        "instances-together",
        f"Several instances of one database stand on {', '.join(crowded)}: fewer nodes qualify than "
        "there are instances.",
        remedy="See the rejected nodes of the placement: often the template or the datastore is not shared.",
    )


def _taken_names(machines: Sequence[Machine], snapshot: ClusterSnapshot) -> Notes:
    facts = snapshot.proxmox
    held = {guest.name: guest.vm_id for guest in facts.guests} if facts is not None else {}
    taken = [f"{machine.name} (VMID {held[machine.name]})" for machine in machines if machine.name in held]
    if not taken:
        return Notes()
    return warn(
        "guest-name-taken",
        f"Guests of these names exist already: {', '.join(taken)}.",
        remedy="If an earlier pull request made them, do not merge this one beside it.",
    )
