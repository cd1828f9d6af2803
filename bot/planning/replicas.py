"""Steps 6 and 7: how many pods, and between which bounds the autoscaler moves.

In: busy cores, the pod's CPU, the tier, the user's own numbers. Out: n and ``Scaling``. Never: more than policy allows;
that is a ``Refusal``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.errors import Code, Refusal
from bot.model.plan import Hpa
from bot.planning.compute import FULL, PodCpu
from bot.planning.confidence import EIGHTY, Sureness
from bot.planning.record import ceiling, figure
from bot.planning.tier import Tier

EXISTING_SHARE = 0.4
"""The share of an existing database's connections that one application may plan with."""
EXISTING_MAX_CONNECTIONS = 100


@dataclass(frozen=True)
class Count:
    """n of step 6 with its formula."""

    n: int
    formula: str


@dataclass(frozen=True)
class Scaling:
    """The autoscaler's bounds with their formulas."""

    hpa: Hpa
    min_formula: str
    max_formula: str


def replicas(cpu: PodCpu, *, tier: Tier) -> Count:
    """``n = max(n_min, ceil(C/(c u)), f + ceil(C/(0.85 c)))``; critical services also survive the loss of a zone."""
    if cpu.busy is None or tier.single:
        return Count(tier.n_min, formula=f"n = n_min = {tier.n_min}")
    for_target = ceiling(cpu.busy * 100_000 / (cpu.milli * cpu.u_percent))
    for_loss = tier.f + ceiling(cpu.busy / (FULL * cpu.cores))
    n = max(tier.n_min, for_target, for_loss)
    formula = (
        f"n = max({tier.n_min}, ceil({figure(cpu.busy)}/({figure(cpu.cores)}*{figure(cpu.u)})) = {for_target}, "
        f"{tier.f} + ceil({figure(cpu.busy)}/({figure(FULL)}*{figure(cpu.cores)})) = {for_loss}) = {n}"
    )
    if tier.name == "critical" and tier.zones >= 2:
        survived = _after_zone_loss(n, tier.zones, needed=cpu.busy / (FULL * cpu.cores))
        formula += f"; one of {tier.zones} zones lost: {survived}" if survived > n else ""
        n = survived
    return Count(n, formula=formula)


def _after_zone_loss(n: int, zones: int, *, needed: float) -> int:
    """The least count >= n with ``count - ceil(count / zones) >= needed``."""
    count = max(n, math.floor(needed))
    while count - math.ceil(count / zones) < needed - 1e-9:
        count += max(1, math.floor(needed - (count - math.ceil(count / zones))))
    return count


def too_many(name: str, n: int, *, most: int) -> Refusal | None:
    """``policy`` when the plan needs more pods than ``limits.max_replicas``."""
    if n <= most:
        return None
    return Refusal(
        code=Code.POLICY,
        message=f"Service {name} needs {n} pods for the stated load; limits.max_replicas permits {most}.",
        remedy="State a lower load, or raise limits.max_replicas in .ai-provision.yaml.",
    )


def scaling(count: Count, cpu: PodCpu, *, tier: Tier, sure: Sureness, average_share: float, most: int) -> Scaling:
    """``min = n`` for zero downtime, else ``max(n_min, ceil(n avg/peak))``; ``max = ceil(n exp(1.28 sigma))``, at most
    ``most`` (policy).
    """
    n = count.n
    if tier.zero_downtime:
        least, min_formula = n, f"n = {n}: zero downtime keeps the peak's pods"
    else:
        least = max(tier.n_min, ceiling(n * average_share))
        min_formula = f"max({tier.n_min}, ceil({n}*{figure(average_share)})) = {least}"
    wanted = ceiling(n * sure.factor)
    highest = max(n, min(wanted, most))
    max_formula = f"ceil({n}*exp({EIGHTY}*{sure.sigma:.5f})) = ceil({n * sure.factor:.5g}) = {wanted}"
    if highest < wanted:
        max_formula += f", capped at {highest} by limits.max_replicas"
    return Scaling(
        Hpa(min=least, max=highest, target_cpu_percent=cpu.u_percent), min_formula=min_formula, max_formula=max_formula
    )


def connection_cap(existing_max_connections: int = EXISTING_MAX_CONNECTIONS) -> int:
    """How many connections all pods together may plan with on a database that exists: ``floor(0.4 max_conn)``."""
    return math.floor(EXISTING_SHARE * existing_max_connections)
