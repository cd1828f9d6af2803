"""Where a description, the repository and a header disagree: the readings, and the answers that settle them.

In: demand and profile. Out: the same two with answers applied, and doubts with their candidates. Never: a guess, a
candidate made by a model, one for a number that nobody stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bot.agents.answers import settled
from bot.model.demand import Criticality, Demand, Settled
from bot.model.profile import RELATIONAL, AppProfile, Candidate, DependencyKind, Doubt, Evidence, Service
from bot.planning.demand import is_serving, load_of
from bot.planning.record import figure, stated
from bot.planning.tier import WORDS, keeps_state, stronger
from bot.rendering.question import product
from bot.survey.description.answers import BOTH, problem_with_answer, read_answer
from bot.survey.description.reading import rivals

__all__ = ["readings", "settled"]

_MOST: Final = 4
"""Candidates of one doubt."""
_DESCRIBED: Final = "the description"
Said = tuple[str, str]
"""A value as an answer holds it, and who says so."""


def readings(demand: Demand, profile: AppProfile) -> tuple[Doubt, ...]:
    """One doubt for each disagreement, with its candidates, the assumed one first."""
    return (
        *_database(demand, profile),
        *_state(demand, profile),
        *_rate(demand, profile),
        *_latency(demand, profile),
        *_criticality(demand, profile),
        *_place(demand),
        *_misread(demand),
    )


def _doubt(key: str, question: str, assumed: str, said: Sequence[Said], evidence: tuple[Evidence, ...] = ()) -> Doubt:
    """A doubt whose answers are typed; a value that no answer can hold is no candidate."""
    found = [(read_answer(key, value), who) for value, who in said]
    answers = [(answer, who) for answer, who in found if answer is not None][:_MOST]
    candidates = tuple(Candidate(label=_label(answer, who), settles=answer.written[1:-1]) for answer, who in answers)
    other = answers[1][0].written if len(answers) > 1 else f"[{key}=…]"
    return Doubt(
        path="demand" if key in {"namespace", "cluster"} else "profile.services",
        question=question,
        assumed=assumed,
        answer=f"app_description: the same text and {other}",
        evidence=evidence,
        candidates=candidates if len(candidates) > 1 else (),
    )


def _label(answer: Settled, who: str) -> str:
    unit = {"qps": " requests/s", "latency_ms": " ms"}.get(answer.key, "")
    return f"{product(answer.value)}{unit} ({who})"


def _database(demand: Demand, profile: AppProfile) -> Iterable[Doubt]:
    """The description names one relational database, the code uses another. Both are planned as long as nobody says."""
    named = [wanted.kind for wanted in demand.dependencies if wanted.kind in RELATIONAL]
    used = _relational(profile)
    if not named or not used or set(named) & used.keys() or demand.answer("database"):
        return
    said = [(kind, "the repository") for kind in used]
    yield _doubt(
        "database",
        f"Which database is it? The description names {_and(map(product, named))}, the repository uses "
        f"{_and(map(product, used))}.",
        f"both are used, {_and(map(product, (*named, *used)))}",
        [(BOTH, "one beside the other"), *((kind, _DESCRIBED) for kind in named), *said],
        evidence=tuple(seen for places in used.values() for seen in places[:2]),
    )


def _relational(profile: AppProfile) -> dict[DependencyKind, tuple[Evidence, ...]]:
    needs = [need for service in profile.services for need in service.dependencies]
    used = sorted((need for need in needs if need.in_use and need.kind in RELATIONAL), key=lambda need: need.kind)
    return {need.kind: need.evidence for need in reversed(used)}


def _state(demand: Demand, profile: AppProfile) -> Iterable[Doubt]:
    """The description says whether state is kept, the code shows the opposite; the code is believed."""
    keeping = [service for service in profile.services if keeps_state(service)]
    if demand.stateful is None or demand.stateful == bool(keeping) or demand.answer("state"):
        return
    says, shows = ("stateful", "stateless") if demand.stateful else ("stateless", "stateful")
    seen = f"shows files to keep in {_and(service.name for service in keeping)}" if keeping else "shows none to keep"
    yield _doubt(
        "state",
        f"Are there files of its own that must outlive a pod? The description says {says}, the repository {seen}.",
        f"{shows}, as the repository shows",
        [(shows, "the repository"), (says, _DESCRIBED)],
        evidence=tuple(volume.evidence for service in keeping for volume in service.volumes if volume.evidence),
    )


def _rate(demand: Demand, profile: AppProfile) -> Iterable[Doubt]:
    """The header's ``expected_qps`` against the described peak; the larger is planned for."""
    serving = [service for service in profile.services if is_serving(service)]
    declared = _declared(serving, "expected_qps")
    described = sorted({rate for service in serving if (rate := _described_rate(service, demand)) is not None})
    if not declared or not described or {rate for rate, _ in declared} == set(described) or demand.answer("qps"):
        return
    said = [*((rate, _described_as(demand)) for rate in described), *declared]
    said.sort(key=lambda one: one[0], reverse=True)
    yield _doubt(
        "qps",
        f"How many requests per second come at the peak? The description means {_and(map(figure, described))}, "
        f"{_and(f'{who} states {figure(rate)}' for rate, who in declared)}.",
        "the larger of both, for each service",
        _once(said),
        evidence=_headers(serving, "expected_qps"),
    )


