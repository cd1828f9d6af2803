"""Step 9: how pods are replaced, how many may be missing, and where they may stand.

In: n, the least count that runs, the latency target, the runtime, zones. Out: rollout, PDB and spread with decisions.
Never: a budget that stops a node from draining.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import Pdb, Rollout, Spread
from bot.planning.record import Notes, ceiling

_SOURCE = "sizing step 9"


@dataclass(frozen=True)
class Replacing:
    """Rollout, budget and spread of one service."""

    rollout: Rollout
    pdb: Pdb | None
    spread: Spread
    notes: Notes


def replacing(
    name: str, *, n: int, least: int, latency: float, jvm: bool, single_copy: bool, zones: int, spare_room: bool
) -> Replacing:
    """``least`` is the autoscaler's minimum. maxUnavailable 0, maxSurge max(1, ceil(n/4)), grace ceil(30 + T)."""
    surge = 0 if single_copy else max(1, ceiling(n / 4))
    cold = 60 if jvm else 20
    rollout = Rollout(
        max_unavailable=0,
        max_surge=surge,
        grace_seconds=ceiling(30 + latency),
        pre_stop_seconds=10,
        startup_seconds=2 * cold,
        recreate=single_copy,
    )
    pdb = _budget(n, least=least)
    spread = Spread(by_zone=n > 1, hard=n > 1 and zones >= 2 and spare_room)
    decisions = (
        _decided(name, "rollout.max_unavailable", 0, "no pod is taken away before another is ready"),
        _decided(
            name,
            "rollout.max_surge",
            surge,
            f"max(1, ceil({n}/4)), maxUnavailable 0: no pod goes before its successor is ready"
            if surge
            else "a volume that one pod holds: the old pod goes first",
        ),
        _decided(
            name, "rollout.grace_seconds", rollout.grace_seconds, f"ceil(30 + {latency:g}): requests in flight end"
        ),
        _decided(name, "rollout.pre_stop_seconds", 10, "endpoints are withdrawn before the process is told to stop"),
        _decided(name, "rollout.startup_seconds", rollout.startup_seconds, f"2 x cold start of {cold} s"),
        _decided(
            name, "pdb", None if pdb is None else pdb.model_dump(exclude_none=True), _budget_reason(n, least=least)
        ),
        _decided(name, "spread", spread.model_dump(), _spread_reason(n, zones=zones, spread=spread)),
    )
    return Replacing(rollout, pdb=pdb, spread=spread, notes=Notes(decisions=decisions))


def _decided(name: str, what: str, value: JsonValue, why: str) -> Decision:
    return Decision(path=f"services.{name}.{what}", value=value, origin="rule", why=why, source=_SOURCE, tag="P")


def _budget(n: int, *, least: int) -> Pdb | None:
    if n < 2:
        return None
    return Pdb(min_available=1) if n == 2 and least == 2 else Pdb(max_unavailable=1)


def _budget_reason(n: int, *, least: int) -> str:
    if n < 2:
        return "one pod: a budget would only stop nodes from draining"
    if n == 2 and least == 2:
        return "two pods: one stays"
    if least < 2:
        return "the autoscaler may go down to one pod, so one may be missing: nodes must drain"
    return f"{n} pods: one at a time"


def _spread_reason(n: int, *, zones: int, spread: Spread) -> str:
    if n < 2:
        return "one pod cannot be spread"
    known = f"{zones} zones known" if zones else "no zones known"
    how = "DoNotSchedule: at least two zones and spare room" if spread.hard else "ScheduleAnyway"
    return f"zone, then hostname, maxSkew 1; {known}; {how}"
