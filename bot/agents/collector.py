"""The collector: a command, a tree and its words become one profile, one demand and the open questions.

In: ``Provision`` and ``Tree``. Out: ``Collected``, or a ``Refusal`` when there is nothing to provision. Never: I/O
beside the desk, a silent guess; what is unclear becomes a ``Doubt`` with an answer that can be copied. What a model
reads out of free text becomes a doubt as well, in our words, and is never applied.
"""

from __future__ import annotations

from typing import Final

from bot.agents.consult import consult
from bot.agents.desk import EMPTY, Desk
from bot.agents.doubts import Proposed, proposed
from bot.agents.readings import readings, settled
from bot.agents.repository_told import collector_input
from bot.agents.tools import clean_words
from bot.errors import Code, Refusal
from bot.model.command import Provision
from bot.model.consultation import CollectorAnswer, Consultation, Effort, Recorded
from bot.model.demand import Demand
from bot.model.noun import Noun
from bot.model.profile import AppProfile, Doubt, Service
from bot.model.tree import Tree
from bot.model.wishes import Wishes
from bot.survey.description.reading import read_description
from bot.survey.request.reading import NO_REQUEST, read_request
from bot.survey.survey import survey

SHARE: Final = 0.5
"""Of the command's time for models: however silent the collector's is, the planner's is asked as well."""


class Collected(Noun):
    """What the application is and what it has to bear. ``words`` are what knowledge is retrieved by; the rest is what
    the collector's model said and cost. ``wishes``: a request for machines or a cluster, which has no repository.
    """

    profile: AppProfile
    demand: Demand
    words: tuple[str, ...] = ()
    consultation: Consultation | None = None
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    wishes: Wishes | None = None


def collect_request(command: Provision) -> Collected | Refusal:
    """What a request for machines or a cluster says; no repository is read and no model is asked."""
    wishes = read_request(command.app_description)
    if isinstance(wishes, Refusal):
        return wishes
    demand = Demand(
        environment=wishes.environment,
        criticality=wishes.criticality,
        phrases=wishes.phrases,
        not_acted_on=wishes.not_acted_on,
    )
    return Collected(profile=AppProfile(name=wishes.name, unsure=wishes.unsure), demand=demand, wishes=wishes)


def names_no_machine(refusal: Refusal) -> bool:
    """Whether a request was refused because it speaks of no machine at all: then it may be about an application."""
    return refusal.code is Code.SYNTAX and refusal.message.startswith(NO_REQUEST)


def collect(command: Provision, tree: Tree, *, desk: Desk = EMPTY) -> Collected | Refusal:
    """Survey the tree, read the description, and name where the two disagree.

    Returns ``repo-empty`` when no service was found.
    """
    profile = survey(tree)
    if not profile.services:
        return _nothing_to_provision(command, profile)
    demand, profile = settled(read_description(command.app_description), profile)
    doubts = (
        *profile.unsure,
        *readings(demand, profile),
        *_unseen_technologies(demand, profile),
        *_unseen_dependencies(demand, profile),
    )
    profile = profile.model_copy(update={"unsure": doubts})
    return _consulted(command, tree, Collected(profile=profile, demand=demand, words=_words(profile, demand)), desk)


def _consulted(command: Provision, tree: Tree, ruled: Collected, desk: Desk) -> Collected:
    """The rule's reading, and beside it what the collector's model proposes."""
    profile, demand = ruled.profile, ruled.demand
    pieces = desk.library.find(ruled.words) if desk.library is not None else ()
    asked = collector_input(command, tree, profile=profile, demand=demand, pieces=pieces)
    heard = consult("collector", asked, CollectorAnswer, desk=desk, share=SHARE)
    read = proposed(heard.answer, profile, demand) if heard.answer is not None else Proposed()
    searched = _searched(heard.answer, ruled.words)
    consultation = heard.consultation.model_copy(
        update={"decided": (*read.asked, *(f"search: {words}" for words in searched)), "rejected": read.dropped}
    )
    return ruled.model_copy(
        update={
            "profile": profile.model_copy(update={"unsure": (*profile.unsure, *read.doubts)}),
            "words": (*ruled.words, *searched),
            "consultation": consultation,
            "answers": heard.answers,
            "efforts": heard.efforts,
        }
    )


def _words(profile: AppProfile, demand: Demand) -> tuple[str, ...]:
    """What knowledge is retrieved by: technologies, kinds, stores, tier."""
    found: list[str | None] = []
    for service in profile.services:
        found += [service.language, service.framework, service.kind]
        found += [need.kind for need in service.dependencies if need.in_use]
    found += [*(wanted.kind for wanted in demand.dependencies), demand.criticality]
    return tuple(dict.fromkeys(words for each in found if each and (words := clean_words(each))))


def _searched(answer: CollectorAnswer | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The model's own words for retrieval: letters, digits and spaces, at most five times 200."""
    wanted = (clean_words(words) for words in (answer.retrieve[:5] if answer is not None else ()))
    return tuple(words for words in dict.fromkeys(wanted) if words and words not in known)


def _nothing_to_provision(command: Provision, profile: AppProfile) -> Refusal:
    noticed = f" What was seen: {'; '.join(profile.notes[:3])}." if profile.notes else ""
    return Refusal(
        code=Code.REPO_EMPTY,
        message=f"No Dockerfile, compose file, manifest or program was found in {command.target.url}.{noticed}",
        remedy="Name the folder that holds the service, as in https://github.com/org/repo/tree/main/src/cart, "
        "or add a Dockerfile.",
    )


def _unseen_technologies(demand: Demand, profile: AppProfile) -> tuple[Doubt, ...]:
    seen = {_alike(name) for service in profile.services for name in _technologies(service)}
    return tuple(
        Doubt(
            path="profile.services",
            question=f"The description names {name}, but the repository does not show it. Is it another repository?",
            assumed=f"{name} is not part of this pull request",
            answer="git_repo: the address of the repository that holds it",
        )
        for name in (*demand.frameworks, *demand.languages)
        if _alike(name.lower()) not in seen
    )


def _alike(technology: str) -> str:
    """People say JavaScript and mean either."""
    return "javascript" if technology == "typescript" else technology


def _technologies(service: Service) -> set[str]:
    names = {(service.language or "").lower(), (service.framework or "").lower()}
    return names | {part for name in names for part in name.split("/")}


def _unseen_dependencies(demand: Demand, profile: AppProfile) -> tuple[Doubt, ...]:
    seen = {need.kind for service in profile.services for need in service.dependencies if need.in_use}
    return tuple(
        Doubt(
            path="profile.services",
            question=f"The description asks for {wanted.kind}, but no code or compose file uses it. Is it needed?",
            assumed=f"{wanted.kind} is needed, because the description says so",
            answer=f"app_description: the same text without {wanted.phrase}",
        )
        for wanted in demand.dependencies
        if wanted.kind not in seen
    )
