"""Steps 3 to 6 and 13 together: busy cores, target, CPU per pod, pods, predicted p95.

In: load, tier, work. Out: ``Sizes``, or a ``Refusal`` (``policy``: too many pods; ``capacity``: the latency target is
out of reach). Never: a target that the formula cannot meet, shown as met.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.profile import Declared, Service
from bot.model.quantity import MilliCpu
from bot.planning.compute import FULL, PodCpu, Work, first_target, pod_cpu
from bot.planning.demand import Load
from bot.planning.latency import least_p95, p95
from bot.planning.measured_cpu import Busy
from bot.planning.record import Notes, figure, note, warn
from bot.planning.refinement import NOTHING, Wish, about_pods, too_small
from bot.planning.replicas import Count, replicas, too_many
from bot.planning.tier import Tier

_LOWEST_TARGET: Final = 10
_MOST_CORES: Final = 1e6
_STEP: Final = 5


@dataclass(frozen=True)
class Sizes:
    """CPU of one pod, how many pods, predicted p95 in seconds (None without a stated load). ``ruled`` is the count that
    the formula gives; ``count`` is what stands, another one only where somebody asked for it.
    """

    cpu: PodCpu
    count: Count
    ruled: Count
    latency: float | None
    notes: Notes


@dataclass(frozen=True)
class _Try:
    """The pods at one target."""

    cpu: PodCpu
    count: Count
    ruled: Count
    latency: float | None
    work: Work


def sizes_of(
    service: Service,
    name: str,
    *,
    load: Load,
    tier: Tier,
    work: Work,
    busy: Busy,
    demand: Demand,
    jvm: bool,
    most: int,
    wish: Wish = NOTHING,
) -> Sizes | Refusal:
    """The first target of step 4 that keeps the latency, lowered in steps of 5 points where queueing asks for it."""
    if busy.cores is not None and not busy.cores <= _MOST_CORES:
        return _beyond_belief(name, busy.cores)
    first = wish.count("target") or first_target(
        tier, starting_cores=2.0 if jvm else 1.0, sticky=_sticky(service, demand)
    )
    searches = (
        _first_good(first, busy, load=load, tier=tier, work=timed, jvm=jvm, wish=wish) for timed in _timed(work)
    )
    found = next((one for one in searches if one is not None), None)
    if found is None:
        return _out_of_reach(name, load=load, work=_timed(work)[-1])
    refusal = too_many(name, found.count.n, most=most)
    if refusal is not None:
        return too_small(wish, refusal)
    notes = _notes(service, name, found, busy, first=first, load=load, tier=tier)
    notes += _lowered(name, first, found.cpu.u_percent) + _timed_by_table(name, found.work, work)
    notes += Notes() if "replicas" in wish.asked else _about_replicas(name, found.count, demand=demand, tier=tier)
    notes += about_pods(wish, name, count=found.count, ruled=found.ruled, p95=found.latency, target=load.latency)
    return Sizes(found.cpu, found.count, found.ruled, latency=found.latency, notes=notes)


def _timed(work: Work) -> tuple[Work, ...]:
    """Whose seconds the latency is predicted with: a measured cost holds background work as well, so that it can say
    that no request is quick enough where the table says that it is.
    """
    slower = work.basis == "measured" and work.table_seconds < work.seconds
    return (work, replace(work, seconds=work.table_seconds)) if slower else (work,)


def _first_good(first: int, busy: Busy, *, load: Load, tier: Tier, work: Work, jvm: bool, wish: Wish) -> _Try | None:
    targets = (first,) if wish.count("target") else range(first, _LOWEST_TARGET - 1, -_STEP)
    tries = (_at(target, busy, load=load, tier=tier, work=work, jvm=jvm, wish=wish) for target in targets)
    found = next((one for one in tries if _quick_enough(one, load=load, tier=tier)), None)
    if found is None and wish.shapes_pods and least_p95(seconds=work.seconds, reads=work.reads) <= load.latency:
        return _at(first, busy, load=load, tier=tier, work=work, jvm=jvm, wish=wish)
    return found


def _at(target: int, busy: Busy, *, load: Load, tier: Tier, work: Work, jvm: bool, wish: Wish) -> _Try:
    cpu = wish.pod(pod_cpu(busy.cores, target, tier=tier, jvm=jvm))
    ruled = replicas(cpu, tier=tier)
    count = wish.pods(ruled)
    latency = None if load.peak is None else _latency(cpu, count, work=work)
    return _Try(cpu, count, ruled, latency=latency, work=work)


def _quick_enough(one: _Try, *, load: Load, tier: Tier) -> bool:
    return one.latency is None or one.latency <= load.latency or _crowded_single_copy(tier)


def _beyond_belief(name: str, busy: float) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"Service {name} would keep {busy:.3g} cores busy; no plan is made above {_MOST_CORES:.0f}.",
        remedy="Check the stated load and the reads per request.",
    )


def _sticky(service: Service, demand: Demand) -> bool:
    return demand.websocket or any(port.protocol == "grpc" for port in service.ports)


def _crowded_single_copy(tier: Tier) -> bool:
    return tier.single


def _latency(cpu: PodCpu, count: Count, *, work: Work) -> float | None:
    if cpu.busy is None:
        return None
    return p95(seconds=work.seconds, busy=cpu.busy, cores=count.n * cpu.cores, reads=work.reads)


def _out_of_reach(name: str, *, load: Load, work: Work) -> Refusal:
    least = least_p95(seconds=work.seconds, reads=work.reads) * 1000
    return Refusal(
        code=Code.CAPACITY,
        message=f"Service {name} cannot keep a p95 of {figure(load.latency * 1000)} ms: the prediction is at least "
        f"{figure(least)} ms at any number of pods (three times {figure(work.seconds * 1000)} ms of CPU, plus "
        f"{figure(work.reads)} database reads of 2 ms).",
        remedy=f"State a latency target above {figure(least)} ms, or fewer database reads per request.",
    )


def _notes(service: Service, name: str, found: _Try, busy: Busy, *, first: int, load: Load, tier: Tier) -> Notes:
    cpu, count = found.cpu, found.count
    decisions = (
        _target_note(name, cpu, tier=tier, first=first),
        _cpu_note(service, name, cpu=cpu, tier=tier),
        _no_limit_note(name),
        _count_note(service, name, count=count),
        *_load_notes(name, cpu, count=count, tier=tier),
        *_latency_note(name, found.latency, cpu=cpu, count=count, work=found.work, load=load),
    )
    return busy.notes + Notes(decisions=decisions) + (_overload(name, cpu, count=count) if tier.single else Notes())


def _target_note(name: str, cpu: PodCpu, *, tier: Tier, first: int) -> Decision:
    return Decision(
        path=f"services.{name}.target_cpu_percent",
        value=cpu.u_percent,
        origin="rule",
        tag="M",
        why="few servers must run less full than many, or requests wait",
        source="sizing step 4; M/M/c queueing",
        inputs={"n_min": tier.n_min, "c0": cpu.starting_cores, "criticality": tier.name},
        rejected=() if first == cpu.u_percent else (f"{first} %: requests would wait too long",),
    )


def _cpu_note(service: Service, name: str, *, cpu: PodCpu, tier: Tier) -> Decision:
    value = MilliCpu(cpu.milli).to_k8s()
    if cpu.busy is None:
        why, formula = "no load is known: the floor", f"c = floor = {cpu.floor}m"
    else:
        why = "CPU of one pod: enough at the target, and enough when the pods that may be lost are lost"
        at_target = cpu.busy * 100 / (cpu.u_percent * tier.n_min)
        at_loss = cpu.busy / (FULL * (tier.n_min - tier.f))
        formula = (
            f"c = ceil50m(max({figure(cpu.busy)}/({figure(cpu.u)}*{tier.n_min}) = {at_target:.5f}, "
            f"{figure(cpu.busy)}/(0.85*{tier.n_min - tier.f}) = {at_loss:.5f})), at least {cpu.floor}m, at most "
            f"{figure(cpu.starting_cores)} = {value}"
        )
    return Decision(
        path=f"services.{name}.requests.cpu",
        value=value,
        origin="rule",
        why=why,
        formula=formula,
        tag="P",
        source="sizing step 5",
        rejected=_declared_cpu(service.declared),
    )


def _declared_cpu(declared: Declared | None) -> tuple[str, ...]:
    if declared is None or declared.cpu_request is None:
        return ()
    return (f"{declared.cpu_request.to_k8s()}: the repository declares it{_where(declared)}; no load stands behind it",)


def _where(declared: Declared) -> str:
    return f" ({declared.evidence.path})" if declared.evidence is not None else ""


def _no_limit_note(name: str) -> Decision:
    return Decision(
        path=f"services.{name}.limits.cpu",
        value=None,
        origin="rule",
        tag="S",
        why="no CPU limit: it would throttle while the node idles; only a quota or LimitRange sets one",
        source="sizing step 5; home.robusta.dev/blog/stop-using-cpu-limits",
    )


def _count_note(service: Service, name: str, *, count: Count) -> Decision:
    declared = service.declared
    rejected: tuple[str, ...] = ()
    if declared is not None and declared.replicas is not None and declared.replicas != count.n:
        rejected = (f"{declared.replicas}: the repository declares it{_where(declared)}",)
    return Decision(
        path=f"services.{name}.replicas",
        value=count.n,
        origin="rule",
        why="pods at peak, one or more of them lost",
        source="sizing step 6",
        tag="P",
        formula=count.formula,
        rejected=rejected,
    )


def _load_notes(name: str, cpu: PodCpu, *, count: Count, tier: Tier) -> tuple[Decision, ...]:
    """How full the pods are at peak, and when those that may be lost are lost."""
    if cpu.busy is None:
        return ()
    rows = [("peak_load_percent", count.n, "at peak, all pods up")]
    if tier.f and count.n > tier.f:
        rows.append(("peak_load_percent_after_loss", count.n - tier.f, f"at peak, {tier.f} of {count.n} pods lost"))
    return tuple(
        Decision(
            path=f"services.{name}.{what}",
            value=round(100 * cpu.busy / (pods * cpu.cores), 1),
            origin="rule",
            why=why,
            source="sizing step 6",
            tag="P",
            formula=f"{figure(cpu.busy)} / ({pods} * {figure(cpu.cores)})",
        )
        for what, pods, why in rows
    )


def _latency_note(
    name: str, latency: float | None, *, cpu: PodCpu, count: Count, work: Work, load: Load
) -> tuple[Decision, ...]:
    if latency is None or cpu.busy is None:
        return ()
    rho = cpu.busy / (count.n * cpu.cores)
    value = round(latency * 1000, 2) if latency < 1e6 else None
    formula = (
        f"3*{figure(work.seconds * 1000)} ms + {figure(work.seconds * 1000)} ms * w(s = "
        f"{max(1, int(count.n * cpu.cores + 1e-9))}, rho = {rho:.4f}) + {figure(work.reads)}*2 ms"
    )
    return (
        Decision(
            path=f"services.{name}.latency_p95_ms",
            value=value,
            origin="rule",
            formula=formula,
            tag="P",
            why=f"predicted p95, target {figure(load.latency * 1000)} ms",
            source="sizing step 13; M/M/c queueing",
        ),
    )


def _overload(name: str, cpu: PodCpu, *, count: Count) -> Notes:
    if cpu.busy is None or cpu.busy <= FULL * count.n * cpu.cores + 1e-9:
        return Notes()
    return warn(
        "single-copy-overloaded",
        f"Service {name} needs {figure(cpu.busy)} busy cores at peak, and its one copy has {figure(cpu.cores)}.",
        remedy="Move its state out, so that more pods can share the load.",
    )


def _lowered(name: str, first: int, target: int) -> Notes:
    if target == first:
        return Notes()
    return note(
        "target-lowered-for-latency",
        f"Service {name}: the CPU target went from {first} % to {target} %, because requests would wait too long.",
        remedy="Nothing to do; a laxer latency target would save pods.",
    )


def _timed_by_table(name: str, timed: Work, work: Work) -> Notes:
    if timed.seconds == work.seconds:
        return Notes()
    return warn(
        "latency-by-table",
        f"Service {name}: {figure(work.seconds * 1000)} ms of CPU per request are measured, with which the latency "
        f"target is out of reach; the prediction rests on the table's {figure(timed.seconds * 1000)} ms, because a "
        "measured cost holds background work as well. The cores rest on the measurement.",
        remedy="Compare the prediction with the p95 that you measure, or state a laxer latency target.",
    )


def _about_replicas(name: str, count: Count, *, demand: Demand, tier: Tier) -> Notes:
    if demand.replicas is None or (demand.replicas >= count.n and not tier.single):
        return Notes()
    return warn(
        "replicas-not-as-asked",
        f"Service {name}: {demand.replicas} replicas were asked for; the plan has {count.n}. {count.formula}.",
        remedy="State a lower load or tier if fewer are wanted; state that lives in files allows one only.",
    )
