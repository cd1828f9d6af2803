"""CPU from evidence: a measured cost per request before similar services before the table, and measured busy cores.

In: ``Work`` of the table, load, grounds. Out: ``Work`` that rests on evidence, and ``Busy``. Never: a request rate that
nobody stated; measured use stands in its place and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

from bot.errors import Refusal
from bot.model.decision import Decision
from bot.model.evidence import Observed
from bot.model.quantity import MilliCpu
from bot.planning.compute import Work
from bot.planning.confidence import Measured
from bot.planning.demand import Load
from bot.planning.grounds import Grounds
from bot.planning.measured import CPU_WINDOW, MARGIN, long_enough, milli_of, pods_of, seconds_of, told
from bot.planning.record import Notes, figure, warn
from bot.planning.tier import Tier

FAR: Final = 4.0
"""A measurement this many times off the table is said."""
_NEAR: Final = 2.0
"""Similar services move the table's value by this much at most."""


@dataclass(frozen=True)
class Busy:
    """Busy cores at peak (C). ``by_use``: they are what was measured, not a rate times a cost."""

    cores: float | None = None
    by_use: bool = False
    notes: Notes = field(default_factory=Notes)


def resting_on(work: Work, name: str, grounds: Grounds) -> Work:
    """Step 2's precedence: measured, then similar services, then the table."""
    observed = grounds.observed
    seconds = seconds_of(observed) if observed is not None else None
    if observed is not None and seconds is not None:
        why = f"CPU per request: {told(observed)}, {observed.points} points"
        formula = f"c_req = dCPU / dRequests = {figure(seconds * 1000)} ms"
        changed = _based(work, name, seconds, why=why, source=observed.source_id, formula=formula)
        notes = _database_alone(changed.notes, name) + _far(name, seconds, work)
        return replace(changed, basis="measured", notes=notes)
    return _like_neighbours(work, name, grounds) if grounds.neighbours and work.kind != "static" else work


def _like_neighbours(work: Work, name: str, grounds: Grounds) -> Work:
    """The geometric mean of similar services, between half and twice the table's value; a moved input moves it too."""
    each = [seconds for near in grounds.neighbours if (seconds := seconds_of(near.observed)) is not None]
    mean = math.exp(sum(map(math.log, each)) / len(each))
    table = work.table_seconds
    basis = min(max(mean, table / _NEAR), table * _NEAR)
    seconds = basis * work.seconds / table
    moved = "" if seconds == basis else f" * {figure(work.seconds / table)} (moved inputs)"
    formula = (
        f"c_req = geometric mean of {len(each)} similar services {figure(mean * 1000)} ms, within half and twice "
        f"{figure(table * 1000)} ms: {figure(basis * 1000)} ms{moved} = {figure(seconds * 1000)} ms"
    )
    why = f"CPU per request: {len(each)} services of the same language, framework and kind, over the last 24 hours"
    sources = ", ".join(dict.fromkeys(near.observed.source_id for near in grounds.neighbours))
    return replace(_based(work, name, seconds, why=why, source=sources, formula=formula), basis="neighbours")


def _based(work: Work, name: str, seconds: float, *, why: str, source: str, formula: str) -> Work:
    """The same work with another cost; the record keeps reads and writes, which the database still serves."""
    path = f"services.{name}.cpu_ms_per_request"

    def again(entry: Decision) -> Decision:
        table = f"{figure(round(work.table_seconds * 1000, 5))} ms: {work.table_formula}"
        return entry.model_copy(
            update={
                "value": round(seconds * 1000, 5),
                "why": why,
                "source": source,
                "formula": formula,
                "tag": "M",
                "rejected": (table,),
            }
        )

    decisions = tuple(again(entry) if entry.path == path else entry for entry in work.notes.decisions)
    return replace(work, seconds=seconds, notes=Notes(decisions, work.notes.findings))


def _database_alone(notes: Notes, name: str) -> Notes:
    """Of the inputs only reads and writes are left: the database still serves them, the cost rests on none."""
    path = f"services.{name}.cpu_ms_per_request"
    decisions = (
        entry.model_copy(update={"inputs": {key: entry.inputs[key] for key in ("k", "w") if key in entry.inputs}})
        if entry.path == path
        else entry
        for entry in notes.decisions
    )
    return Notes(tuple(decisions), notes.findings)


def _far(name: str, seconds: float, work: Work) -> Notes:
    measured, table = f"{figure(seconds * 1000)} ms of CPU per request", f"{figure(work.table_seconds * 1000)} ms"
    return about_distance(name, seconds / work.table_seconds, measured=measured, table=table)


