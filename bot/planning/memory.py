"""Step 8: memory of one pod.

In: the runtime row, requests in flight, CPU of the pod, floors. Out: bytes for request and limit (equal), and the
environment that tells the runtime. Never: a limit below a heap that the image sets itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

from bot.model.decision import Decision
from bot.model.quantity import Bytes
from bot.planning.record import Notes, ceiling, figure, stated
from bot.planning.runtimes import NODE, Runtime

MARGIN: Final = 1.25
FLOOR: Final = 128
JVM_FLOOR: Final = 512
STEP: Final = 64
MOST: Final = 1024**4
"""MiB."""
NODE_HEAP: Final = 0.75


@dataclass(frozen=True)
class PodMemory:
    """``size`` is the request; ``limit`` the same unless somebody asked for another. ``env`` holds our own runtime
    settings, never values from the repository.
    """

    size: Bytes
    limit: Bytes
    env: dict[str, str] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True)
class _Sized:
    mib: int
    formula: str
    why: str
    env: dict[str, str]


def pod_memory(
    name: str,
    runtime: Runtime,
    *,
    in_flight: float,
    cores: float,
    image_floor: Bytes | None,
    hint: Bytes | None,
    declared: Bytes | None = None,
) -> PodMemory:
    """``M = base + workers * m_w + L * m_req``; request = limit = 1.25 M rounded up to 64 MiB, at least 128 MiB.

    A JVM follows its heap: limit from the ladder, at least 512 MiB, no second margin. ``image_floor`` is a heap that
    the image sets itself; ``hint`` is what the description asks for; ``declared`` what the repository requests,
    shown and never copied.
    """
    floor = stated(image_floor.mib) if image_floor is not None else None
    jvm = runtime.jvm
    sized = _jvm(in_flight, floor) if jvm else _process(runtime, in_flight=in_flight, cores=cores, floor=floor)
    asked = stated(hint.mib) if hint is not None else None
    by_user = asked is not None and asked > sized.mib
    mib = round_up(asked) if by_user and asked is not None else sized.mib
    decision = Decision(
        path=f"services.{name}.requests.memory",
        value=Bytes.of_mib(mib).to_k8s(),
        origin="user" if by_user else "rule",
        why="the description asks for it" if by_user else sized.why,
        source="sizing step 8",
        tag="user" if by_user else "P",
        formula=sized.formula,
        inputs={"L": round(in_flight, 2), "runtime": runtime.name},
        rejected=((f"{sized.mib}Mi: the formula",) if by_user else ())
        + ((f"{declared}: the repository declares it; no load stands behind it",) if declared is not None else ()),
    )
    limit = decision.model_copy(
        update={"path": f"services.{name}.limits.memory", "why": "limit = request: memory is not compressible"}
    )
    size = Bytes.of_mib(mib)
    return PodMemory(size, size, env=sized.env, notes=Notes(decisions=(decision, limit)))


def refit(memory: PodMemory, runtime: Runtime, *, size: Bytes, limit: Bytes) -> PodMemory:
    """The same pod with another request and limit: Node is told its share again, a JVM's share is a percentage."""
    if (size, limit) == (memory.size, memory.limit):
        return memory
    env = _node_heap(limit.mib) if _is_node(runtime) else memory.env
    return replace(memory, size=size, limit=limit, env=env)


def round_up(mib: float) -> int:
    """MiB up to the next step of 64, at most an exbibyte: no quantity overflows, and no node holds it."""
    return STEP * ceiling(min(mib, MOST) / STEP)


def workers_of(runtime: Runtime, *, cores: float, in_flight: float) -> int:
    """How many processes serve one pod: gunicorn's 2c+1 for sync, one per core for async and Puma, FPM's children."""
    match runtime.workers:
        case "one":
            return 0
        case "sync":
            return ceiling(2 * cores + 1)
        case "async" | "per-core":
            return max(1, ceiling(cores))
        case "children":
            return max(1, ceiling(1.2 * in_flight))


def _process(runtime: Runtime, *, in_flight: float, cores: float, floor: float | None) -> _Sized:
    workers = workers_of(runtime, cores=cores, in_flight=in_flight)
    need = runtime.base + workers * runtime.per_worker + in_flight * runtime.per_request
    mib = max(FLOOR, round_up(MARGIN * need))
    why = f"{runtime.name}: base, workers and requests in flight, plus a quarter"
    if floor is not None and round_up(floor / NODE_HEAP) > mib:
        mib, why = (
            round_up(floor / NODE_HEAP),
            "the image sets a heap of its own, which is three quarters of the limit",
        )
    formula = (
        f"M = {figure(runtime.base)} + {workers}*{figure(runtime.per_worker)} + "
        f"{figure(in_flight)}*{figure(runtime.per_request)} = {figure(need)}; "
        f"1.25 M = {figure(MARGIN * need)} -> {mib}Mi"
    )
    return _Sized(mib, formula, why=why, env=_node_heap(mib) if _is_node(runtime) else {})


def _node_heap(mib: float) -> dict[str, str]:
    return {"NODE_OPTIONS": f"--max-old-space-size={math.floor(NODE_HEAP * mib)}"}


def _is_node(runtime: Runtime) -> bool:
    return runtime.name.startswith(NODE.name)


def _jvm(in_flight: float, floor: float | None) -> _Sized:
    heap = max(256 + in_flight, floor or 0.0)
    limit = 2 * heap if heap <= 512 else heap + 512 if heap <= 1536 else heap / 0.75
    mib = max(JVM_FLOOR, round_up(limit))
    percentage = math.floor(1000 * heap / mib) / 10
    why = "JVM: the heap decides, the ladder adds metaspace, threads and code"
    if floor is not None and floor > 256 + in_flight:
        why += "; the image sets the heap itself"
    formula = f"heap = {figure(heap)}; limit = {figure(limit)} -> {mib}Mi; MaxRAMPercentage = {percentage}"
    return _Sized(mib, formula, why=why, env={"JAVA_TOOL_OPTIONS": f"-XX:MaxRAMPercentage={percentage}"})