def _described_rate(service: Service, demand: Demand) -> float | None:
    """What the rules of the load make of the description alone, without growth."""
    header = service.header
    bare = header.model_copy(update={"expected_qps": None}) if header is not None else None
    alone = service.model_copy(update={"header": bare})
    return load_of(alone, service.name, demand=demand.model_copy(update={"growth": None})).peak


def _described_as(demand: Demand) -> str:
    if demand.qps_peak is not None:
        return _DESCRIBED
    return "3 x the described average" if demand.qps_average is not None else "from the described users"


def _latency(demand: Demand, profile: AppProfile) -> Iterable[Doubt]:
    """The header's ``sla_latency_ms`` against the described latency; the stricter is planned for."""
    declared, described = _declared(profile.services, "sla_latency_ms"), stated(demand.latency_ms)
    if not declared or described is None or {value for value, _ in declared} == {described}:
        return
    said = sorted([(described, _DESCRIBED), *declared], key=lambda one: one[0])
    yield _doubt(
        "latency_ms",
        f"How fast has an answer to be? The description says {figure(described)} ms, "
        f"{_and(f'{who} states {figure(value)} ms' for value, who in declared)}.",
        "the stricter of both, for each service",
        _once(said),
        evidence=_headers(profile.services, "sla_latency_ms"),
    )


def _criticality(demand: Demand, profile: AppProfile) -> Iterable[Doubt]:
    """The header's tier against the described one; the stronger is planned for. Other words are no tier."""
    declared = {
        tier: f"the header of {service.name}"
        for service in reversed(profile.services)
        if service.header is not None and (tier := WORDS.get((service.header.criticality or "").strip().lower()))
    }
    if not declared or demand.criticality is None or declared.keys() == {demand.criticality}:
        return
    tiers: dict[Criticality, str] = {**declared, demand.criticality: _DESCRIBED}
    strongest = demand.criticality
    for tier in tiers:
        strongest = stronger(strongest, tier)
    said: list[Said] = list(tiers.items())
    yield _doubt(
        "criticality",
        f"How critical is it? The description says {demand.criticality}, "
        f"{_and(f'{who} says {tier}' for tier, who in declared.items())}.",
        f"{strongest}, the stronger of both",
        sorted(said, key=lambda one: one[0] != strongest),
        evidence=_headers(profile.services, "criticality"),
    )


def _place(demand: Demand) -> Iterable[Doubt]:
    """Two namespaces or clusters in one description; the first one counts."""
    for key, first in (("namespace", demand.namespace), ("cluster", demand.cluster)):
        others = [name for name in rivals(demand, key) if name != first]
        if first is None or not others or demand.answer(key):
            continue
        names = (first, *others)
        yield _doubt(
            key,
            f"Which {key} is meant? The description names {_and(names)}.",
            f"{first}, the one that is named first",
            [(name, _DESCRIBED) for name in names],
        )


def _misread(demand: Demand) -> Iterable[Doubt]:
    """Answers that are none."""
    for text in demand.unknown_numbers:
        problem = problem_with_answer(text)
        if problem is not None:
            yield Doubt(
                path="demand",
                question=f"The answer {text} was not understood: {problem}.",
                assumed="nothing was settled by it",
                answer="app_description: the same text with a right answer in its place, such as [qps=500]",
            )


def _declared(services: Iterable[Service], field: str) -> list[tuple[float, str]]:
    """The numbers that headers state, each once, with the service."""
    found: dict[float, str] = {}
    for service in services:
        value = stated(getattr(service.header, field)) if service.header is not None else None
        if value is not None:
            found.setdefault(value, f"the header of {service.name}")
    return list(found.items())


def _headers(services: Iterable[Service], field: str) -> tuple[Evidence, ...]:
    headers = [service.header for service in services if service.header is not None]
    return tuple(header.evidence for header in headers if getattr(header, field) is not None)


def _once(said: Iterable[tuple[float, str]]) -> list[Said]:
    """Each number once, as an answer writes it."""
    found: dict[str, str] = {}
    for value, who in said:
        found.setdefault(f"{value:.3f}".rstrip("0").rstrip("."), who)
    return list(found.items())


def _and(words: Iterable[str]) -> str:
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last
