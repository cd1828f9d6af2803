"""Steps 2 to 5: CPU per request, busy cores, target utilisation, CPU of one pod.

In: a service, the demand, its load and tier, inputs that a model moved. Out: ``Work`` (what a request costs) and
``PodCpu``. Never: a CPU limit; those come from quotas alone (``allowances``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.consultation import InputKey
from bot.model.decision import Decision, Tag
from bot.model.demand import Demand
from bot.model.profile import Service
from bot.model.refinement import Adjustment
from bot.planning.inputs import Inputs, moved_inputs
from bot.planning.record import Notes, ceiling, figure, note
from bot.planning.runtimes import is_static
from bot.planning.throughput import JSON_FACTOR, NGINX_PER_CORE, NGINX_SOURCE, Rate, rate_of
from bot.planning.tier import Tier

DERATING: Final = 0.30
"""Benchmark to ordinary deployment: median of 7 stacks, servo-bench over TechEmpower [M]."""
READS: Final = 3.0
WRITES: Final = 0.2
FULL: Final = 0.85
"""The most that pods may be loaded while f of them are lost."""

RequestClass = Literal["database", "json", "static"]
Basis = Literal["table", "neighbours", "measured"]


@dataclass(frozen=True)
class Work:
    """What one request costs. ``seconds`` of CPU (c_req), ``reads`` and ``writes`` of the database per request.

    ``basis`` is what the seconds rest on; ``table_seconds`` with ``table_formula`` are the table's own, before a model
    moved an input and before anything was measured.
    """

    kind: RequestClass
    seconds: float
    reads: float
    writes: float
    rate: Rate
    defaulted: bool
    notes: Notes
    table_seconds: float
    table_formula: str
    basis: Basis = "table"


@dataclass(frozen=True)
class PodCpu:
    """``busy`` cores at peak (C, None without a load), ``milli`` CPU per pod, target ``u`` in whole per cent."""

    busy: float | None
    milli: int
    u_percent: int
    starting_cores: float
    floor: int

    @property
    def cores(self) -> float:
        """CPU of one pod in cores (c)."""
        return self.milli / 1000

    @property
    def u(self) -> float:
        """Target utilisation as a share."""
        return self.u_percent / 100


def work_of(service: Service, name: str, *, demand: Demand, moved: Mapping[InputKey, Adjustment] | None = None) -> Work:
    """Step 2: ``B * (0.53 + 0.47 k + 0.41 w) / (r_db * D)`` seconds, or ``B / (r_json * D)`` without a database.

    ``moved``: k, w and B as a model wants them; only a request with a database has all three.
    """
    stores = tuple(need.kind for need in service.dependencies if need.in_use)
    rate = rate_of(service.language, service.framework, stores=stores)
    weight = 10.0 if demand.gpu else 1.0
    if is_static(service):
        return _static(name)
    if _reads_nothing(service, demand):
        return _json(name, rate=rate, weight=weight)
    return _database(name, demand=demand, rate=rate, weight=weight, moved=moved or {})


def _reads_nothing(service: Service, demand: Demand) -> bool:
    uses = any(need.in_use for need in service.dependencies) or bool(service.calls) or bool(demand.dependencies)
    asked = demand.reads_per_request is not None or demand.writes_per_request is not None
    return bool(service.endpoints) and not uses and not asked


def _database(name: str, *, demand: Demand, rate: Rate, weight: float, moved: Mapping[InputKey, Adjustment]) -> Work:
    ruled = Inputs(*_mix(demand), weight)
    used, moves = moved_inputs(name, ruled, moved, demand=demand)
    defaulted = demand.reads_per_request is None or demand.writes_per_request is None
    (seconds, formula), (table, table_formula) = _cost(used, rate), _cost(ruled, rate)
    why = f"CPU per request: {rate.row}" + (
        f"; {figure(used.reads)} reads and {figure(used.writes)} writes per request are assumed" if defaulted else ""
    )
    inputs = {"k": used.reads, "w": used.writes, "B": used.weight, "r_db": rate.r_db, "D": DERATING}
    notes = _cost_note(name, seconds, formula=formula, why=why, inputs=inputs, rate=rate)
    return Work(
        "database",
        seconds,
        used.reads,
        used.writes,
        rate=rate,
        defaulted=defaulted,
        notes=_instead_of(notes, table, table_formula) + moves if used != ruled else notes + moves,
        table_seconds=table,
        table_formula=table_formula,
    )


def _cost(inputs: Inputs, rate: Rate) -> tuple[float, str]:
    """Seconds of step 2, and how they were computed."""
    reads, writes, weight = inputs.reads, inputs.writes, inputs.weight
    seconds = weight * (0.53 + 0.47 * reads + 0.41 * writes) / (rate.r_db * DERATING)
    formula = (
        f"{figure(weight)} * (0.53 + 0.47*{figure(reads)} + 0.41*{figure(writes)}) / "
        f"({figure(rate.r_db)} * {figure(DERATING)})"
    )
    return seconds, formula


def _instead_of(notes: Notes, table: float, formula: str) -> Notes:
    """The record of the cost with the table's own value beside it."""
    rejected = (f"{figure(round(table * 1000, 5))} ms: {formula}",)
    why = "; a model moved inputs of this formula"
    first, *rest = notes.decisions
    changed = first.model_copy(update={"rejected": rejected, "why": first.why + why})
    return Notes((changed, *rest), notes.findings)


