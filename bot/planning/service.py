"""One service from facts to its ``ServicePlan``: steps 1 to 9, 13 and 14 in order.

In: service, demand, cluster facts, evidence. Out: ``SizedService``, or a ``Refusal`` (name, policy, capacity). Never:
placement; ``allowances`` and ``pods`` look at the cluster afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Criticality, Demand
from bot.model.plan import Hpa, Image, PodLimits, Requests, ServicePlan, Storage
from bot.model.profile import Service
from bot.model.quantity import MilliCpu
from bot.planning.compute import Work, work_of
from bot.planning.confidence import Sureness, decision_of, sureness
from bot.planning.demand import Load, is_serving, load_of, sized_by_use
from bot.planning.grounds import NO_GROUNDS, Grounds
from bot.planning.images import Origin, image_of
from bot.planning.measured_cpu import because_measured, busy_cores, measured_for, resting_on
from bot.planning.measured_memory import on_evidence
from bot.planning.memory import PodMemory, pod_memory
from bot.planning.naming import service_slug
from bot.planning.record import Notes, note
from bot.planning.refinement import NOTHING, Wish, about_memory, left_out, recorded
from bot.planning.replicas import scaling
from bot.planning.rollout import Replacing, replacing
from bot.planning.runtimes import runtime_of
from bot.planning.sizes import Sizes, sizes_of
from bot.planning.storage import storage_of
from bot.planning.tier import Tier, keeps_state, tier_of


@dataclass(frozen=True)
class Around:
    """What is the same for every service of one plan. ``zones``: Kubernetes zones known, 0 when none; ``wishes``: what
    somebody fixed, ``grounds``: what was measured or moved by a model, both by service slug.
    """

    demand: Demand
    snapshot: ClusterSnapshot
    config: Config
    origin: Origin
    zones: int
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    grounds: Mapping[str, Grounds] = field(default_factory=dict)


@dataclass(frozen=True)
class SizedService:
    """A planned service beside the numbers that later stages need. ``peak`` in requests/s, ``busy`` in cores."""

    plan: ServicePlan
    service: Service
    work: Work
    sure: Sureness
    peak: float | None
    busy: float | None
    tier: Criticality
    notes: Notes


def size_service(service: Service, *, around: Around) -> SizedService | Refusal:
    """All steps of one service; the first refusal wins. Beside a fixed number stands what the rules alone would say."""
    name = service_slug(service.name)
    if isinstance(name, Refusal):
        return name
    wish, grounds = around.wishes.get(name, NOTHING), around.grounds.get(name, NO_GROUNDS)
    sized, grounds = _on_evidence(service, name, around=around, wish=wish, grounds=grounds)
    if isinstance(sized, Refusal) or wish == NOTHING:
        return sized
    alone = _sized(service, name, around=around, wish=NOTHING, grounds=replace(grounds, moved={}))
    before = Notes() if isinstance(alone, Refusal) else alone.notes
    notes = recorded(sized.notes, wish, name=name, before=before) + left_out(wish, name=name, service=service)
    return replace(sized, notes=notes)


def _on_evidence(
    service: Service, name: str, *, around: Around, wish: Wish, grounds: Grounds
) -> tuple[SizedService | Refusal, Grounds]:
    """The size, and the grounds that it rests on: no size is refused because of similar services, and a refusal that a
    measurement may have caused names it.
    """
    sized = _sized(service, name, around=around, wish=wish, grounds=grounds)
    if not isinstance(sized, Refusal):
        return sized, grounds
    if grounds.neighbours:
        without = replace(grounds, neighbours=())
        again = _sized(service, name, around=around, wish=wish, grounds=without)
        return again if isinstance(again, Refusal) else _without_neighbours(again, sized), without
    return (sized if grounds.observed is None else because_measured(sized, grounds.observed)), grounds


def _without_neighbours(sized: SizedService, refusal: Refusal) -> SizedService:
    said = note(
        "neighbours-not-used",
        f"Service {sized.plan.name}: similar services moved no number. {refusal.message}",
        remedy="Nothing to do; the table stands until the service itself is measured.",
    )
    return replace(sized, notes=sized.notes + said)


def _sized(service: Service, name: str, *, around: Around, wish: Wish, grounds: Grounds) -> SizedService | Refusal:
    demand, most = around.demand, around.config.limits.max_replicas
    load = load_of(service, name, demand=demand)
    tier = tier_of(service, name, demand=demand, zones=around.zones)
    work = resting_on(work_of(service, name, demand=demand, moved=grounds.moved), name, grounds)
    busy = busy_cores(name, load=load, work=work, tier=tier, grounds=grounds)
    load = sized_by_use(load, name) if busy.by_use and load.peak is None else load
    jvm = runtime_of(service).jvm
    sizes = sizes_of(
        service, name, load=load, tier=tier, work=work, busy=busy, demand=demand, jvm=jvm, most=most, wish=wish
    )
    if isinstance(sizes, Refusal):
        return sizes
    image = image_of(service, name, origin=around.origin, config=around.config)
    if isinstance(image, Refusal):
        return image
    measured = measured_for(busy, work, grounds)
    sure = sureness(known_framework=work.rate.known, defaulted_mix=work.defaulted, measured=measured)
    basis = _Basis(
        service, name, around, load=load, tier=tier, work=work, sizes=sizes, sure=sure, wish=wish, grounds=grounds
    )
    plan, notes = _planned(basis, image[0])
    return SizedService(
        plan=plan,
        service=service,
        work=work,
        sure=basis.sure,
        peak=load.peak,
        busy=sizes.cpu.busy,
        tier=tier.name,
        notes=load.notes + tier.notes + work.notes + sizes.notes + notes + image[1] + grounds.notes,
    )


@dataclass(frozen=True)
class _Basis:
    """What steps 1 to 6 found out about one service."""

    service: Service
    name: str
    around: Around
    load: Load
    tier: Tier
    work: Work
    sizes: Sizes
    sure: Sureness
    wish: Wish
    grounds: Grounds


def _planned(basis: _Basis, image: Image) -> tuple[ServicePlan, Notes]:
    """Steps 7 to 9 and 14, and the workload they make."""
    hpa, hpa_notes = _hpa(basis)
    memory = _memory(basis)
    how = _replacing(basis, hpa=hpa)
    storage, storage_notes = _storage(basis)
    plan = ServicePlan(
        name=basis.name,
        kind="StatefulSet" if storage is not None else "Deployment",
        replicas=basis.sizes.count.n,
        hpa=hpa,
        requests=Requests(cpu=MilliCpu(basis.sizes.cpu.milli), memory=memory.size),
        limits=PodLimits(cpu=basis.wish.cpu("cpu_limit"), memory=memory.limit),
        pdb=how.pdb,
        storage=storage,
        rollout=how.rollout,
        spread=how.spread,
        image=image,
        qps=basis.load.peak,
        latency_p95_ms=_milliseconds(basis.sizes.latency),
        runtime_env=memory.env,
        session_affinity=basis.around.demand.session_affinity and is_serving(basis.service),
        confidence=round(basis.sure.value, 3),
    )
    sure = Notes(decisions=(decision_of(basis.name, basis.sure),))
    return plan, hpa_notes + memory.notes + how.notes + storage_notes + sure


def _milliseconds(latency: float | None) -> float | None:
    """Two digits; None when there is no load, or when the queue never ends."""
    return None if latency is None or latency > 1e6 else round(latency * 1000, 2)


def _hpa(basis: _Basis) -> tuple[Hpa | None, Notes]:
    tier, sizes, name = basis.tier, basis.sizes, basis.name
    if tier.single or not is_serving(basis.service):
        reason = "one copy: nothing to scale" if tier.single else "work is pulled, so the request rate says nothing"
        decision = Decision(
            path=f"services.{name}.hpa", value=None, origin="rule", why=reason, source="sizing step 7", tag="P"
        )
        return None, Notes(decisions=(decision,))
    most = basis.around.config.limits.max_replicas
    bounds = scaling(
        sizes.ruled,
        sizes.cpu,
        tier=tier,
        sure=basis.sure,
        average_share=basis.load.average_share,
        most=most,
    )
    bounds = basis.wish.bounds(bounds, n=sizes.count.n, most=most)
    hpa = bounds.hpa
    rows = (
        ("min", hpa.min, "the autoscaler's lower bound", bounds.min_formula),
        ("max", hpa.max, "the upper end of the 80 % interval of busy cores", bounds.max_formula),
        ("target_cpu_percent", hpa.target_cpu_percent, "100 u, with request = c", f"100*{sizes.cpu.u:g}"),
    )
    return hpa, Notes(
        decisions=tuple(
            Decision(
                path=f"services.{name}.hpa.{what}",
                value=value,
                origin="rule",
                why=why,
                formula=formula,
                tag="P",
                source="sizing step 7",
                rejected=(f"always {sizes.count.n} pods, without an autoscaler: a higher load would find no more",)
                if what == "max"
                else (),
            )
            for what, value, why, formula in rows
        )
    )


def _memory(basis: _Basis) -> PodMemory:
    load, sizes = basis.load, basis.sizes
    in_flight = 0.0 if load.peak is None else load.peak / sizes.count.n * load.latency
    runtime = runtime_of(basis.service)
    ruled = pod_memory(
        basis.name,
        runtime,
        in_flight=in_flight,
        cores=sizes.cpu.cores,
        image_floor=basis.service.memory_floor,
        hint=basis.around.demand.memory_hint,
        declared=basis.service.declared.memory_request if basis.service.declared is not None else None,
    )
    ruled = on_evidence(ruled, runtime, basis.name, grounds=basis.grounds, image_floor=basis.service.memory_floor)
    memory = basis.wish.memory(ruled, runtime)
    return replace(memory, notes=memory.notes + about_memory(basis.wish, basis.name, memory=memory, ruled=ruled))


def _replacing(basis: _Basis, *, hpa: Hpa | None) -> Replacing:
    n = basis.sizes.count.n
    return replacing(
        basis.name,
        n=n,
        least=n if hpa is None else hpa.min,
        latency=basis.load.latency,
        jvm=runtime_of(basis.service).jvm,
        single_copy=keeps_state(basis.service),
        zones=basis.around.zones,
        spare_room=False,
    )


def _storage(basis: _Basis) -> tuple[Storage | None, Notes]:
    if not keeps_state(basis.service):
        return None, Notes()
    around, asked = basis.around, basis.wish.size("storage")
    demand = around.demand if asked is None else around.demand.model_copy(update={"data": asked})
    return storage_of(basis.name, demand=demand, snapshot=around.snapshot, config=around.config)
