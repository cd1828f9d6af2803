"""A tree becomes a profile.

    Tree ─▶ sources ─▶ candidates and backing stores ─▶ clues of each candidate ─(vote)─▶ services ─▶ AppProfile

In: ``Tree``. Out: ``AppProfile``, every fact with file and line. Never: I/O, an exception for the content of a file,
a value of a variable.
"""

from __future__ import annotations

from typing import Final

from bot.model.profile import AppProfile, Doubt, Service
from bot.model.tree import Tree
from bot.survey.candidates import Found, find_candidates
from bot.survey.dockerfile_choice import folder_name, link_notes
from bot.survey.gather import gather, unlinked
from bot.survey.places import base_of, folder_of, slug
from bot.survey.samples import collection_of
from bot.survey.secrets import secret_notes
from bot.survey.services import Merged, merge
from bot.survey.sources import Sources, read_sources

_GENERIC: Final = frozenset({"api", "app", "backend", "frontend", "main", "server", "service", "web", "website"})
"""Names that tell a service's role and not the application."""
_TOLD_BY_REPOSITORY: Final = frozenset(
    {"chart", "charts", "helm", "k8s", "kube", "kubernetes", "kustomize", "manifests", "openshift", "services"}
)
"""Folders that say how something runs: the application bears the name of the folder above, or of the repository."""


def survey(tree: Tree) -> AppProfile:
    """What the application is: its services, what they listen on, need and keep; what is unclear; what was noticed."""
    sources = read_sources(tree)
    collection = collection_of(tree, sources)
    if collection is not None:
        return _first_of(tree.model_copy(update={"part": collection.folders[0]}), collection.doubt(tree))
    return _profile(tree, sources)


def _first_of(tree: Tree, doubt: Doubt) -> AppProfile:
    """Of unrelated samples only the first is read, and the question comes first."""
    profile = _profile(tree, read_sources(tree))
    return profile.model_copy(update={"unsure": (doubt, *profile.unsure)})


def _profile(tree: Tree, sources: Sources) -> AppProfile:
    found = find_candidates(tree, sources)
    merged = [merge(candidate, gather(tree, candidate, found, sources)) for candidate in found.candidates]
    services = _distinct(merged)
    return AppProfile(
        name=_name(tree, services),
        services=services,
        unsure=tuple(doubt for item in merged for doubt in item.doubts),
        notes=_notes(tree, found, merged),
    )


def _distinct(merged: list[Merged]) -> tuple[Service, ...]:
    """Names from metadata headers may repeat; the second one gets a number."""
    seen: dict[str, int] = {}
    services: list[Service] = []
    for service in (item.service for item in merged):
        seen[service.name] = seen.get(service.name, 0) + 1
        number = seen[service.name]
        name = service.name if number == 1 else slug(f"{service.name[:58]}-{number}")
        services.append(service.model_copy(update={"name": name}))
    return tuple(services)


def _name(tree: Tree, services: tuple[Service, ...]) -> str:
    """The header's name when one service has one, else the only service's, else the part's, else the repository's."""
    named = [service.name for service in services if service.header is not None and service.header.name]
    if len(named) == 1 and len(services) == 1:
        return named[0]
    if len(services) == 1 and services[0].name not in _GENERIC:
        return services[0].name
    return folder_name(_telling(tree.part), tree.name)


def _telling(part: str) -> str:
    while base_of(part).lower() in _TOLD_BY_REPOSITORY:
        part = folder_of(part)
    return part


def _notes(tree: Tree, found: Found, merged: list[Merged]) -> tuple[str, ...]:
    used = [dependency for item in merged for dependency in item.service.dependencies]
    notes = (
        *(note for item in merged for note in item.notes),
        *found.notes,
        *unlinked(found, used, tree.part),
        *link_notes(tree),
        *secret_notes(tree),
    )
    return tuple(dict.fromkeys(notes))
