"""Profile, demand and snapshot become the plan.

In: the application's name, demand, profile, snapshot, headroom, config. Out: ``Plan`` with a decision record for every
number, or a ``Refusal`` (``name``, ``policy``, ``capacity``, ``config``). Never: I/O, a clock, a number without a
reason.

The story: settle where it runs; size every service; obey the namespace; see that the pods fit, with new workers where
the cluster is full; build the databases that must not lose data; say what is expected to exist; price it; say how sure
it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.demand import Demand
from bot.model.evidence import NO_EVIDENCE, Evidence
from bot.model.plan import NodeChange, Plan
from bot.model.profile import RELATIONAL, AppProfile, DependencyKind
from bot.model.refinement import Adjustment, Refinement
from bot.planning.addresses import Held
from bot.planning.allowances import allow
from bot.planning.budget import Purse
from bot.planning.capacity_view import node_changes
from bot.planning.confidence import weakest
from bot.planning.cost import cost_of
from bot.planning.grounds import grounds_for
from bot.planning.images import Origin
from bot.planning.machines import Machines, Site, built_here, plan_machines
from bot.planning.merged import left_over, standing_in
from bot.planning.pods import Fitted, cap_by_connections
from bot.planning.record import Notes, join
from bot.planning.refinement import wishes_for
from bot.planning.remarks import remarks
from bot.planning.scope import Scope, settle_scope
from bot.planning.service import Around, SizedService, size_service
from bot.planning.standing import WITHOUT, Said, said, standing
from bot.planning.stores import expect_stores, in_use
from bot.planning.troubles import trouble_notes
from bot.planning.workers import Grown, room_for, together


def make_plan(
    *,
    app: str,
    demand: Demand,
    profile: AppProfile,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    config: Config,
    repo_owner: str | None = None,
    commit: str | None = None,
    refinements: tuple[Refinement, ...] = (),
    adjustments: tuple[Adjustment, ...] = (),
    evidence: Evidence = NO_EVIDENCE,
    reserved: frozenset[int] = frozenset(),
    reserved_addresses: frozenset[str] = frozenset(),
) -> Plan | Refusal:
    """The whole plan. ``app`` is a slug of ``naming.app_slug``; ``repo_owner`` and ``commit`` name images to build;
    ``refinements`` are what somebody fixed since, ``adjustments`` inputs that a model moved, ``evidence`` what was
    measured and remembered, its ``before`` the merged plan whose machines are updated in place; ``reserved`` VMIDs and
    ``reserved_addresses`` belong to other pull requests. A number of a model or of a correction never causes a refusal:
    the plan is made without it.
    """
    scope = settle_scope(app, demand, config=config)
    if isinstance(scope, Refusal):
        return scope
    held = Held(vm_ids=reserved, addresses=reserved_addresses)
    before = evidence.before
    standing = standing_in(before, snapshot)
    if isinstance(standing, Refusal):
        return standing
    site = Site(scope, snapshot, headroom, config=config, held=held, before=before, standing=standing)
    origin = Origin(app=app, owner=repo_owner, commit=commit)
    brief = _Brief(demand, profile, site=site, origin=origin, evidence=evidence)
    return _in_turn(brief, said(refinements, adjustments, evidence.corrections))


@dataclass(frozen=True)
class _Brief:
    """What is the same for every attempt at one plan."""

    demand: Demand
    profile: AppProfile
    site: Site
    origin: Origin
    evidence: Evidence


def _in_turn(brief: _Brief, everything: Said) -> Plan | Refusal:
    """On the nodes that are there, then without what a model or a correction wants, and only then with new workers: no
    number of theirs makes a machine.
    """
    there = replace(brief, site=replace(brief.site, config=_without_workers(brief.site.config)))
    made = _made(there, everything)
    if isinstance(made, Refusal):
        made = _without_voices(there, everything, made)
    if not isinstance(made, Refusal) or not brief.site.config.kubernetes.add_workers:
        return made
    return _made(brief, everything.without(WITHOUT[-1], because=made) or everything)


def _without_workers(config: Config) -> Config:
    return config.model_copy(update={"kubernetes": config.kubernetes.model_copy(update={"add_workers": False})})


def _without_voices(brief: _Brief, everything: Said, refusal: Refusal) -> Plan | Refusal:
    """The plan without what a model or a correction wants; the refusal that is left is nobody's but the user's."""
    made: Plan | Refusal = refusal
    for voices in WITHOUT:
        fewer = everything.without(voices, because=refusal)
        if isinstance(made, Refusal) and fewer is not None:
            made = _made(brief, fewer)
    return made


def _made(brief: _Brief, everything: Said) -> Plan | Refusal:
    """One attempt, with these numbers fixed and these inputs moved."""
    demand, profile, site = brief.demand, brief.profile, brief.site
    snapshot, config, namespace = site.snapshot, site.config, site.scope.namespace
    stands = standing(profile.services, everything, most=config.limits.max_replicas)
    wishes = wishes_for(profile.services, stands.refinements, most=config.limits.max_replicas)
    if isinstance(wishes, Refusal):
        return wishes
    grounds = grounds_for(profile.services, stands.adjustments, brief.evidence, namespace=namespace)
    around = Around(
        demand, snapshot, config, origin=brief.origin, zones=_zones(snapshot), wishes=wishes, grounds=grounds
    )
    sized = _sized(profile, around, scope=site.scope)
    if isinstance(sized, Refusal):
        return sized
    grown = room_for(_on_existing(sized, demand), site=site)
    if isinstance(grown, Refusal):
        return grown
    built = built_here(in_use(grown.fitted.services, demand), demand)
    databases = plan_machines(built, services=grown.fitted.services, demand=demand, site=grown.site)
    if isinstance(databases, Refusal):
        return databases
    planned = together(grown, databases, most=config.limits.max_machines)
    if isinstance(planned, Refusal):
        return planned
    machines = _with_left(planned, site)
    return _priced(brief, grown=grown, machines=machines, heard=stands.notes)


def _with_left(planned: Machines, site: Site) -> Machines:
    """With what nobody asks for and yet outlives the plan."""
    left = left_over(site.standing, [machine.name for machine in planned.machines], app=site.scope.app)
    return Machines(
        planned.machines + left.machines,
        planned.placed + left.placed,
        verified=planned.verified,
        notes=planned.notes + left.notes,
    )


def _priced(brief: _Brief, *, grown: Grown, machines: Machines, heard: Notes) -> Plan:
    """What it costs and how sure it is, then everything in one value."""
    demand, site, app, fitted = brief.demand, brief.site, brief.site.scope.app, grown.fitted
    services = tuple(entry.plan for entry in fitted.services)
    purse = Purse(app, site.scope.namespace, budget=site.config.budget, spends=brief.evidence.spends, demand=demand)
    cost, cost_notes = cost_of(services, machines.machines, prices=site.config.prices, purse=purse)
    sure, sure_notes = weakest(
        [(entry.plan.name, entry.sure, entry.busy) for entry in fitted.services],
        draft_below=site.config.draft_below_confidence,
    )
    notes = _notes(demand, fitted=fitted, machines=machines, scope=site.scope) + cost_notes + sure_notes
    names = [plan.name for plan in services]
    notes += heard + trouble_notes(names, brief.evidence, namespace=site.scope.namespace)
    notes += Notes(findings=brief.evidence.findings)
    return Plan(
        app=app,
        environment=site.scope.environment,
        namespace=site.scope.namespace,
        cluster=site.scope.cluster,
        services=services,
        machines=machines.machines,
        placement=fitted.placed + machines.placed,
        capacity=_capacity(grown, machines, site),
        cost=cost,
        confidence=sure,
        capacity_verified=fitted.verified and machines.verified,
        decisions=notes.decisions,
        findings=tuple(dict.fromkeys(notes.findings)),
    )


def _capacity(grown: Grown, machines: Machines, site: Site) -> tuple[NodeChange, ...]:
    """All nodes that were read, and those that the plan adds."""
    snapshot = site.snapshot.model_copy(update={"nodes": (*site.snapshot.nodes, *grown.nodes)})
    headroom = site.headroom.model_copy(update={"rooms": (*site.headroom.rooms, *grown.rooms)})
    return node_changes(grown.fitted, machines.machines, snapshot=snapshot, headroom=headroom, standing=site.standing)


def _notes(demand: Demand, *, fitted: Fitted, machines: Machines, scope: Scope) -> Notes:
    """What the stages wrote down, in reading order."""
    kinds = in_use(fitted.services, demand)
    built = built_here(kinds, demand)
    expected = expect_stores([kind for kind in kinds if kind not in built], services=fitted.services, demand=demand)
    remarked = remarks(demand, services=fitted.services, kinds=kinds, machines=machines.machines)
    services = join(entry.notes for entry in fitted.services)
    return join((scope.notes, services, fitted.notes, machines.notes, expected, remarked))


def _zones(snapshot: ClusterSnapshot) -> int:
    return len({node.zone for node in snapshot.of("kubernetes") if node.zone is not None and node.state == "ready"})


def _sized(profile: AppProfile, around: Around, *, scope: Scope) -> tuple[SizedService, ...] | Refusal:
    """Every service on its own, within the rules of the namespace; the first refusal wins."""
    done: list[SizedService] = []
    for service in profile.services:
        sized = size_service(service, around=around)
        if isinstance(sized, Refusal):
            return sized
        allowed = allow(sized, snapshot=around.snapshot, namespace=scope.namespace)
        if isinstance(allowed, Refusal):
            return allowed
        done.append(allowed)
    return _twice(done) or tuple(done)


def _twice(services: Sequence[SizedService]) -> Refusal | None:
    name, count = Counter(entry.plan.name for entry in services).most_common(1)[0] if services else ("", 0)
    if count < 2:
        return None
    return Refusal(
        code=Code.NAME,
        message=f"{count} services of this repository are called {name}; workloads need names of their own.",
        remedy="Name a part of the repository (https://github.com/org/repo/tree/main/src/cart), or rename one of them.",
    )


def _on_existing(services: tuple[SizedService, ...], demand: Demand) -> tuple[SizedService, ...]:
    """Autoscalers that share a database which this plan does not build are capped by its connections."""
    kinds = in_use(services, demand)
    apart = frozenset(kinds) & RELATIONAL - frozenset(built_here(kinds, demand))
    return tuple(_capped(entry, apart) for entry in services)


def _capped(entry: SizedService, apart: frozenset[DependencyKind]) -> SizedService:
    used = sorted(need.kind for need in entry.service.dependencies if need.in_use and need.kind in apart)
    return cap_by_connections(entry, existing=used[0] if used else None)
