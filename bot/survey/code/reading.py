"""One area of a tree to ``Clues``: each language reader speaks, the strongest leads.

In: a ``Tree`` and a folder. Out: ``Clues`` with detector ``code``. Never: an exception for the content of a file,
execution, more than the caps of ``sources``.
"""

from __future__ import annotations

from itertools import chain

from bot.model.profile import Dependency, DependencyKind
from bot.model.tree import Tree
from bot.survey.clues import Claim, Clues
from bot.survey.code.facts import merged_env, unique_routes
from bot.survey.code.golang import read_go
from bot.survey.code.gomod import unit_of
from bot.survey.code.modules import optional_stores
from bot.survey.code.names import FRAMEWORKS
from bot.survey.code.node import read_node
from bot.survey.code.others import read_others
from bot.survey.code.python import read_python
from bot.survey.code.sources import Area, Source, area_of


def read_code(tree: Tree, area: str) -> Clues:
    """Everything that code and package files of ``area`` (a folder, empty string for the root) say."""
    found = area_of(tree, area)
    read = [item for item in (read_go(tree, found), read_python(found), read_node(found), read_others(found)) if item]
    if not read:
        return Clues(area=found.root, detector="code", notes=found.notes)
    read.sort(key=_strength, reverse=True)
    return _merged(found, read)


def go_programs(tree: Tree, area: str) -> tuple[str, ...]:
    """The folders below ``area`` with a Go ``package main``: areas of their own where one build makes several."""
    sources: tuple[Source, ...] = area_of(tree, area).ending(".go")
    return tuple(sorted({source.folder for source in sources if unit_of(source).package == "main"}))


def _strength(clues: Clues) -> tuple[bool, bool, int]:
    """A reader that found a server leads one that found a worker or a front end, then the weight of its language."""
    roles = {FRAMEWORKS[claim.value].role for claim in clues.frameworks}
    weight = max((claim.weight for claim in clues.languages), default=0)
    return clues.listens is True or "server" in roles, clues.listens is not None, weight


def _merged(area: Area, read: list[Clues]) -> Clues:
    """The first reader's facts; others add what they saw, unless theirs is only a front end or tooling."""
    lead = read[0]
    voices = [lead, *(item for item in read[1:] if item.listens is not None)]
    return lead.model_copy(
        update={
            "detector": "code",
            "languages": tuple(chain.from_iterable(_ranked(number, item) for number, item in enumerate(read))),
            "frameworks": tuple(chain.from_iterable(item.frameworks for item in voices)),
            "ports": tuple(chain.from_iterable(item.ports for item in voices)),
            "health": tuple(chain.from_iterable(item.health for item in voices)),
            "endpoints": unique_routes(chain.from_iterable(item.endpoints for item in voices)),
            "dependencies": _dependencies(voices, optional_stores(area)),
            "env": merged_env(chain.from_iterable(item.env for item in voices)),
            "calls": tuple(sorted(set(chain.from_iterable(item.calls for item in voices)))),
            "migrations": tuple(chain.from_iterable(item.migrations for item in voices)),
            "notes": (*area.notes, *chain.from_iterable(item.notes for item in read)),
        }
    )


def _ranked(number: int, clues: Clues) -> tuple[Claim, ...]:
    """Languages: the leading reader's weigh 100 more, so that order survives a vote."""
    lift = 0 if number else 100
    return tuple(claim.model_copy(update={"weight": claim.weight + lift}) for claim in clues.languages)


def _dependencies(voices: list[Clues], optional: frozenset[DependencyKind]) -> tuple[Dependency, ...]:
    best: dict[str, Dependency] = {}
    for found in chain.from_iterable(clues.dependencies for clues in voices):
        item = found.model_copy(update={"in_use": False}) if found.kind in optional else found
        known = best.get(item.kind)
        if known is None or (item.in_use and not known.in_use):
            best[item.kind] = item
    return tuple(sorted(best.values(), key=lambda item: (not item.in_use, item.kind)))
