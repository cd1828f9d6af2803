"""The collector: a command, a tree and its words become one profile, one demand and the open questions.

In: ``Provision`` and ``Tree``. Out: ``Collected``, or a ``Refusal`` when there is nothing to provision. Never: I/O, a
silent guess; what is unclear becomes a ``Doubt`` with an answer that can be copied.
"""

from __future__ import annotations

from bot.agents.desk import EMPTY, Desk
from bot.agents.readings import readings, settled
from bot.errors import Code, Refusal
from bot.model.command import Provision
from bot.model.consultation import Consultation, Effort, Recorded
from bot.model.demand import Demand
from bot.model.noun import Noun
from bot.model.profile import AppProfile, Doubt, Service
from bot.model.tree import Tree
from bot.survey.description.reading import read_description
from bot.survey.survey import survey


class Collected(Noun):
    """What the application is and what it has to bear. ``words`` are what knowledge is retrieved by; the rest is what
    the collector's model said and cost.
    """

    profile: AppProfile
    demand: Demand
    words: tuple[str, ...] = ()
    consultation: Consultation | None = None
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()


def collect(command: Provision, tree: Tree, *, desk: Desk = EMPTY) -> Collected | Refusal:
    """Survey the tree, read the description, and name where the two disagree.

    Returns ``repo-empty`` when no service was found.
    """
    del desk
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
    return Collected(profile=profile.model_copy(update={"unsure": doubts}), demand=demand)


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
