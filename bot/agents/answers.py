"""What an answer in square brackets changes: it beats every other reading, and a reviewer sees what it replaced.

In: an answer, the demand and the profile. Out: the same two without what it overrules. Never: an answer that is given
half a meaning; keys that are settled elsewhere (budget, dockerfile) change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.model.demand import Demand, Phrase, Settled, Wanted
from bot.model.profile import RELATIONAL, AppProfile, Dependency, Evidence, Header, Service
from bot.survey.description.answers import BOTH

Facts = tuple[Demand, AppProfile]
_ANYWHERE: Final = frozenset({"web", "api", "worker"})
"""Kinds of services that can keep state of their own."""


def settled(demand: Demand, profile: AppProfile) -> Facts:
    """Both with what somebody answered in square brackets; an answer beats every other reading."""
    for answer in demand.settled:
        demand, profile = answered(answer, demand, profile)
    return demand, profile


def answered(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    """Both with one answer applied."""
    apply = _APPLIED.get(answer.key)
    return (demand, profile) if apply is None else apply(answer, demand, profile)


def _qps(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    demand = _stated(demand, answer, "qps_peak", float(answer.value))
    return demand, _without_header(profile, "expected_qps", answer)


def _latency(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    demand = _stated(demand, answer, "latency_ms", float(answer.value))
    return demand, _without_header(profile, "sla_latency_ms", answer)


def _criticality(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    return _stated(demand, answer, "criticality", answer.value), _without_header(profile, "criticality", answer)


def _namespace(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    return _stated(demand, answer, "namespace", answer.value), profile


def _cluster(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    return _stated(demand, answer, "cluster", answer.value), profile


def _database(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    """The chosen one is wanted and used wherever a relational one was; the others are not in use."""
    if answer.value == BOTH:
        return demand, profile
    chosen = Wanted.model_validate({"kind": answer.value, "phrase": answer.written})
    others = [wanted for wanted in demand.dependencies if wanted.kind not in RELATIONAL]
    said = next((wanted for wanted in demand.dependencies if wanted.kind == chosen.kind), chosen)
    replaced = frozenset(RELATIONAL - {chosen.kind})
    demand = _replacing(demand, answer, lambda phrase: phrase.field == "dependencies" and phrase.value in replaced)
    services = tuple(_using(service, chosen, answer) for service in profile.services)
    return demand.model_copy(update={"dependencies": (*others, said)}), _with(profile, services, answer)


def _using(service: Service, chosen: Wanted, answer: Settled) -> Service:
    used = [need for need in service.dependencies if need.kind in RELATIONAL and need.in_use]
    if not used or [need.kind for need in used] == [chosen.kind]:
        return service
    needs = tuple(
        need.model_copy(update={"in_use": False}) if need.kind in RELATIONAL else need
        for need in service.dependencies
        if need.kind != chosen.kind
    )
    seen = next((need for need in service.dependencies if need.kind == chosen.kind), None)
    evidence = (*(seen.evidence if seen else ()), Evidence(path="app_description", excerpt=answer.written))
    new = Dependency(kind=chosen.kind, evidence=evidence, image=seen.image if seen else None)
    return service.model_copy(update={"dependencies": (*needs, new)})


def _state(answer: Settled, demand: Demand, profile: AppProfile) -> Facts:
    keeps = answer.value == "stateful"
    demand = _stated(demand, answer, "stateful", keeps)
    change = _keeping(profile.services) if keeps else _forgetting
    return demand, _with(profile, tuple(change(service) for service in profile.services), answer)


def _forgetting(service: Service) -> Service:
    needs = tuple(
        need.model_copy(update={"in_use": False}) if need.kind == "sqlite" else need for need in service.dependencies
    )
    return service.model_copy(update={"stateful": False, "volumes": (), "dependencies": needs})


def _keeping(services: tuple[Service, ...]) -> Callable[[Service], Service]:
    """Where nothing is seen to keep state, every program of the repository does; static files never do."""
    if any(service.stateful or service.volumes for service in services):
        return lambda service: service
    return lambda service: service.model_copy(update={"stateful": True}) if service.kind in _ANYWHERE else service


def _stated(demand: Demand, answer: Settled, field: str, value: Any) -> Demand:
    demand = _replacing(demand, answer, lambda phrase: phrase.field == field)
    return demand.model_copy(update={field: value})


def _replacing(demand: Demand, answer: Settled, replaced: Callable[[Phrase], bool]) -> Demand:
    """The demand whose overruled phrases are listed as not acted on."""
    gone = [phrase for phrase in demand.phrases if phrase.text != answer.written and replaced(phrase)]
    note = f"the answer {answer.written} replaces it"
    told = (phrase.model_copy(update={"field": None, "note": note}) for phrase in gone)
    kept = tuple(phrase for phrase in demand.phrases if phrase not in gone)
    return demand.model_copy(update={"phrases": kept, "not_acted_on": (*demand.not_acted_on, *told)})


def _without_header(profile: AppProfile, field: str, answer: Settled) -> AppProfile:
    return _with(profile, tuple(_headless(service, field) for service in profile.services), answer, field=field)


def _headless(service: Service, field: str) -> Service:
    header: Header | None = service.header
    if header is None or getattr(header, field) is None:
        return service
    return service.model_copy(update={"header": header.model_copy(update={field: None})})


def _with(profile: AppProfile, services: tuple[Service, ...], answer: Settled, *, field: str = "") -> AppProfile:
    """The profile with these services, and one note for each that changed."""
    changed = [new for old, new in zip(profile.services, services, strict=True) if old != new]
    what = f"the header's {field}" if field else "what the repository shows"
    notes = tuple(f"{service.name}: the answer {answer.written} replaces {what}" for service in changed)
    return profile.model_copy(update={"services": services, "notes": (*profile.notes, *notes)})


_APPLIED: Final[Mapping[str, Callable[[Settled, Demand, AppProfile], Facts]]] = {
    "qps": _qps,
    "latency_ms": _latency,
    "criticality": _criticality,
    "database": _database,
    "state": _state,
    "namespace": _namespace,
    "cluster": _cluster,
}
