"""Memory from evidence: the measured maximum with its margin, and more than the limit that killed a pod.

In: what the formula says, grounds. Out: ``PodMemory`` with its record. Never: less than a heap needs that the runtime
fixes, less than what the user asked for.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from bot.model.decision import Decision
from bot.model.evidence import Observed, Trouble
from bot.model.quantity import MIB, Bytes
from bot.planning.grounds import Grounds
from bot.planning.measured import MARGIN, memory_of, told
from bot.planning.measured_cpu import about_distance
from bot.planning.memory import FLOOR, PodMemory, refit, round_up
from bot.planning.record import Notes, figure
from bot.planning.runtimes import Runtime

AFTER_KILL: Final = 1.25
MORE_AFTER_KILL: Final = 100_000_000
"""Bytes on top of the limit that killed: VPA's 100 MB."""
_PERCENTAGE: Final = re.compile(r"-XX:MaxRAMPercentage=([0-9.]+)", re.ASCII)


@dataclass(frozen=True)
class _Found:
    mib: int
    formula: str
    why: str
    source: str


def on_evidence(
    ruled: PodMemory, runtime: Runtime, name: str, *, grounds: Grounds, image_floor: Bytes | None
) -> PodMemory:
    """``max(floor, 1.15 * measured maximum)``, then ``max(that, 1.25 * limit, limit + 100 MB)`` where a pod was killed.

    A JVM's heap is fixed by its share of the limit, so its ladder is a floor; so are a heap that the image sets and
    memory that the user asked for.
    """
    measured = _measured(ruled, runtime, grounds.observed, image_floor=image_floor)
    found = _after_kill(measured, ruled, grounds.killed)
    if found is None:
        return ruled
    size = Bytes.of_mib(found.mib)
    fitted = refit(ruled, runtime, size=size, limit=size)
    env = _same_heap(ruled, size) if runtime.jvm else fitted.env
    decisions = tuple(_again(entry, found, ruled.size) for entry in ruled.notes.decisions)
    return replace(fitted, env=env, notes=Notes(decisions, ruled.notes.findings) + _far(name, measured, ruled))


def _measured(
    ruled: PodMemory, runtime: Runtime, observed: Observed | None, *, image_floor: Bytes | None
) -> _Found | None:
    most = memory_of(observed) if observed is not None else None
    if observed is None or most is None:
        return None
    kept = runtime.jvm or image_floor is not None or _by_user(ruled)
    floor = round(ruled.size.mib) if kept else FLOOR
    need = most.mib * MARGIN
    mib = max(floor, round_up(need))
    formula = (
        f"max({floor}Mi, 1.15 * {figure(round(most.mib, 2))} MiB = {figure(round(need, 2))} -> {round_up(need)}Mi)"
    )
    if kept and mib == floor and _by_user(ruled):
        return None
    return _Found(mib, formula, why=f"the most memory of one pod and 15 %, {told(observed)}", source=observed.source_id)


def _by_user(ruled: PodMemory) -> bool:
    return any(entry.origin == "user" for entry in ruled.notes.decisions)


def _after_kill(measured: _Found | None, ruled: PodMemory, killed: Trouble | None) -> _Found | None:
    if killed is None or killed.limit is None:
        return measured
    limit = killed.limit
    need = max(limit * AFTER_KILL, limit + MORE_AFTER_KILL) / MIB
    stands = measured.mib if measured is not None else round(ruled.size.mib)
    mib = round_up(need)
    if mib <= stands:
        return measured
    formula = f"max({stands}Mi, 1.25 * {limit}, {limit} + 100 MB) = {figure(round(need, 2))} MiB -> {mib}Mi"
    why = f"a pod was killed for want of memory at a limit of {limit}"
    return _Found(mib, formula, why=why, source=killed.source_id)


def _again(entry: Decision, found: _Found, before: Bytes) -> Decision:
    """The record of request or limit; the limit's says in addition that it is the request."""
    same = round(before.mib) == found.mib
    is_limit = entry.path.endswith(".limits.memory")
    ruled = () if same else (f"{before}: {entry.formula or entry.why}",)
    return entry.model_copy(
        update={
            "value": Bytes.of_mib(found.mib).to_k8s(),
            "origin": "rule",
            "why": f"{found.why}; limit = request: memory is not compressible" if is_limit else found.why,
            "source": found.source,
            "formula": found.formula,
            "tag": "M",
            "rejected": (*ruled, *entry.rejected),
        }
    )


def _same_heap(ruled: PodMemory, size: Bytes) -> dict[str, str]:
    """The heap stays what it is when the limit grows: what killed was beside the heap."""
    options = ruled.env.get("JAVA_TOOL_OPTIONS", "")
    share = _PERCENTAGE.search(options)
    if share is None or size == ruled.size:
        return ruled.env
    percentage = math.floor(10 * float(share[1]) * ruled.size / size) / 10
    return {**ruled.env, "JAVA_TOOL_OPTIONS": f"-XX:MaxRAMPercentage={percentage}"}


def _far(name: str, measured: _Found | None, ruled: PodMemory) -> Notes:
    if measured is None:
        return Notes()
    times = measured.mib / ruled.size.mib
    return about_distance(name, times, measured=f"{measured.mib}Mi with the margin", table=str(ruled.size))
