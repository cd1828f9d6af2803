"""What a person asks to have changed in a plan: a key of ``/ai-refine`` and its value.

In: text that a person wrote. Out: ``Refinement``, or the sentence that says what is wrong with the value. Never: a
value that no plan could hold, a key that is not in ``KEYS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, Self

from pydantic import model_validator

from bot.model.command import Change
from bot.model.consultation import InputKey
from bot.model.noun import Noun
from bot.model.quantity import Bytes, MilliCpu

RefinementKey = Literal["replicas", "min", "max", "target", "cpu", "memory", "cpu_limit", "memory_limit", "storage"]

_WHOLE: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_MOST_PODS: Final = 10_000
_LONGEST: Final = 40
_CPU: Final = (MilliCpu(10), MilliCpu(128_000))
_MEMORY: Final = (Bytes.of_mib(16), Bytes.of_gib(2 * 1024))
_STORAGE: Final = (Bytes.of_mib(10), Bytes.of_gib(64 * 1024))


class Refinement(Noun):
    """One number that a person fixed, or a model within its limits (``origin``). ``service`` None means every service
    that has it; ``asked_in`` is the thread. ``why`` and ``source`` are a model's or a correction's, empty for a person.
    """

    service: str | None = None
    key: RefinementKey
    value: str
    asked_in: str | None = None
    origin: Literal["user", "model", "model-clamped", "correction"] = "user"
    why: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        problem = problem_with(self.key, self.value)
        if problem is not None:
            raise ValueError(f"{self.key} {problem}")
        return self

    @classmethod
    def of(cls, change: Change, *, asked_in: str | None) -> Refinement:
        """A change as a person wrote it. Raises ValueError (pydantic) for what ``problem_with`` names."""
        return cls.model_validate({**change.model_dump(), "asked_in": asked_in})

    @property
    def written(self) -> str:
        """``api.memory=1Gi``, as it is typed."""
        return f"{self.service}.{self.key}={self.value}" if self.service else f"{self.key}={self.value}"


def problem_with(key: str, value: str) -> str | None:
    """What is wrong with a value, as the end of a sentence that begins with its key; None when it can be used."""
    rule = RULES.get(key)
    if rule is None:
        return "is no key"
    if not value:
        return "has no value"
    return rule(value) if len(value) <= _LONGEST else f"has a value of {len(value):,} characters"


def _count(value: str) -> str | None:
    if _WHOLE.fullmatch(value) is None or int(value) > _MOST_PODS:
        return f"wants a whole number from 1 to {_MOST_PODS:,}"
    return None


def _percent(value: str) -> str | None:
    if _WHOLE.fullmatch(value) is None or int(value) > 100:
        return "wants a whole percentage from 1 to 100, without a sign"
    return None


def _cpu(value: str) -> str | None:
    least, most = _CPU
    try:
        right = least <= MilliCpu.parse(value) <= most
    except ValueError:
        right = False
    return None if right else f"wants CPU in Kubernetes notation from {least} to {most}, where 500m is half a core"


def _size(least: Bytes, most: Bytes) -> Callable[[str], str | None]:
    def rule(value: str) -> str | None:
        try:
            right = least <= Bytes.parse(value) <= most
        except ValueError:
            right = False
        return None if right else f"wants a size in Kubernetes notation from {least} to {most}, with its unit"

    return rule


RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "replicas": _count,
    "min": _count,
    "max": _count,
    "target": _percent,
    "cpu": _cpu,
    "memory": _size(*_MEMORY),
    "cpu_limit": _cpu,
    "memory_limit": _size(*_MEMORY),
    "storage": _size(*_STORAGE),
}
"""Every key and what its value has to be; a closed table."""

EXAMPLES: Final[Mapping[str, str]] = {
    "replicas": "5",
    "min": "3",
    "max": "12",
    "target": "60",
    "cpu": "500m",
    "memory": "1Gi",
    "cpu_limit": "2",
    "memory_limit": "2Gi",
    "storage": "20Gi",
}
"""A right value of each key."""


def merged(earlier: tuple[Refinement, ...], later: tuple[Refinement, ...]) -> tuple[Refinement, ...]:
    """The earlier ones that no later one replaces, then the later ones; a key for every service replaces that key of
    each.
    """
    replaced = {(entry.service, entry.key) for entry in later}
    kept = (
        entry for entry in earlier if (entry.service, entry.key) not in replaced and (None, entry.key) not in replaced
    )
    return (*kept, *later)


class Adjustment(Noun):
    """An input of the sizing algorithm that a model moved within its limits: k, w or B of one service."""

    service: str
    key: InputKey
    value: float
    origin: Literal["model", "model-clamped"]
    why: str
    source: str
