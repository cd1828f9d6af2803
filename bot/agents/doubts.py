"""What a model reads out of free text, as questions in our own words.

In: the collector's answer, profile and demand. Out: doubts and what was dropped. Never: a word of the model in a
question, a value outside the closed lists, something applied.
"""

from __future__ import annotations

from typing import Final, get_args

from bot.agents.scrub import quiet
from bot.model.consultation import CollectorAnswer, Dropped, FactProposal
from bot.model.demand import Criticality, Demand
from bot.model.noun import Noun
from bot.model.profile import AppProfile, DependencyKind, Doubt, Service

_TIERS: Final = frozenset(get_args(Criticality))
_KINDS: Final = frozenset(get_args(DependencyKind)) - {"other"}
_WHAT: Final = 120


class Proposed(Noun):
    """``asked`` names what became a question."""

    doubts: tuple[Doubt, ...] = ()
    asked: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def proposed(answer: CollectorAnswer, profile: AppProfile, demand: Demand) -> Proposed:
    """One doubt for each new fact; the rest is dropped with its reason."""
    doubts: dict[str, Doubt] = {}
    dropped: list[Dropped] = []
    for proposal in answer.proposals:
        value = proposal.value.strip().lower()
        name = f"proposed {proposal.subject}={value}"
        problem = _problem(proposal, value, profile, demand)
        if problem is None and name in doubts:
            problem = "it was proposed already"
        if problem is not None:
            dropped.append(Dropped(what=quiet(f"{proposal.subject}={proposal.value}", _WHAT), why=problem))
        else:
            doubts[name] = _doubt(proposal, value, profile, demand)
    return Proposed(doubts=tuple(doubts.values()), asked=tuple(doubts), dropped=tuple(dropped))


def _problem(proposal: FactProposal, value: str, profile: AppProfile, demand: Demand) -> str | None:
    if proposal.service is not None and _service(proposal, profile) is None:
        return "the repository has no such service"
    if proposal.subject == "criticality":
        if value not in _TIERS:
            return f"not one of {', '.join(sorted(_TIERS))}"
        return "the rules read the same" if value == demand.criticality else None
    if value not in _KINDS:
        return "no dependency that we know"
    return "the rules know it" if value in _known(profile, demand) else None


def _known(profile: AppProfile, demand: Demand) -> set[str]:
    seen = {need.kind for service in profile.services for need in service.dependencies if need.in_use}
    return seen | {wanted.kind for wanted in demand.dependencies}


def _service(proposal: FactProposal, profile: AppProfile) -> Service | None:
    return next((service for service in profile.services if service.name == proposal.service), None)


def _doubt(proposal: FactProposal, value: str, profile: AppProfile, demand: Demand) -> Doubt:
    if proposal.subject == "criticality":
        tier = demand.criticality or "standard, unless the rules found another tier"
        return Doubt(
            path="demand.criticality",
            question=f"A model reads this application as {value}. Is it?",
            assumed=f"{tier}; the proposal changed nothing",
            answer=f"app_description: the same text with [criticality={value}] at its end",
            proposed_by_model=True,
        )
    service = _service(proposal, profile)
    user = f"service {service.name}" if service is not None else "the application"
    return Doubt(
        path="profile.services",
        question=f"A model believes that {user} uses {value}. Does it?",
        assumed=f"{value} is not used; the proposal changed nothing",
        answer=f"app_description: the same text with {value} named in it",
        proposed_by_model=True,
    )
