"""Steps 1 to 8 of sizing for one payload: one pod, how many, between which bounds, and what the samples move of it.

In: a ``Subject`` and its ``History``. Out: ``Pods``, or a ``Refusal`` (``policy``). Never: a size that few samples
lowered, a number without its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from bot.agents.history import BAND, MARGIN, STRONG, Cost, History, Use
from bot.agents.subject import Subject
from bot.errors import Code, Refusal
from bot.model.plan import Hpa
from bot.model.quantity import MIB, Bytes, MilliCpu
from bot.model.recommendation import Because
from bot.planning.compute import PodCpu, Work, work_of
from bot.planning.confidence import Sureness, sureness
from bot.planning.demand import Load, is_serving, load_of
from bot.planning.grounds import NO_GROUNDS
from bot.planning.measured_cpu import busy_cores
from bot.planning.memory import pod_memory, round_up
from bot.planning.record import Notes, ceiling, figure
from bot.planning.replicas import Count, replicas, scaling
from bot.planning.runtimes import runtime_of
from bot.planning.sizes import Sizes, sizes_of
from bot.planning.tier import Tier, tier_of

_ANY_LATENCY: Final = 3600.0
_ANY_COUNT: Final = 10**9
"""Pods; policy bounds them afterwards, so that there is an answer."""
_CAREFUL: Final = frozenset({"low", "none", "zero"})
_EASY: Final = frozenset({"medium", "normal", "high"})
OOM_FACTOR: Final = 1.25
OOM_STEP_MIB: Final = 100e6 / MIB
"""Sizing 9: after an OOM kill max(*1.25, +100 MB)."""
_METRICS: Final = "historical_metrics"
_SECTION_9: Final = f"sizing section 9; {_METRICS}"


@dataclass(frozen=True)
class Basis:
    """What steps 1 and 2 found, and the samples."""

    subject: Subject
    history: History
    load: Load
    tier: Tier
    work: Work
    sure: Sureness
    reasons: tuple[Because, ...]


@dataclass(frozen=True)
class Pods:
    """Steps 3 to 8: one pod, how many, between which bounds."""

    cpu: PodCpu
    count: Count
    memory: Bytes
    hpa: Hpa
    scaled: bool
    reasons: tuple[Because, ...]


def with_seen_load(subject: Subject, history: History) -> Subject:
    """Where nobody states a load, the highest rate that was measured is one."""
    demand, header = subject.demand, subject.service.header
    stated = (demand.qps_peak, demand.qps_average, demand.users, header.expected_qps if header is not None else None)
    if history.peak_rate is None or header is None or any(stated):
        return subject
    seen = header.model_copy(update={"expected_qps": history.peak_rate})
    text = f"Nobody states a load: the highest measured rate, {figure(history.peak_rate)} per second, stands for it."
    because = Because(path="qps", text=text, source=f"{_METRICS}.request_rate")
    service = subject.service.model_copy(update={"header": seen})
    return replace(subject, service=service, reasons=(*subject.reasons, because))


def basis_of(subject: Subject, history: History) -> Basis:
    """Steps 1, 2, 6a and 14: load, cost of a request, tier, sureness."""
    name, service, demand = subject.name, subject.service, subject.demand
    load = load_of(service, name, demand=demand)
    tier = tier_of(service, name, demand=demand, zones=0)
    table = work_of(service, name, demand=demand)
    work, measured = _measured_work(table, history)
    strong = history.cost is not None and history.cost.strong
    sure = sureness(
        known_framework=table.rate.known,
        defaulted_mix=table.defaulted,
        measured="request" if strong else "cold",
    )
    reasons = (*_said(load.notes + tier.notes + table.notes, name), *measured)
    return Basis(subject, history, load, tier, work, sure, reasons=(*subject.reasons, *reasons))


def _measured_work(table: Work, history: History) -> tuple[Work, tuple[Because, ...]]:
    """Precedence of step 2: a measurement beats the table; few samples only move it within the band."""
    cost = history.cost
    if cost is None:
        return table, (_APART,) if history.apart else ()
    seconds = cost.seconds if cost.strong else min(max(cost.seconds, BAND[0] * table.seconds), BAND[1] * table.seconds)
    basis: Literal["table", "measured"] = "measured" if cost.strong else "table"
    return replace(table, seconds=seconds, basis=basis), (_about_cost(cost, seconds=seconds, table=table.seconds),)


_APART: Final = Because(
    path="requests.cpu",
    text="The series of CPU, pods and request rate do not have the same length of at least 4 samples, so no cost per "
    "request was made of them; the table's stands.",
    source=_METRICS,
)


def _about_cost(cost: Cost, *, seconds: float, table: float) -> Because:
    text = f"Measured over {cost.points} samples: CPU time per request"
    if cost.strong:
        text += f", used outright; the table says {figure(table * 1000)} ms."
    elif seconds == cost.seconds:
        text += f"; fewer than {STRONG} samples, and within half and twice the table's {figure(table * 1000)} ms: used."
    else:
        text += (
            f"; fewer than {STRONG} samples, so it moves the table's {figure(table * 1000)} ms to "
            f"{figure(seconds * 1000)} ms and no further. Send {STRONG} samples to have it used outright."
        )
    return Because(path="requests.cpu", text=text, source=f"sizing step 2; {_METRICS}", formula=cost.formula)


def sized(basis: Basis, *, tolerance: str, most: int) -> Pods | Refusal:
    """Steps 3 to 8. A latency target that nobody can keep is said, and the pods are sized without it."""
    name = basis.subject.name
    sizes = _sizes(basis, basis.load)
    unreachable: tuple[Because, ...] = ()
    if isinstance(sizes, Refusal) and sizes.code is Code.CAPACITY:
        unreachable = (Because(text=f"{sizes.message} {sizes.remedy}", source="sizing step 13"),)
        sizes = _sizes(basis, replace(basis.load, latency=_ANY_LATENCY))
    if isinstance(sizes, Refusal):
        return sizes
    cpu, moved = _floored(sizes.cpu, basis.history)
    count = sizes.count if cpu == sizes.cpu else replicas(cpu, tier=basis.tier)
    memory, remembered = _memory(basis, cpu=cpu, count=count, tolerance=tolerance)
    hpa, scaled, bounds = _scaled(basis, cpu=cpu, count=count, most=most)
    reasons = (*unreachable, *_said(sizes.notes, name), *moved, *remembered, *bounds)
    return Pods(cpu, count, memory, hpa, scaled, reasons=reasons)


def _sizes(basis: Basis, load: Load) -> Sizes | Refusal:
    subject = basis.subject
    return sizes_of(
        subject.service,
        subject.name,
        load=load,
        tier=basis.tier,
        work=basis.work,
        busy=busy_cores(subject.name, load=load, work=basis.work, tier=basis.tier, grounds=NO_GROUNDS),
        demand=subject.demand,
        jvm=runtime_of(subject.service).jvm,
        most=_ANY_COUNT,
    )


def _floored(cpu: PodCpu, history: History) -> tuple[PodCpu, tuple[Because, ...]]:
    """Section 9: p95 * 1.15 of what a pod used. Few samples only raise a request; many replace it, unless the cost of a
    request was measured, which says more.
    """
    used = history.cpu_p95
    if used is None or (history.cost is not None and history.cost.strong):
        return cpu, ()
    milli = 50 * ceiling(used.value * MARGIN * 1000 / 50)
    stands = max(cpu.floor, milli) if used.strong else max(cpu.milli, milli)
    formula = f"ceil50m({figure(used.value)} * {MARGIN}) = {MilliCpu(milli)}; the rule says {MilliCpu(cpu.milli)}"
    text = _about_use("CPU of one pod, p95 and a margin", used, raised=stands != cpu.milli)
    because = Because(path="requests.cpu", text=text, source=_SECTION_9, formula=formula)
    return replace(cpu, milli=stands), (because,)


def _about_use(what: str, used: Use, *, raised: bool) -> str:
    count = f"{what}, measured over {used.points} samples"
    if used.strong:
        return f"{count}: used outright."
    return f"{count}: above the rule, so it stands." if raised else f"{count}: below the rule, which stands."


def _memory(basis: Basis, *, cpu: PodCpu, count: Count, tolerance: str) -> tuple[Bytes, tuple[Because, ...]]:
    """Step 8, then the samples' maximum, then what an application that must never be killed gets on top."""
    service, load = basis.subject.service, basis.load
    ruled = pod_memory(
        basis.subject.name,
        runtime_of(service),
        in_flight=0.0 if load.peak is None else load.peak / count.n * load.latency,
        cores=cpu.cores,
        image_floor=service.memory_floor,
        hint=basis.subject.demand.memory_hint,
        declared=service.declared.memory_request if service.declared is not None else None,
    )
    need, measured = _measured_memory(ruled.limit.mib, basis.history)
    need, careful = _careful(need, tolerance.strip().lower())
    return Bytes.of_mib(round_up(need)), (*_said(ruled.notes, basis.subject.name), *measured, *careful)


