"""What one service rests on beside its own facts: inputs that a model moved, measured use, similar services.

In: the profile's services, moved inputs, evidence. Out: one ``Grounds`` per service. Never: data of a service that has
another name, a measurement that is too thin or too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.model.consultation import InputKey
from bot.model.evidence import Evidence, Neighbour, Observed, Trouble
from bot.model.profile import Service
from bot.model.refinement import Adjustment
from bot.planning.dropped import model_dropped
from bot.planning.measured import FRESH, POINTS, has_data, plausible, seconds_of, span, usable
from bot.planning.naming import service_slug
from bot.planning.record import Notes, note
from bot.planning.throughput import framework_key, language_key

_DAY: Final = 86_400.0
_ENOUGH: Final = 2


@dataclass(frozen=True)
class Grounds:
    """``observed`` is measured use that may move numbers; ``neighbours`` are two or more similar services with a cost
    per request, only where nothing of its own was measured; ``killed`` is a pod that ran out of memory.
    """

    moved: Mapping[InputKey, Adjustment] = field(default_factory=dict)
    observed: Observed | None = None
    neighbours: tuple[Neighbour, ...] = ()
    killed: Trouble | None = None
    notes: Notes = field(default_factory=Notes)


NO_GROUNDS: Final = Grounds()


def grounds_for(
    services: Sequence[Service], adjustments: Sequence[Adjustment], evidence: Evidence, *, namespace: str
) -> Mapping[str, Grounds]:
    """By the service's slug. A service without evidence is left out."""
    named = {slug: service for service in services if isinstance(slug := service_slug(service.name), str)}
    found = {
        name: _grounds(service, name, adjustments, evidence, namespace=namespace) for name, service in named.items()
    }
    return {name: grounds for name, grounds in found.items() if grounds != NO_GROUNDS}


def _grounds(
    service: Service, name: str, adjustments: Sequence[Adjustment], evidence: Evidence, *, namespace: str
) -> Grounds:
    seen = own(name, evidence.observed, namespace=namespace)
    trusted = seen if seen is not None and has_data(seen) else None
    moved, notes = _moved(name, adjustments, trusted)
    near = () if trusted is not None else _near(service, evidence.neighbours)
    return Grounds(
        moved=moved,
        observed=trusted,
        neighbours=near if len(near) >= _ENOUGH else (),
        killed=_killed(troubles_of(name, evidence.troubles, namespace=namespace)),
        notes=notes + (_thin(name, seen) if seen is not None and not usable(seen) else Notes()),
    )


def _moved(
    name: str, adjustments: Sequence[Adjustment], trusted: Observed | None
) -> tuple[dict[InputKey, Adjustment], Notes]:
    """What a model moved of this service. The weight of a request plays no part once its CPU is measured."""
    moved = {entry.key: entry for entry in adjustments if entry.service == name}
    if trusted is None or seconds_of(trusted) is None or moved.pop("weight", None) is None:
        return moved, Notes()
    return moved, model_dropped(f"{name}.weight", "The CPU of a request is measured, so no weight plays a part in it.")


def own(name: str, observed: Iterable[Observed], *, namespace: str) -> Observed | None:
    """Measured use of the workload, from this namespace before any other."""
    same = [entry for entry in observed if entry.workload.name == name]
    return next((entry for entry in same if entry.workload.namespace == namespace), same[0] if same else None)


def troubles_of(name: str, troubles: Iterable[Trouble], *, namespace: str) -> tuple[Trouble, ...]:
    """What the cluster says of the workload, of this namespace where anything is said of it there."""
    same = tuple(entry for entry in troubles if entry.workload.name == name)
    return tuple(entry for entry in same if entry.workload.namespace == namespace) or same


def _killed(troubles: Sequence[Trouble]) -> Trouble | None:
    with_limit = [entry for entry in troubles if entry.kind == "oom-killed" and plausible(entry.limit)]
    return max(with_limit, key=lambda entry: entry.limit or 0, default=None)


def _near(service: Service, neighbours: Iterable[Neighbour]) -> tuple[Neighbour, ...]:
    """Same language, framework and kind, measured within the last day."""
    alike = (entry for entry in neighbours if _key(entry) == _key(service) and language_key(entry.language))
    return tuple(entry for entry in alike if seconds_of(entry.observed) is not None and _recent(entry.observed))


def _key(thing: Service | Neighbour) -> tuple[str, str, str]:
    return language_key(thing.language), framework_key(thing.framework, thing.language), thing.kind


def _recent(observed: Observed) -> bool:
    return observed.points > 0 and (observed.age is None or observed.age <= _DAY)


def _thin(name: str, seen: Observed) -> Notes:
    reason = f"{seen.points} points, where {POINTS} are needed"
    if seen.points >= POINTS and seen.age is not None:
        reason = f"the newest sample is {span(seen.age)} old, where {span(FRESH)} is the most"
    return note(
        "metrics-not-used",
        f"Service {name}: its metrics moved no number ({reason}).",
        remedy="Nothing to do; the next plan looks again.",
    )
