"""Which workload of the manifests runs which candidate.

In: candidates and workloads. Out: candidates with their workloads; a second process of the same image as one more
candidate. Never: a workload given to two candidates.
"""

from __future__ import annotations

from bot.model.tree import Tree
from bot.survey.candidate import Candidate
from bot.survey.images import name_of
from bot.survey.manifests import Workload
from bot.survey.matching import rank
from bot.survey.places import is_below, slug, within
from bot.survey.sources import Sources

_Score = tuple[int, bool, bool, int]


def with_workloads(tree: Tree, sources: Sources, found: list[Candidate], notes: list[str]) -> list[Candidate]:
    """Give each candidate its workload; a second one of the same image in the same folder is a second process."""
    owned: dict[int, list[Workload]] = {}
    foreign: list[str] = []
    for workload in sources.own_workloads:
        owner = _owner(workload, found)
        if owner is None:
            foreign.append(workload.name)
        else:
            owned.setdefault(owner, []).append(workload)
    if found and found[0].workload is None:
        notes += [
            f"workload {name[:60]} runs an image that is not built here, so it was left out"
            for name in foreign[:10]
            if not tree.part
        ]
    return [
        process for at, candidate in enumerate(found) for process in _processes(candidate, owned.get(at, []), tree.part)
    ]


def _processes(candidate: Candidate, own: list[Workload], part: str) -> list[Candidate]:
    if candidate.workload is not None or not own:
        return [candidate]
    best = min(own, key=lambda item: (not is_below(item.file, part), item.is_job, rank(item.name, candidate.name)))
    others = [
        candidate.model_copy(update={"name": slug(other.name), "workload": other, "compose": None})
        for other in own
        if other.folder == best.folder and other.command != best.command and other.name != best.name
    ]
    return [candidate.model_copy(update={"workload": best}), *others]


def _owner(workload: Workload, found: list[Candidate]) -> int | None:
    """The candidate with the nearest name; the only workload near the only candidate belongs to it."""
    scored = [(score, at) for at, candidate in enumerate(found) if (score := _score(workload, candidate)) is not None]
    if scored:
        return min(scored)[1]
    return 0 if len(found) == 1 and found[0].built and within(workload.folder, found[0].area) else None


def _score(workload: Workload, candidate: Candidate) -> _Score | None:
    """Smaller is nearer: the same name or image first, then a folder inside the candidate's."""
    named, imaged = rank(workload.name, candidate.name), rank(name_of(workload.image), candidate.name)
    if named > 0 and imaged > 1:
        return None
    return min(named, imaged), not within(workload.folder, candidate.area), named > 0, imaged
