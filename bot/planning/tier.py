"""The tier: how many pods must exist and how many may be lost.

In: the description, the Dockerfile's header, zones. Out: ``Tier`` with n_min and f of sizing step 6. Never: a word that
was not understood taken for a tier without a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.model.decision import Decision
from bot.model.demand import Criticality, Demand
from bot.model.profile import Service
from bot.planning.naming import shown
from bot.planning.record import Notes, figure, warn

WORDS: Final[dict[str, Criticality]] = {
    "dev": "dev", "development": "dev", "low": "dev", "test": "dev",
    "standard": "standard", "medium": "standard", "normal": "standard", "production": "standard",
    "high": "high", "critical": "critical", "production-critical": "critical",
}  # fmt: skip
RUNS_ONCE: Final = "a job runs once"
_ORDER: Final[tuple[Criticality, ...]] = ("dev", "standard", "high", "critical")
_AVAILABILITY: Final[tuple[tuple[float, Criticality], ...]] = ((99.99, "critical"), (99.95, "high"), (99.9, "standard"))


@dataclass(frozen=True)
class Tier:
    """``n_min`` pods at least, ``f`` of which may be lost. ``zones`` is known zones, 0 when unknown;
    ``single`` means one copy whatever the load.
    """

    name: Criticality
    n_min: int
    f: int
    zones: int
    zero_downtime: bool
    single: bool
    notes: Notes


def tier_of(service: Service, name: str, *, demand: Demand, zones: int) -> Tier:
    """Step 6's first half. Zero downtime makes at least ``high``; unreplicated state makes one pod."""
    criticality, notes = _criticality(service, name, demand=demand)
    n_min, f = counts(criticality, zones=zones)
    why = f"tier {criticality}: at least {n_min} pods, {f} of which may be lost"
    if keeps_state(service):
        n_min, f, why = 1, 0, "state that is not replicated allows one pod only"
        notes += _single_copy(name)
    elif service.kind == "job":
        n_min, f, why = 1, 0, RUNS_ONCE
    by_user = _asked(service, demand) > n_min
    if by_user:
        n_min, why = _asked(service, demand), f"the description asks for {_asked(service, demand)} replicas"
    decision = Decision(
        path=f"services.{name}.n_min",
        value=n_min,
        origin="user" if by_user else "rule",
        why=why,
        source="sizing step 6",
        tag="user" if by_user else "P",
        inputs={"criticality": criticality, "zero_downtime": demand.zero_downtime, "f": f, "zones": zones},
    )
    single = keeps_state(service) or service.kind == "job"
    return Tier(
        criticality,
        n_min,
        f,
        zones=zones,
        zero_downtime=demand.zero_downtime and not single,
        single=single,
        notes=notes + Notes(decisions=(decision,)),
    )


def _asked(service: Service, demand: Demand) -> int:
    """Replicas that the description asks for; state and jobs cannot follow."""
    return 0 if keeps_state(service) or service.kind == "job" else demand.replicas or 0


def counts(criticality: Criticality, *, zones: int) -> tuple[int, int]:
    """(n_min, f) of step 6."""
    table: dict[Criticality, tuple[int, int]] = {
        "dev": (1, 0), "standard": (2, 1), "high": (3, 1), "critical": (max(3, zones), 2),
    }  # fmt: skip
    return table[criticality]


def keeps_state(service: Service) -> bool:
    """True for a service whose own files must outlive it: one copy, because nothing replicates them."""
    return (
        service.stateful
        or bool(service.volumes)
        or any(need.kind == "sqlite" and need.in_use for need in service.dependencies)
    )


def stronger(left: Criticality, right: Criticality) -> Criticality:
    """The more demanding tier."""
    return max(left, right, key=_ORDER.index)


def _criticality(service: Service, name: str, *, demand: Demand) -> tuple[Criticality, Notes]:
    stated, notes = _stated(service, demand=demand)
    chosen: Criticality = stated or "standard"
    reasons = [f"{chosen} is stated" if stated else "nobody stated a tier: standard"]
    for criticality, reason in _raised_by(demand):
        if stronger(chosen, criticality) != chosen:
            chosen = criticality
            reasons.append(reason)
    decision = Decision(
        path=f"services.{name}.criticality",
        value=chosen,
        origin="user" if stated == chosen else "rule",
        why="; ".join(reasons),
        source="sizing, tiers",
        tag="user" if stated == chosen else "P",
    )
    return chosen, notes + Notes(decisions=(decision,))


def _raised_by(demand: Demand) -> list[tuple[Criticality, str]]:
    raised: list[tuple[Criticality, str]] = []
    if demand.zero_downtime:
        raised.append(("high", "zero downtime asks for at least high"))
    if demand.availability_percent is not None:
        for bound, criticality in _AVAILABILITY:
            if demand.availability_percent >= bound:
                reason = f"{figure(demand.availability_percent)} % availability asks for at least {criticality}"
                raised.append((criticality, reason))
                break
    return raised


def _stated(service: Service, *, demand: Demand) -> tuple[Criticality | None, Notes]:
    word = (service.header.criticality or "").strip().lower() if service.header is not None else ""
    if not word:
        return demand.criticality, Notes()
    declared = WORDS.get(word)
    if declared is None:
        return demand.criticality or "standard", _unknown_word(word)
    return (declared if demand.criticality is None else stronger(declared, demand.criticality)), Notes()


def _unknown_word(word: str) -> Notes:
    return warn(
        "criticality-unknown",
        f"The header's criticality {shown(word)} is no known tier; standard was taken.",
        remedy=f"Use one of {', '.join(sorted(WORDS))}.",
    )


def _single_copy(name: str) -> Notes:
    return warn(
        "single-copy",
        f"Service {name} keeps state in its own files, which nothing replicates: it runs as one pod, and every update "
        "or node loss is downtime.",
        remedy="Move the state to a database or object store to run more than one pod.",
    )
