"""The places where a service may be: what compose builds, what skaffold builds, Dockerfiles, programs, images.

In: a tree. Out: ``Found``: candidates, backing stores, notes and doubts. Never: a store or a tool as a candidate, a
Dockerfile invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.backing import Store, stores_of
from bot.survey.candidate import Candidate
from bot.survey.compose import ComposeService, Stack
from bot.survey.dockerfile import is_development_name, read_dockerfile
from bot.survey.dockerfile_choice import (
    area_for,
    exists,
    folder_name,
    is_aside_of,
    name_for,
    narrowed,
    text_of,
    variant_of,
)
from bot.survey.images import is_tool, name_of, store_kind
from bot.survey.matching import rank, same
from bot.survey.places import folder_of, is_below, slug, within
from bot.survey.procfile import read_procfile, workers_of
from bot.survey.sources import Sources
from bot.survey.workloads import with_workloads

MAX_CANDIDATES: Final = 60
MIN_RUN: Final = 4
"""So many images from elsewhere make an application of their own."""

_ONCE: Final = frozenset(
    {"migrate", "migrations", "migration", "migrator", "seed", "seeder", "setup", "init", "bootstrap"}
)


class Found(Noun):
    """All candidates and backing stores, and what was left out on the way; ``neighbours`` lie outside the part."""

    candidates: tuple[Candidate, ...] = ()
    neighbours: tuple[Candidate, ...] = ()
    stores: tuple[Store, ...] = ()
    notes: tuple[str, ...] = ()


def find_candidates(tree: Tree, sources: Sources) -> Found:
    """Who builds speaks first: compose, skaffold, Dockerfiles; then programs without an image; then images alone."""
    notes: list[str] = []
    stores = stores_of(tree, sources)
    built = [*_composed(tree, sources, stores, notes), *_shared_images(sources)]
    built += _skaffolded(tree, sources, built)
    if not built:
        built = _unless_only_run(tree, sources, _from_dockerfiles(tree, sources, built, notes), notes)
    else:
        built += _from_dockerfiles(tree, sources, built, notes)
    if not built:
        built = list(_programs(tree, sources))
    built += _only_run(tree, sources, built, stores, notes)
    matched = _own_areas(tree, with_workloads(tree, sources, [*built, *_workers(tree, built)], notes))
    inside = [candidate for candidate in matched if _concerns(candidate, tree.part)]
    return Found(
        candidates=tuple(_distinct(inside))[:MAX_CANDIDATES],
        neighbours=tuple(candidate for candidate in matched if candidate not in inside)[:MAX_CANDIDATES],
        stores=stores,
        notes=tuple(notes[:40]),
    )


def _workers(tree: Tree, built: Iterable[Candidate]) -> Iterator[Candidate]:
    """Background processes that a Procfile starts from the image of the web process, unless compose names them."""
    listed = list(built)
    names = {candidate.name for candidate in listed}
    for area, web in {candidate.area: candidate for candidate in reversed(listed) if candidate.dockerfile}.items():
        for process in workers_of(read_procfile(tree, area)):
            if slug(process.kind) not in names:
                yield web.model_copy(
                    update={
                        "name": slug(process.kind), "process": process, "evidence": process.evidence,
                    }
                )  # fmt: skip


def _concerns(candidate: Candidate, part: str) -> bool:
    if within(candidate.area, part) or (candidate.dockerfile and is_below(candidate.dockerfile, part)):
        return True
    return candidate.area != "" and within(part, candidate.area)


def _composed(tree: Tree, sources: Sources, stores: Iterable[Store], notes: list[str]) -> Iterator[Candidate]:
    backing = {store.name for store in stores}
    for service in _services(sources.stacks):
        if not service.builds or service.name in backing:
            continue
        if service.optional or _aside(service, tree.part):
            notes.append(f"{service.file}: {service.name[:60]} is optional or for tests, so it was left out")
        elif slug(service.name) in _ONCE:
            notes.append(f"{service.file}: {service.name[:60]} runs once (migration or set-up), so it was left out")
        else:
            yield _of_compose(tree, sources, service)


def _aside(service: ComposeService, part: str) -> bool:
    place = service.dockerfile or service.context
    aside = place is not None and is_aside_of(place if service.dockerfile else place + "/x", part)
    return (
        aside or is_development_name(service.name) or is_development_name(variant_of(service.dockerfile or "") or "x")
    )


def _services(stacks: Iterable[Stack]) -> Iterator[ComposeService]:
    return (service for stack in stacks for service in stack.services)


def _of_compose(tree: Tree, sources: Sources, service: ComposeService) -> Candidate:
    present = service.dockerfile is not None and exists(tree, service.dockerfile)
    area = service.context or ""
    if service.dockerfile is not None and present:
        area = area_for(tree, service.dockerfile, service.context, sources.packages)
    return Candidate(
        name=slug(service.name) or folder_name(area, tree.name),
        area=area,
        dockerfile=service.dockerfile if present else None,
        context=service.context,
        target=service.target,
        image=service.image,
        compose=service,
        evidence=service.evidence,
    )


def _shared_images(sources: Sources) -> Iterator[Candidate]:
    """Entries that only run an image which another entry builds: a worker beside the web process."""
    builders = {
        service.image_text: service for service in _services(sources.stacks) if service.builds and service.image_text
    }
    for service in _services(sources.stacks):
        builder = builders.get(service.image_text or "")
        if builder is not None and not service.builds and slug(service.name) not in _ONCE and not service.optional:
            yield Candidate(
                name=slug(service.name) or "app", area=builder.context or "", dockerfile=builder.dockerfile,
                context=builder.context, target=builder.target, image=service.image, compose=service,
                evidence=service.evidence,
            )  # fmt: skip


def _skaffolded(tree: Tree, sources: Sources, built: list[Candidate]) -> list[Candidate]:
    taken = {candidate.dockerfile for candidate in built}
    return [
        Candidate(
            name=slug(name_of(artifact.image)) or folder_name(artifact.context, tree.name),
            area=area_for(tree, artifact.dockerfile, artifact.context, sources.packages),
            dockerfile=artifact.dockerfile,
            context=artifact.context,
            target=artifact.target,
            evidence=artifact.evidence,
        )
        for artifact in sources.artifacts
        if artifact.dockerfile not in taken and exists(tree, artifact.dockerfile)
    ]


def _from_dockerfiles(tree: Tree, sources: Sources, built: list[Candidate], notes: list[str]) -> list[Candidate]:
    """Dockerfiles that nothing above builds. Two services of compose or skaffold are the list."""
    taken = {candidate.dockerfile for candidate in built}
    taken |= {service.dockerfile for service in _services(sources.stacks) if service.builds}
    free = [path for path in sources.dockerfiles if path not in taken]
    own = [path for path in free if not is_aside_of(path, tree.part)]
    if not own and not built:
        own = [path for path in free if is_below(path, tree.part)]
    own = [path for path in own if not _builds_store(tree, path)]
    if len(built) >= 2:
        notes += [
            f"{path}: compose or skaffold do not build it, so it was left out"
            for path in own
            if is_below(path, tree.part)
        ][:10]
        return []
    return [_of_dockerfile(tree, sources, path) for path in own]


def _unless_only_run(tree: Tree, sources: Sources, built: list[Candidate], notes: list[str]) -> list[Candidate]:
    """Nothing, where more images are run that come from elsewhere than Dockerfiles lie around: those are tools then."""
    names = [
        (name_of(workload.image), workload.name)
        for workload in sources.own_workloads
        if is_below(workload.file, tree.part)
    ]
    composed = [service for service in _services(sources.stacks) if service.image_text and not service.builds]
    entries = [(name_of(service.image_text or ""), service.name) for service in composed]
    listed = max(names, entries, key=len)
    inside = [candidate for candidate in built if _concerns(candidate, tree.part)]
    related = any(rank(name, candidate.name) < 2 for pair in listed for name in pair for candidate in inside)
    if related or len(listed) < MIN_RUN or len(listed) <= 2 * len(inside):
        return built
    notes += [f"{candidate.dockerfile}: no manifest runs it, so it was left out" for candidate in inside]
    return []


def _builds_store(tree: Tree, path: str) -> bool:
    facts = read_dockerfile(path, text_of(tree, path) or "")
    return facts is not None and store_kind(facts.base_image or "") is not None and not facts.start


def _of_dockerfile(tree: Tree, sources: Sources, path: str) -> Candidate:
    area = area_for(tree, path, None, sources.packages)
    return Candidate(
        name=name_for(path, tree.name) if folder_of(path) == area else folder_name(area, tree.name),
        area=area,
        dockerfile=path,
        context=area,
        evidence=Evidence(path=path, line=1),
    )


def _programs(tree: Tree, sources: Sources) -> Iterator[Candidate]:
    """Folders with a program and no Dockerfile anywhere."""
    for area in sources.programs:
        if within(area, tree.part):
            yield Candidate(name=folder_name(area, tree.name), area=area, evidence=sources.program_evidence[area])


def _only_run(
    tree: Tree, sources: Sources, built: list[Candidate], stores: Iterable[Store], notes: list[str]
) -> list[Candidate]:
    """Images that are run and not built here. They are the application where nothing is built, or where they are more
    than half of it; a name that is a folder of the repository makes the folder the service.
    """
    backing = {store.name for store in stores}
    seen = {candidate.name for candidate in built}
    entries = [
        service
        for service in _services(sources.stacks)
        if _is_foreign(service, backing) and slug(service.name) not in seen
    ]
    folders = [found for service in entries if (found := _of_folder(tree, sources, service)) is not None]
    named = {candidate.name for candidate in folders}
    rest = [service for service in entries if slug(service.name) not in named]
    ours = [candidate for candidate in built if candidate.compose is not None]
    if rest and (not built or len(rest) > len(ours) > 0):
        return [*folders, *(_image_only(service) for service in rest)]
    notes += [
        f"{service.file}: {service.name[:60]} runs an image that is not built here, so it was left out"
        for service in rest
    ]
    if built or folders:
        return folders
    return _deployed(tree, sources) or list(_charted(sources))


def _is_foreign(service: ComposeService, backing: set[str]) -> bool:
    image = service.image_text or ""
    return (
        not service.builds
        and bool(image)
        and service.name not in backing
        and not is_tool(image)
        and not service.optional
    )


def _of_folder(tree: Tree, sources: Sources, service: ComposeService) -> Candidate | None:
    names = (name_of(service.image_text or ""), service.name)
    for folder in sorted(sources.packages):
        if folder and within(folder, tree.part) and any(same(folder.rpartition("/")[2], name) for name in names):
            return Candidate(
                name=slug(service.name), area=folder, context=folder, image=service.image, compose=service,
                evidence=service.evidence,
            )  # fmt: skip
    return None


def _image_only(service: ComposeService) -> Candidate:
    return Candidate(
        name=slug(service.name) or "app", area=folder_of(service.file), image=service.image, built=False,
        compose=service, evidence=service.evidence,
    )  # fmt: skip


def _deployed(tree: Tree, sources: Sources) -> list[Candidate]:
    """Workloads of the part; jobs and node agents without code of their own are no services."""
    return [
        Candidate(
            name=slug(workload.name), area=workload.folder, image=workload.image, built=False, workload=workload,
            evidence=workload.evidence,
        )
        for workload in sources.own_workloads
        if is_below(workload.file, tree.part) and workload.kind not in {"Job", "DaemonSet"}
    ]  # fmt: skip


def _charted(sources: Sources) -> Iterator[Candidate]:
    for chart in sources.charts:
        if chart.image and store_kind(chart.image) is None:
            yield Candidate(
                name=slug(chart.name) or "app",
                area=chart.folder,
                image=chart.image,
                built=False,
                evidence=chart.evidence,
            )


def _own_areas(tree: Tree, found: list[Candidate]) -> list[Candidate]:
    """Where several candidates share an area, each gets the folder that bears its name."""
    shared = [candidate.area for candidate in found]
    return [
        candidate.model_copy(update={"area": narrowed(tree, candidate.area, candidate.name)})
        if candidate.built and shared.count(candidate.area) > 1
        else candidate
        for candidate in found
    ]


def _distinct(found: Iterable[Candidate]) -> Iterator[Candidate]:
    """The same name twice gets the folder above it, then a number."""
    seen: set[str] = set()
    for candidate in found:
        name = candidate.name
        if name in seen:
            name = slug(f"{folder_of(candidate.area).rpartition('/')[2]}-{candidate.name}") or candidate.name
        number = 2
        while name in seen:
            name, number = slug(f"{candidate.name[:58]}-{number}"), number + 1
        seen.add(name)
        yield candidate if name == candidate.name else candidate.model_copy(update={"name": name})