def about_distance(name: str, times: float, *, measured: str, table: str) -> Notes:
    """A warning where measurement and table are more than four times apart."""
    if 1 / FAR <= times <= FAR:
        return Notes()
    return warn(
        "measured-far-from-table",
        f"Service {name}: {measured} measured, where the table says {table}. The measurement stands.",
        remedy="Check that the metrics are of this service alone, and that the counter counts every request.",
    )


def busy_cores(name: str, *, load: Load, work: Work, tier: Tier, grounds: Grounds) -> Busy:
    """Step 3: ``C = Qd * c_req``.

    Without a rate, ``C = p95 * 1.15 * pods`` of measured use; with a rate and no measured cost per request, that use is
    a floor.
    """
    cores = None if load.peak is None else load.peak * work.seconds
    used = _used(name, tier=tier, grounds=grounds)
    shown = used.notes if used is not None else Notes()
    ruled = _by_rate(name, cores, load=load, work=work)
    if used is None or used.cores is None or (work.basis == "measured" and cores is not None):
        return Busy(cores, notes=ruled + shown)
    if cores is not None and cores >= used.cores:
        return Busy(cores, notes=ruled + shown)
    return _measured(name, used, ruled, cores=cores, grounds=grounds)


@dataclass(frozen=True)
class _Used:
    cores: float | None
    formula: str
    notes: Notes


def _used(name: str, *, tier: Tier, grounds: Grounds) -> _Used | None:
    """Measured use of all pods with its margin, and the record that shows it."""
    observed, critical = grounds.observed, tier.name == "critical"
    milli = milli_of(observed, critical=critical) if observed is not None else None
    if observed is None or milli is None:
        return None
    pods, which = pods_of(observed), "p98" if critical and observed.cpu_p98 else "p95"
    decision = Decision(
        path=f"services.{name}.measured.cpu_{which}",
        value=MilliCpu(milli).to_k8s(),
        origin="rule",
        why=f"CPU of one pod, {told(observed)}",
        source=observed.source_id,
        tag="M",
    )
    cores = None if pods is None else milli / 1000 * MARGIN * pods
    formula = "" if cores is None else f"C = {which} {milli}m * {MARGIN} * {pods} pods = {figure(cores)}"
    return _Used(cores, formula, Notes(decisions=(decision,)))


def _by_rate(name: str, cores: float | None, *, load: Load, work: Work) -> Notes:
    if cores is None or load.peak is None:
        return Notes()
    formula = f"C = {figure(load.peak)} * {figure(work.seconds * 1000)} ms = {figure(cores)}"
    decision = Decision(
        path=f"services.{name}.busy_cores",
        value=round(cores, 5),
        origin="rule",
        formula=formula,
        why="cores that are busy at peak",
        source="sizing step 3",
        tag=work.rate.tag if work.basis == "table" else "M",
    )
    return Notes(decisions=(decision,))


def _measured(name: str, used: _Used, ruled: Notes, *, cores: float | None, grounds: Grounds) -> Busy:
    observed = grounds.observed
    before = ruled.decisions[0] if ruled.decisions else None
    decision = Decision(
        path=f"services.{name}.busy_cores",
        value=round(used.cores or 0.0, 5),
        origin="rule",
        formula=used.formula,
        why=f"cores in use at peak, {told(observed)}" if observed is not None else "cores in use at peak",
        source=observed.source_id if observed is not None else "metrics",
        tag="M",
        rejected=(f"{before.value}: {before.formula}",) if before is not None else ("the floor of its tier",),
    )
    findings = Notes() if cores is None else _above_plan(name, used, cores)
    return Busy(used.cores, by_use=True, notes=Notes(decisions=(decision,)) + used.notes + findings)


def _above_plan(name: str, used: _Used, cores: float) -> Notes:
    return warn(
        "measured-use-above-plan",
        f"Service {name}: the stated load would keep {figure(cores)} cores busy, and {figure(used.cores or 0.0)} are "
        "in use already with their margin. The larger was taken.",
        remedy="State the real peak, or configure metrics.requests in .ai-provision.yaml: then the cost of a request "
        "is measured.",
    )


def measured_for(busy: Busy, work: Work, grounds: Grounds) -> Measured:
    """``week``: C rests on seven days of metrics; ``request``: on a measured cost per request; else ``cold``."""
    observed = grounds.observed
    if observed is None or busy.cores is None or not (busy.by_use or work.basis == "measured"):
        return "cold"
    return "week" if long_enough(observed, CPU_WINDOW) else "request"


def because_measured(refusal: Refusal, observed: Observed) -> Refusal:
    """A refusal that may rest on a measurement, which it then names."""
    said = f"Its CPU is {told(observed)} ({observed.source_id})."
    return refusal.model_copy(update={"message": f"{refusal.message} {said}"})
