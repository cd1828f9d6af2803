"""Which decisions a person means by a path, a part of one, a short form, or a file of the pull request.

In: the remembered plan and a person's words. Out: decisions in the plan's order; None for words that name nothing.
Never: a guess; the nearest names are for the person to choose from.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bot.model.decision import Decision
from bot.model.document import Remembered
from bot.model.plan import ServicePlan
from bot.rendering.kubernetes import OBJECTS

_SPLIT: Final = re.compile(r"[\s./]+")
_PART: Final = re.compile(r"[^a-z0-9]+")
_FILE: Final = re.compile(r"[a-z0-9._/-]{1,200}\.(?:yaml|yml|tf|json|md)", re.ASCII)
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "target": ("target_cpu_percent",),
    "cpu_limit": ("limits", "cpu"),
    "memory_limit": ("limits", "memory"),
    "limit": ("limits",),
    "request": ("requests",),
    "mem": ("memory",),
    "ram": ("memory",),
    "pods": ("replicas",),
    "autoscaler": ("hpa",),
    "latency": ("latency_p95_ms",),
    "volume": ("storage",),
    "database": ("databases",),
    "machine": ("machines",),
}
_WORKLOAD: Final = ("requests", "limits", "rollout", "spread", "storage", "image")
_IN_FILE: Final[Mapping[str, tuple[str, ...]]] = {
    "deployment": _WORKLOAD,
    "statefulset": _WORKLOAD,
    "hpa": ("hpa",),
    "pdb": ("pdb",),
    "pvc": ("storage",),
    **{word: () for word, _ in OBJECTS if word not in {"workload", "hpa", "pdb", "pvc"}},
}
"""The last word of a file's name, and what of a service lands in it."""
_OF_PLAN: Final[Mapping[str, tuple[str, ...]]] = {
    "kustomization.yaml": ("namespace",),
    "main.tf": ("machines",),
    "app.auto.tfvars.json": ("machines",),
    "outputs.tf": ("machines", "databases"),
    "versions.tf": (),
    "variables.tf": (),
    "readme.md": ("",),
    "plan.json": ("",),
}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9 ._-]{0,120}", re.ASCII)
_NAMES: Final = 1_000
_NEAREST: Final = 3


def found(plan: Remembered, about: str) -> tuple[Decision, ...] | None:
    """The decisions that are meant; empty for a file that holds no decided value."""
    wanted = about.strip().strip("`\"'").lower()
    exact = tuple(entry for entry in plan.decisions if entry.path.lower() == wanted)
    if exact or not wanted:
        return exact or None
    if _FILE.fullmatch(wanted) is not None:
        return _in_file(plan, wanted)
    return _by_words(plan, wanted) or None


def nearest(plan: Remembered, about: str) -> tuple[str, ...]:
    """At most three names that look like the words."""
    names = [name for name in dict.fromkeys(_names(plan)) if _NAME.fullmatch(name)][:_NAMES]
    return tuple(difflib.get_close_matches(about.strip().lower()[:100], names, n=_NEAREST, cutoff=0.5))


def _names(plan: Remembered) -> Iterator[str]:
    for entry in plan.decisions[:_NAMES]:
        path = entry.path.lower()[:200]
        parts = path.split(".")
        yield path
        yield parts[-1]
        yield " ".join((parts[1], parts[-1])) if len(parts) > 2 else path
    yield from (service.name for service in plan.services)
    yield from (f"{word}.yaml" for word in _IN_FILE)
    yield from _OF_PLAN


def _by_words(plan: Remembered, wanted: str) -> tuple[Decision, ...]:
    words = [part for word in _SPLIT.split(wanted) if word for part in _ALIASES.get(word, (word,))]
    if not words:
        return ()
    whole = tuple(entry for entry in plan.decisions if set(words) <= set(entry.path.lower().split(".")))
    if whole:
        return whole
    pieces = {piece for word in words for piece in _PART.split(word) if piece}
    return tuple(entry for entry in plan.decisions if pieces and pieces <= set(_PART.split(entry.path.lower())))


def _in_file(plan: Remembered, path: str) -> tuple[Decision, ...] | None:
    folders, _, name = path.rpartition("/")
    if folders.startswith("apps/") and folders.split("/")[1] != plan.app:
        return None
    if name in _OF_PLAN:
        return tuple(entry for entry in plan.decisions if any(_under(entry, root) for root in _OF_PLAN[name]))
    stem = name.rpartition(".")[0]
    for word in _IN_FILE:
        owner = stem.removesuffix(f"-{word}") if stem.endswith(f"-{word}") else None
        services = [one for one in plan.services if owner == one.name or stem == word]
        if services:
            roots = [root for one in services for root in _roots(one, word)]
            return tuple(entry for entry in plan.decisions if any(_under(entry, root) for root in roots))
    return None


def _roots(service: ServicePlan, word: str) -> Iterator[str]:
    """The paths of a service's values in one of its files; the autoscaler owns the count where there is one."""
    yield from (f"services.{service.name}.{what}" for what in _IN_FILE[word])
    if _IN_FILE[word] is _WORKLOAD and service.hpa is None:
        yield f"services.{service.name}.replicas"


def _under(entry: Decision, root: str) -> bool:
    return not root or entry.path == root or entry.path.startswith(f"{root}.")
