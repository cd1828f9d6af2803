"""What the collector's model is told of a repository, and the facts of it that the planner's is told too.

In: the command, the tree, what the survey saw. Out: ``Asked``. Never: text of the repository beside its README's
beginning, the value of an environment variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

from bot.agents.payload import Asked, Told, asked, facts_of, number
from bot.agents.scrub import Scrubber
from bot.model.command import Provision
from bot.model.demand import Criticality, Demand
from bot.model.evidence import Piece
from bot.model.noun import JsonValue
from bot.model.profile import AppProfile, DependencyKind, Service
from bot.model.tree import Tree
from bot.rendering.redaction import MASK, Secrets
from bot.survey.places import is_below

_README: Final = re.compile(r"(?i)(?:.*/)?readme(?:\.(?:md|rst|txt|adoc))?")
_ENV_FILE: Final = re.compile(
    r"(?i)(?:.*/)?(?:\.?env(?:[._-].*)?|.*\.env(?:[._-].*)?|(?:.*\.)?(?:docker|container)file(?:[._-].*)?)"
)
_ASSIGNED: Final = re.compile(
    r"(?im)^[ \t]*(?:(?:ENV|ARG|export)[ \t]+)?[A-Z_][A-Z0-9_]{0,80}[ \t]*=[ \t]*(\S.{0,2000})$"
    r"|^[ \t]*(?:ENV|ARG)[ \t]+[A-Z_][A-Z0-9_]{0,80}[ \t]+(\S.{0,2000})$"
)
_PAIR: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,80}=(\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|\S{1,2000})")
_WORD: Final = re.compile(r"[a-z]+")
_MOST_VALUES: Final = 500
_SHORTEST: Final = 5
"""Shorter values are words and numbers of everybody."""


def collector_input(
    command: Provision, tree: Tree, *, profile: AppProfile, demand: Demand, pieces: tuple[Piece, ...]
) -> Asked:
    """The description, the beginning of the README, what the survey saw, and what it left open."""
    scrubber = Scrubber(redact=_masking(environment_values(tree)))
    rule: dict[str, JsonValue] = {
        "services": [surveyed(service) for service in profile.services],
        "criticality": demand.criticality,
        "dependencies_of_the_description": [wanted.kind for wanted in demand.dependencies],
        "open_questions": [doubt.question for doubt in profile.unsure],
        "known_dependencies": ", ".join(get_args(DependencyKind)),
        "known_criticalities": ", ".join(get_args(Criticality)),
    }
    told = Told(
        metadata=metadata(profile, demand, name=profile.name, qps=demand.qps_peak),
        description=command.app_description,
        readme=_readme(tree),
        github=command.target.url,
        pieces=pieces,
        rule=rule,
        environment=demand.environment,
        **facts_of(profile),
    )
    return asked("collector", told, scrubber)


def environment_values(tree: Tree) -> list[str]:
    """The values of ``.env`` files and of a Dockerfile's ENV and ARG, which no payload repeats; plain words stay."""
    found: dict[str, None] = {}
    for path in sorted(path for path in tree.texts if _ENV_FILE.fullmatch(path)):
        text = tree.texts[path]
        for match in (*_ASSIGNED.finditer(text), *_PAIR.finditer(text)):
            value = (match[match.lastindex or 0] or "").strip().strip("\"'")
            usual = len(value) < _SHORTEST or value.isdigit() or _WORD.fullmatch(value) is not None
            if not usual and len(found) < _MOST_VALUES:
                found[value] = None
    return list(found)


def _masking(values: list[str]) -> Callable[[str], str]:
    secrets = Secrets(values)
    short = re.compile("|".join(sorted((re.escape(value) for value in values), key=len, reverse=True)) or r"(?!)")
    return lambda text: short.sub(MASK, secrets.redact(text))


def _readme(tree: Tree) -> str:
    """The README nearest to the part that was named."""
    found = [path for path in tree.texts if _README.fullmatch(path)]
    nearest = sorted(found, key=lambda path: (not is_below(path, tree.part), path.count("/"), path))
    return tree.texts[nearest[0]] if nearest else ""


def surveyed(service: Service) -> dict[str, JsonValue]:
    """One service as the survey saw it."""
    return {
        "name": service.name,
        "type": service.kind,
        "language": service.language,
        "framework": service.framework,
        "stateful": service.stateful,
        "dependencies": [*sorted({need.kind for need in service.dependencies if need.in_use})],
    }


def metadata(profile: AppProfile, demand: Demand, *, name: str, qps: float | None) -> Mapping[str, str | float | None]:
    """Who the application is. ``qps`` per second, else what the header says."""
    first = profile.services[0] if profile.services else Service(name=name, path="")
    header = next((service.header for service in profile.services if service.header is not None), None)
    return {
        "name": name,
        "language": first.language,
        "framework": first.framework,
        "expected_qps": number(qps if qps is not None or header is None else header.expected_qps),
        "sla_latency_ms": number(
            demand.latency_ms if demand.latency_ms is not None or header is None else header.sla_latency_ms
        ),
        "criticality": demand.criticality or (header.criticality if header is not None else None),
    }
