"""Wishes, snapshot and headroom become a plan of machines and clusters.

In: ``Wishes``, snapshot, headroom, config. Out: ``Plan`` with a decision record for every number, or a ``Refusal``
(``capacity``, ``policy``, ``conflict``, ``config``, ``name``, ``syntax``). Never: I/O, a clock, a number without a
reason.

The story: settle where it runs and every cluster's networks; try the shapes from the wanted one down until one finds
room; say what each number rests on; price it; say how sure it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.demand import Demand
from bot.model.plan import ClusterPlan, Machine, Plan, PlanView
from bot.model.wishes import ClusterWish, Wishes
from bot.planning.addresses import Held
from bot.planning.budget import Purse
from bot.planning.cost import cost_of
from bot.planning.infrastructure.build import Built, build, no_room
from bot.planning.infrastructure.clusters import Settled, cluster_plan, settle
from bot.planning.infrastructure.ground import Yard, yard_for
from bot.planning.infrastructure.protection import backup_for, ha_kind
from bot.planning.infrastructure.report import changes, merged, sure_of
from bot.planning.infrastructure.shapes import Shape, smaller, standing_shape, within_policy
from bot.planning.merged import left_over, standing_in
from bot.planning.placement.place import NoRoom
from bot.planning.record import Notes, join


def plan_wishes(
    wishes: Wishes,
    *,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    config: Config,
    reserved: frozenset[int] = frozenset(),
    reserved_addresses: frozenset[str] = frozenset(),
    before: PlanView | None = None,
) -> Plan | Refusal:
    """The whole plan of one request. ``reserved`` VMIDs and ``reserved_addresses`` belong to other pull requests;
    ``before`` is the merged plan of the same stack, whose machines and clusters are updated in place.
    """
    held = Held(vm_ids=reserved, addresses=reserved_addresses)
    standing = standing_in(before, snapshot)
    if isinstance(standing, Refusal):
        return standing
    yard = yard_for(
        wishes, snapshot=snapshot, headroom=headroom, config=config, held=held, before=before, standing=standing
    )
    settled = _settled(yard)
    if isinstance(settled, Refusal):
        return settled
    found = _first_that_fits(yard)
    return found if isinstance(found, Refusal) else _planned(found, settled, yard=yard)


def _settled(yard: Yard) -> dict[str, Settled] | Refusal:
    made: dict[str, Settled] = {}
    for wish in yard.wishes.clusters:
        one = settle(wish, yard)
        if isinstance(one, Refusal):
            return one
        made[wish.name] = one
    return made


def _first_that_fits(yard: Yard) -> Built | Refusal:
    """The wanted shapes, then smaller ones; the last refusal names each node's reason."""
    wanted = [_shape(wish, yard) for wish in sorted(yard.wishes.clusters, key=lambda wish: wish.name)]
    beside = sum(wish.count for wish in yard.wishes.machines)
    bounded = within_policy(wanted, machines=beside, limits=yard.config.limits)
    reasons: list[str] = []
    last: NoRoom | None = None
    lost = False
    for shapes in chain([bounded], smaller(bounded)):
        built = build(shapes, yard=yard)
        if not isinstance(built, NoRoom):
            return built if isinstance(built, Refusal) else built.because(reasons)
        last = built
        if not reasons or (built.broken and not lost):
            reasons.append(no_room(built).message)
        lost = lost or bool(built.broken)
    return no_room(last, least=bool(wanted)) if last is not None else no_room(None)


def _shape(wish: ClusterWish, yard: Yard) -> Shape:
    members = [entry.machine for entry in yard.standing.values() if entry.machine.cluster == wish.name]
    return standing_shape(wish, yard.cluster_before(wish.name), members)


def _planned(built: Built, settled: dict[str, Settled], *, yard: Yard) -> Plan:
    """Clusters, protection, price and confidence, then everything in one value."""
    clusters, cluster_notes = _clusters(built, settled)
    left = left_over(yard.standing, [one.name for one in built.machines], app=yard.wishes.name)
    everything = (*built.machines, *left.machines)
    backup, backup_notes = backup_for(everything, yard)
    machines = everything if backup is not None else tuple(_without_backup(one) for one in everything)
    purse = Purse(yard.wishes.name, yard.scope.namespace, budget=yard.config.budget, spends=(), demand=Demand())
    cost, cost_notes = cost_of((), machines, prices=yard.config.prices, purse=purse)
    sure, sure_notes = sure_of(built.kits, yard)
    notes = join((yard.scope.notes, cluster_notes, built.notes, left.notes, backup_notes, cost_notes, sure_notes))
    return Plan(
        app=yard.wishes.name,
        environment=yard.scope.environment,
        namespace=yard.scope.namespace,
        cluster=None,
        machines=machines,
        clusters=clusters,
        backup=backup,
        ha=ha_kind(machines, yard),
        placement=built.placed + left.placed,
        capacity=changes(built.kits, built.machines, yard),
        cost=cost,
        confidence=sure,
        capacity_verified=yard.read,
        decisions=merged(yard.wishes.decisions, notes.decisions, built.kits),
        findings=tuple(dict.fromkeys(notes.findings)),
    )


def _without_backup(machine: Machine) -> Machine:
    return machine.model_copy(update={"backup": False}) if machine.backup else machine


def _clusters(built: Built, settled: dict[str, Settled]) -> tuple[tuple[ClusterPlan, ...], Notes]:
    made: list[ClusterPlan] = []
    notes = Notes()
    for shape in built.shapes:
        one, found = cluster_plan(
            shape,
            built.machines,
            settled=settled[shape.wish.name],
            virtual=built.virtual.get(shape.wish.name),
            reasons=_reasons(shape, built.reasons),
        )
        made.append(one)
        notes += found
    return tuple(made), notes


def _reasons(shape: Shape, of_hosts: Sequence[str]) -> tuple[str, ...]:
    return (*shape.reasons, *(reason.rstrip(".") for reason in of_hosts))
