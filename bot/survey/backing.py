"""Backing stores that compose files and manifests run: databases, caches, queues.

In: compose services and workloads. Out: ``Store``s with the host names that lead to them. Never: a store as a service
of the application.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.model.noun import Noun
from bot.model.profile import DependencyKind, Evidence
from bot.model.tree import Tree
from bot.survey.compose import ComposeService
from bot.survey.dockerfile import read_dockerfile
from bot.survey.dockerfile_choice import text_of
from bot.survey.images import store_by_name, store_kind
from bot.survey.places import base_of, folder_of
from bot.survey.sources import Sources


class Store(Noun):
    """One backing store; ``hosts`` are the names under which others reach it."""

    name: str
    kind: DependencyKind
    image: str | None
    hosts: tuple[str, ...]
    evidence: Evidence


def stores_of(tree: Tree, sources: Sources) -> tuple[Store, ...]:
    """The stores of all stacks and workloads, each name once."""
    found: dict[str, Store] = {}
    for store in [*_composed(tree, sources), *_deployed(sources)]:
        known = found.get(store.name)
        hosts = tuple(dict.fromkeys([*(known.hosts if known else ()), *store.hosts]))
        found[store.name] = (known or store).model_copy(update={"hosts": hosts})
    return tuple(found.values())


def _composed(tree: Tree, sources: Sources) -> Iterator[Store]:
    for stack in sources.stacks:
        for service in stack.services:
            image = service.image_text or ""
            if service.builds:
                image = _base(tree, service.dockerfile, service.target)
            kind = store_kind(image) or _own_store(service)
            if kind is not None:
                yield Store(
                    name=service.name, kind=kind, image=image if service.builds else service.image,
                    hosts=(service.name.lower(),), evidence=service.evidence,
                )  # fmt: skip


def _own_store(service: ComposeService) -> DependencyKind | None:
    """A store by its own name: only where nothing is built here, so that ``order-redis`` code stays a service."""
    ports = [claim.port for claim in service.ports]
    return None if service.builds else store_by_name(service.image_text or "", service.name, ports)


def _base(tree: Tree, dockerfile: str | None, target: str | None) -> str:
    """The base image of a build; the folder's name where a build argument hides it (``clickhouse/Dockerfile``)."""
    text = text_of(tree, dockerfile) if dockerfile else None
    facts = read_dockerfile(dockerfile or "", text, target) if text else None
    if facts is None:
        return ""
    return facts.base_image or base_of(folder_of(dockerfile or ""))


def _deployed(sources: Sources) -> Iterator[Store]:
    for workload in sources.manifests.workloads:
        ports = [claim.port for claim in workload.ports]
        kind = store_kind(workload.image) or store_by_name(workload.image, workload.name, ports)
        if kind is not None:
            hosts = tuple(host.lower() for host in sources.manifests.hosts_of(workload))
            yield Store(name=workload.name, kind=kind, image=workload.image, hosts=hosts, evidence=workload.evidence)