def _measured_memory(mib: float, history: History) -> tuple[float, tuple[Because, ...]]:
    """A maximum is a floor, however many samples there are: nobody saw the next peak."""
    used = history.memory_max
    if used is None:
        return mib, ()
    need = used.value * MARGIN
    formula = f"{figure(used.value)} MiB * {MARGIN} = {figure(need)} MiB; the rule says {figure(mib)} MiB"
    text = f"Memory of one pod, the most of {used.points} samples and a margin: " + (
        "above the rule, so it stands." if need > mib else "below the rule, which stands."
    )
    return max(mib, need), (Because(path="requests.memory", text=text, source=_SECTION_9, formula=formula),)


def _careful(mib: float, tolerance: str) -> tuple[float, tuple[Because, ...]]:
    """``oom_tolerance: low`` is sized as if the first kill had happened: a quarter more, or 100 MB if that is more."""
    source = "sizing section 9, after OOM; app_metadata.oom_tolerance"
    if not tolerance or tolerance in _EASY:
        return mib, ()
    if tolerance not in _CAREFUL:
        text = f"oom_tolerance {tolerance[:40]!a} is none of low, medium, high; it moved nothing."
        return mib, (Because(path="requests.memory", text=text, source=source),)
    more = max(OOM_FACTOR * mib, mib + OOM_STEP_MIB)
    formula = f"max({figure(mib)} * {OOM_FACTOR}, {figure(mib)} + {figure(OOM_STEP_MIB)}) = {figure(more)} MiB"
    text = "Being killed for memory is hardly tolerated: sized as after a first kill."
    return more, (Because(path="requests.memory", text=text, source=source, formula=formula),)


