"""Everything that speaks about a repository as a whole, read once.

In: a tree. Out: ``Sources``. Never: a decision about what is a service.
"""

from __future__ import annotations

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.code.reading import read_code
from bot.survey.compose import Stack, read_stacks
from bot.survey.dockerfile_choice import GENERIC_FOLDERS, is_aside_of, own_dockerfiles
from bot.survey.helm_values import ChartValues, read_charts
from bot.survey.images import is_tool, name_of, store_by_name, store_kind
from bot.survey.manifests import Manifests, Workload, read_manifests
from bot.survey.package_folders import package_folders
from bot.survey.places import base_of, is_below, within
from bot.survey.procfile import read_procfile
from bot.survey.skaffold import Artifact, read_artifacts

MAX_PROGRAMS = 20


class Sources(Noun):
    """Compose stacks, manifests, charts, skaffold artifacts, Dockerfiles, folders with package files and programs."""

    stacks: tuple[Stack, ...] = ()
    manifests: Manifests = Manifests()
    charts: tuple[ChartValues, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    dockerfiles: tuple[str, ...] = ()
    packages: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()
    program_evidence: dict[str, Evidence] = {}
    own_workloads: tuple[Workload, ...] = ()


def read_sources(tree: Tree) -> Sources:
    """Read the orchestration files and list the places with code. Programs are looked for only without Dockerfiles."""
    manifests = read_manifests(tree)
    dockerfiles = own_dockerfiles(tree)
    packages = package_folders(tree)
    inside = [path for path in dockerfiles if is_below(path, tree.part) and not is_aside_of(path, tree.part)]
    programs = {} if inside else _programs(tree, packages)
    return Sources(
        stacks=_relevant(read_stacks(tree), tree.part),
        manifests=manifests,
        charts=tuple(chart for chart in read_charts(tree) if within(chart.folder, tree.part)),
        artifacts=read_artifacts(tree),
        dockerfiles=dockerfiles,
        packages=frozenset(packages),
        programs=tuple(programs),
        program_evidence=programs,
        own_workloads=tuple(_own(manifests)),
    )


def _own(manifests: Manifests) -> list[Workload]:
    return [
        workload
        for workload in manifests.workloads
        if workload.image and not is_tool(workload.image) and not _is_store(workload)
    ]


def _is_store(workload: Workload) -> bool:
    ports = [claim.port for claim in workload.ports]
    return (store_kind(workload.image) or store_by_name(workload.image, workload.name, ports)) is not None


def _relevant(stacks: tuple[Stack, ...], part: str) -> tuple[Stack, ...]:
    """The stacks that speak about the part; a stack below another one repeats it."""
    speaking = [
        stack
        for stack in stacks
        if (within(stack.folder, part) or _builds_in(stack, part))
        and not is_aside_of(stack.file, part)
        and not _is_demonstration(stack, part)
    ]
    return tuple(
        stack
        for at, stack in enumerate(speaking)
        if not any(within(stack.folder, other.folder) for other in speaking[:at])
    )


def _is_demonstration(stack: Stack, part: str) -> bool:
    """A stack in a folder of its own that builds what lies outside that folder shows one aspect (``otel/``)."""
    if within(part, stack.folder) or base_of(stack.folder).lower() in GENERIC_FOLDERS:
        return False
    built = [service for service in stack.services if service.builds and service.context is not None]
    return bool(built) and not any(within(service.context or "", stack.folder) for service in built)


def _builds_in(stack: Stack, part: str) -> bool:
    name = base_of(part)
    return any(
        (service.builds and (within(service.context or "", part) or is_below(service.dockerfile or "", part)))
        or (not service.builds and name in {service.name, name_of(service.image_text or "")})
        for service in stack.services
    )


def _programs(tree: Tree, packages: tuple[str, ...]) -> dict[str, Evidence]:
    found: dict[str, Evidence] = {}
    for area in packages[:200]:
        if not within(area, tree.part) or len(found) == MAX_PROGRAMS:
            continue
        clues = read_code(tree, area)
        processes = read_procfile(tree, area)
        starts = clues.ports or clues.listens or clues.start_command or processes or clues.frameworks
        if starts and not any(within(area, other) and other for other in found):
            places = (
                *(port.evidence for port in clues.ports),
                *(process.evidence for process in processes),
                *(claim.evidence for claim in (*clues.languages, *clues.frameworks)),
            )
            found[area] = next(iter(places), Evidence(path=area or "."))
    return found