def _mix(demand: Demand) -> tuple[float, float]:
    """Reads and writes per request: stated, else the usual 3.2 operations split as stated ("80/20"), else 3 and 0.2."""
    usual_reads, usual_writes = READS, WRITES
    share, _, _ = (demand.read_write_mix or "").partition("/")
    if share.isdecimal() and int(share) <= 100:
        usual_reads = (READS + WRITES) * int(share) / 100
        usual_writes = READS + WRITES - usual_reads
    return _count(demand.reads_per_request, usual_reads), _count(demand.writes_per_request, usual_writes)


def _count(asked: float | None, usual: float) -> float:
    return asked if asked is not None and math.isfinite(asked) and asked >= 0 else usual


def _json(name: str, *, rate: Rate, weight: float) -> Work:
    r_json = JSON_FACTOR * rate.r_db
    seconds = weight / (r_json * DERATING)
    formula = f"{figure(weight)} / ({figure(JSON_FACTOR)} * {figure(rate.r_db)} * {figure(DERATING)})"
    why = f"CPU per request without a database, because the code shows routes and no store or other service: {rate.row}"
    inputs = {"B": weight, "r_json": r_json, "D": DERATING}
    notes = _cost_note(name, seconds, formula=formula, why=why, inputs=inputs, rate=rate)
    return Work(
        "json", seconds, 0.0, 0.0, rate=rate, defaulted=False, notes=notes, table_seconds=seconds, table_formula=formula
    )


def _static(name: str) -> Work:
    seconds = 1 / (NGINX_PER_CORE * DERATING)
    rate = Rate(row="nginx, static files", r_db=NGINX_PER_CORE, tag="S", source=NGINX_SOURCE, known=True)
    formula = f"1 / ({figure(NGINX_PER_CORE)} * {figure(DERATING)})"
    inputs = {"requests_per_core": NGINX_PER_CORE, "D": DERATING}
    notes = _cost_note(name, seconds, formula=formula, why="CPU per request: static files", inputs=inputs, rate=rate)
    return Work(
        "static",
        seconds,
        0.0,
        0.0,
        rate=rate,
        defaulted=False,
        notes=notes,
        table_seconds=seconds,
        table_formula=formula,
    )


def _cost_note(name: str, seconds: float, *, formula: str, why: str, inputs: dict[str, float], rate: Rate) -> Notes:
    tag: Tag = rate.tag
    decision = Decision(
        path=f"services.{name}.cpu_ms_per_request",
        value=round(seconds * 1000, 5),
        origin="rule",
        why=why,
        tag=tag,
        source=f"sizing step 2; {rate.source}",
        formula=f"c_req = {formula} = {figure(seconds * 1000)} ms",
        inputs=dict(inputs),
    )
    return Notes(decisions=(decision,)) + (Notes() if rate.known else _unmeasured(name, rate))


def _unmeasured(name: str, rate: Rate) -> Notes:
    return note(
        "framework-not-measured",
        f"Service {name}: no measurement of its framework exists; its size rests on {rate.row}.",
        remedy="Load-test it, or name the framework in the Dockerfile's Application Metadata header.",
    )


def first_target(tier: Tier, *, starting_cores: float, sticky: bool) -> int:
    """Step 4 in whole per cent. ``sticky``: keep-alive connections (gRPC, WebSocket) do not spread over pods."""
    servers = tier.n_min * ceiling(starting_cores) / (2 if sticky else 1)
    target = 55 if servers < 2 else 60 if servers < 3 else 65 if servers < 8 else 70
    return target + {"critical": -5, "dev": 10}.get(tier.name, 0)


def pod_cpu(busy: float | None, u_percent: int, *, tier: Tier, jvm: bool) -> PodCpu:
    """Step 5: ``min(c0, ceil50m(max(C/(u n_min), C/(0.85 (n_min - f)))))``, at least 100m, a JVM 500m."""
    starting, floor = (2.0, 500) if jvm else (1.0, 100)
    needed = 0.0
    if busy is not None:
        needed = max(busy * 100 / (u_percent * tier.n_min), busy / (FULL * (tier.n_min - tier.f)))
    milli = max(floor, min(int(starting * 1000), 50 * ceiling(needed * 1000 / 50)))
    return PodCpu(busy=busy, milli=milli, u_percent=u_percent, starting_cores=starting, floor=floor)