def _scaled(basis: Basis, *, cpu: PodCpu, count: Count, most: int) -> tuple[Hpa, bool, tuple[Because, ...]]:
    """Step 7; without an autoscaler both bounds are the one count."""
    if basis.tier.single or not is_serving(basis.subject.service):
        return Hpa(min=count.n, max=count.n, target_cpu_percent=cpu.u_percent), False, ()
    bounds = scaling(
        count,
        cpu,
        tier=basis.tier,
        sure=basis.sure,
        average_share=basis.load.average_share,
        most=max(most, count.n),
    )
    source = "sizing step 7"
    reasons = (
        Because(path="autoscaler.min", text="The lower bound.", source=source, formula=bounds.min_formula),
        Because(
            path="autoscaler.max",
            text="The upper end of the 80 % interval of busy cores.",
            source=source,
            formula=bounds.max_formula,
        ),
    )
    return bounds.hpa, True, reasons


_PATHS: Final = {"target_cpu_percent": "autoscaler.target_cpu_percent", "n_min": "replicas", "criticality": "replicas"}
_OWN_WORDS: Final = (
    ("the Dockerfile's header", "app_metadata"),
    ("Dockerfile header", "app_metadata"),
    ("the Dockerfile's Application Metadata header", "app_metadata"),
    ("app_description", "description"),
    ("in the Dockerfile", "in app_metadata"),
    ("the repository declares", "the manifest declares"),
)
"""The rules speak of a repository; a payload says the same things under its own keys."""
_UNSAID: Final = frozenset({"limits.cpu", "limits.memory", "hpa.target_cpu_percent"})


def _said(notes: Notes, name: str) -> Iterator[Because]:
    """The rules' records as reasons; records of values that were decided to be absent are said by the marks."""
    for entry in notes.decisions:
        path = entry.path.removeprefix(f"services.{name}.")
        if path in _UNSAID or (entry.value is None and entry.formula is None and path != "qps"):
            continue
        value = f"{path} = {entry.value}: " if path not in {"requests.cpu", "requests.memory", "replicas"} else ""
        yield Because(
            path=_PATHS.get(path, path),
            text=_own("; not ".join([value + entry.why, *entry.rejected])),
            source=_own(entry.source),
            formula=entry.formula,
        )
    for found in notes.findings:
        yield Because(text=_own(f"{found.message} {found.remedy}"), source=found.rule)


def _own(text: str) -> str:
    for theirs, ours in _OWN_WORDS:
        text = text.replace(theirs, ours)
    return text
