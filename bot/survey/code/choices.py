"""From uses of client libraries to dependencies: in use, optional, or only named.

In: uses with evidence, names from package files. Out: dependencies. Never: several databases "in use" because the code
supports several: then none is, unless one is the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.model.profile import Dependency, DependencyKind, Evidence
from bot.survey.code.stores import RELATIONAL_OR_FILE

_SHOWN = 4


@dataclass(frozen=True)
class Use:
    """One place that connects to a store. ``optional``: only when a setting is given."""

    kind: DependencyKind
    seen: Evidence
    optional: bool = False


def dependencies_of(uses: Iterable[Use], named: Mapping[DependencyKind, Evidence]) -> tuple[Dependency, ...]:
    """One dependency per kind, the ones in use first."""
    places: dict[DependencyKind, list[Evidence]] = {}
    firm: set[DependencyKind] = set()
    for use in uses:
        found = places.setdefault(use.kind, [])
        if use.seen not in found and len(found) < _SHOWN:
            found.append(use.seen)
        if not use.optional:
            firm.add(use.kind)
    for kind, seen in named.items():
        found = places.setdefault(kind, [])
        if len(found) < _SHOWN:
            found.append(seen)
    in_use = firm - _alternatives(firm)
    made = [Dependency(kind=kind, evidence=tuple(seen), in_use=kind in in_use) for kind, seen in places.items()]
    return tuple(sorted(made, key=lambda item: (not item.in_use, item.kind)))


def _alternatives(firm: set[DependencyKind]) -> set[DependencyKind]:
    """Databases that the code supports side by side: three or more, or a server beside a file database."""
    choice = {kind for kind in firm if kind in RELATIONAL_OR_FILE}
    if len(choice) >= 3 or (len(choice) == 2 and "sqlite" in choice):
        return choice
    return set()
