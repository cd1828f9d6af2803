"""Reads a request for machines or a whole cluster by tables of phrases and presets.

In: the text. Out: ``Wishes``, or a ``Refusal`` (``syntax``, ``name``, ``policy``) that shows a right form. Never: a
number that is dropped silently, a guess at what no phrase says.

Phrases with their own words first (names, addresses, sizes), then the nouns that they belong to, then what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.model.decision import Decision
from bot.model.demand import Demand, Phrase
from bot.model.profile import Doubt
from bot.model.wishes import ClusterWish, MachineWish, Wishes
from bot.survey.description.answers import Taken, take_answers
from bot.survey.description.reading import read_description
from bot.survey.request.cluster_rules import ADDON_RULES, CLUSTER
from bot.survey.request.clusters import cluster_wish, recognised_preset
from bot.survey.request.decide import implied_cluster, is_request
from bot.survey.request.facts import Facts, Report, doubt, gathered
from bot.survey.request.machines import MOST_MACHINES, Setting, balancer_for, checked_names, machine_wish
from bot.survey.request.placement import NETWORK, PLACEMENT, PROTECTION
from bot.survey.request.rule import LONGEST, TAKEN, Said, compiled, hidden, plain, prepared, recognised, shown
from bot.survey.request.sizes import SIZES, whole
from bot.survey.request.sources import NAMES, SOURCES
from bot.survey.request.subjects import MOST_SUBJECTS, Subject, find_subjects

RULES: Final = (*NAMES, *SOURCES, *NETWORK, *PLACEMENT, *CLUSTER, *SIZES, *PROTECTION)
"""In the order in which they are tried: names first, then addresses, then sizes, then words."""
_FIRST: Final = compiled(RULES)
_ADDONS: Final = compiled(ADDON_RULES)
NO_REQUEST: Final = "No request for machines was read"
"""How the refusal of a text begins that speaks of no machine."""
_REMEDY: Final = "Name machines or a cluster, such as `two web server VMs with 4 cores and 8 GB RAM` or `dev cluster`."
_WORD_NUMBER: Final = (
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|"
    r"dozens?|hundreds?|thousands?|several|multiple|many)\b"
)
_LEFT: Final = re.compile(
    rf"(?:[^\s,;()\"'{TAKEN}]{{0,20}}\d[^\s,;()\"'{TAKEN}]{{0,20}}|{_WORD_NUMBER})(?:\s[a-z%/][a-z%/-]{{0,14}}){{0,2}}",
    re.IGNORECASE,
)
_SIZE: Final = re.compile(r"\d[\d.]*\s?[kmgt]i?b?\b", re.IGNORECASE)
_FOR_ALL: Final = re.compile(r"[,;.]\s(?:and\s)?(?:each|all)\b", re.IGNORECASE)
_ONCE: Final = frozenset({"source", "pool"})
_MOST_DOUBTS: Final = 20
_WEB_APPLICATION: Final = re.compile(r"web[- ]?(?:app|site)")
_ENVIRONMENTS: Final = {
    "prod": "production", "production": "production", "staging": "staging", "dev": "development",
    "development": "development", "test": "test", "testing": "test",
}  # fmt: skip
_ENVIRONMENT: Final = re.compile(rf"\b({'|'.join(_ENVIRONMENTS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Heard:
    """A text that is a request: its phrases, its subjects, and what no phrase took."""

    whole: str
    left: str
    said: tuple[Said, ...]
    subjects: tuple[Subject, ...]
    demand: Demand
    answers: Taken


def read_request(text: str) -> Wishes | Refusal:
    """Typed wishes of a request. Time grows linearly with the text's length.

    A text that names no machine or cluster (an application's description) is refused with ``syntax``.
    """
    if len(text) > LONGEST:
        return _no_request(f"a request has at most {LONGEST:,} characters")
    heard = _heard(text)
    if isinstance(heard, Refusal):
        return heard
    try:
        return _wishes(heard)
    except Refused as stop:
        return stop.refusal


def _no_request(why: str) -> Refusal:
    return Refusal(code=Code.SYNTAX, message=f"{NO_REQUEST}: {why}.", remedy=_REMEDY)


def _heard(text: str) -> _Heard | Refusal:
    answers = take_answers(text)
    whole = prepared(answers.text)
    said, left = recognised(whole, whole, _FIRST)
    demand = read_description(left.replace(TAKEN, " "))
    subjects = find_subjects(left) or implied_cluster(whole, said, demand)
    if not is_request(left, subjects, said, demand):
        return _no_request(f"{shown(text)} names no machine or cluster")
    if len(subjects) >= MOST_SUBJECTS:
        return _no_request(f"one request names at most {MOST_SUBJECTS - 1} kinds of machines")
    subjects = _meant(subjects, said)
    added, left = _addons(whole, left, subjects)
    left = hidden(left, [(one.start, one.end) for one in subjects])
    ordered = sorted((*said, *added), key=lambda one: one.start)
    return _Heard(whole, left, tuple(ordered), subjects, demand, answers)


def _meant(subjects: Sequence[Subject], said: Sequence[Said]) -> tuple[Subject, ...]:
    """Without nouns that only say what another one is for; what they owned goes to the one before them."""
    balanced = any(one.changes.get("balanced") for one in said) or any(one.role == "load-balancer" for one in subjects)
    kept: list[Subject] = []
    for one in subjects:
        idle = one.strength == "purpose" and not one.noun and _adds_nothing(one, kept, balanced=balanced)
        if idle and (kept or len(subjects) > 1):
            kept[-1:] = [replace(last, stop=one.stop) for last in kept[-1:]]
        else:
            kept.append(one if kept else replace(one, begin=0))
    return tuple(kept)


def _adds_nothing(one: Subject, kept: Sequence[Subject], *, balanced: bool) -> bool:
    """A web application without balancing says what the machines are for; an engine beside a cluster runs inside it."""
    return (one.role == "web" and not balanced) or bool(kept and kept[-1].cluster)


def _addons(whole: str, left: str, subjects: Sequence[Subject]) -> tuple[list[Said], str]:
    """Add-ons are looked for in the parts that clusters own."""
    found: list[Said] = []
    for one in subjects:
        if one.cluster:
            outside = hidden(left, [(0, one.begin), (one.stop, len(left))])
            said, rest = recognised(whole, outside, _ADDONS)
            found += said
            left = left[: one.begin] + rest[one.begin : one.stop] + left[one.stop :]
    return found, left


def _wishes(heard: _Heard) -> Wishes:
    """Raises ``Refused``."""
    refusal = next((one.refusal for one in heard.said if one.refusal is not None), None)
    if refusal is not None:
        raise Refused(refusal)
    report = Report()
    environment = _environment(heard)
    setting = _setting(heard, environment)
    machines, clusters = list[MachineWish](), list[ClusterWish]()
    for subject, facts in _parts(heard):
        if subject.cluster:
            clusters.append(_cluster(subject, facts, heard, report))
        else:
            machines.append(machine_wish(subject, facts, setting, report, others=machines))
        report.idle += facts.idle
    _balance(machines, setting, report)
    checked_names([*machines])
    _distinct([*machines, *clusters])
    return _reported(heard, report, environment, machines, clusters)


def _parts(heard: _Heard) -> Iterator[tuple[Subject, Facts]]:
    """Each subject with its facts; what is said once for all machines counts for each of them."""
    shared = _FOR_ALL.search(heard.left, heard.subjects[-1].end)
    border = len(heard.whole) if shared is None else shared.start()
    once = {name for name in _ONCE if sum(one.rule.field == name for one in heard.said) == 1}
    for subject in heard.subjects:
        own = [
            one
            for one in heard.said
            if subject.begin <= one.start < subject.stop
            or one.start >= border
            or (not subject.cluster and one.rule.field in once)
        ]
        yield subject, gathered([one for one in own if one.rule.id != "balanced"])


def _setting(heard: _Heard, environment: str | None) -> Setting:
    balanced = any(one.changes.get("balanced") for one in heard.said) or any(
        one.role == "load-balancer" for one in heard.subjects
    )
    if any(one.changes.get("ha") for one in heard.said):
        return Setting(balanced=balanced, lasting=True, why_lasting="high availability was asked for")
    return Setting(
        balanced=balanced, lasting=environment == "production", why_lasting="production must bear the loss of one"
    )


def _cluster(subject: Subject, facts: Facts, heard: _Heard, report: Report) -> ClusterWish:
    spans = [(one.start, one.end) for one in heard.said if one.rule.id != "ha" and one.rule.about != "add-ons"]
    words, tail = hidden(heard.whole, spans)[subject.begin : subject.end], heard.left[subject.end : subject.stop]
    if subject.machines is not None and facts.get("nodes") is None:
        facts.values["nodes"] = whole(subject.machines, least=1, most=MOST_MACHINES, what="machines")
        facts.phrases["nodes"] = f"{subject.machines} machines"
    preset = recognised_preset(words, tail, ha=bool(facts.get("ha")))
    wish = cluster_wish(preset, facts, report)
    if subject.counted is not None and subject.counted.lower() not in {"1", "one"}:
        question = f"{plain(subject.counted)} clusters: one request builds one of a kind. Which further ones?"
        report.unsure.append(doubt(f"clusters.{wish.name}", question, assumed="one cluster", answer="one cluster"))
    return wish


def _balance(machines: list[MachineWish], setting: Setting, report: Report) -> None:
    web = next((wish for wish in machines if wish.role == "web"), None)
    if web is not None and setting.balanced and not any(wish.role == "load-balancer" for wish in machines):
        machines.append(balancer_for(web, setting, report))


def _distinct(wishes: Sequence[MachineWish | ClusterWish]) -> None:
    names = [wish.name for wish in wishes]
    if len(set(names)) < len(names):
        message = f"two things would be named {shown(max(names, key=names.count))}."
        raise Refused(Refusal(code=Code.NAME, message=message, remedy="Give each one a name: `dev cluster named lab`."))


def _environment(heard: _Heard) -> str | None:
    if heard.demand.environment is not None:
        return heard.demand.environment
    for one in heard.subjects:
        found = _ENVIRONMENT.search(heard.whole, one.begin, one.end)
        if found is not None:
            return _ENVIRONMENTS[found[1].lower()]
    return None


def _reported(
    heard: _Heard,
    report: Report,
    environment: str | None,
    machines: Sequence[MachineWish],
    clusters: Sequence[ClusterWish],
) -> Wishes:
    answered = heard.answers
    criticality = next((one.value for one in answered.settled if one.key == "criticality"), heard.demand.criticality)
    left = list(dict.fromkeys((*(plain(item[0]) for item in _LEFT.finditer(heard.left)), *map(plain, answered.wrong))))
    return Wishes.model_validate(
        {
            "name": _folder(heard.subjects[0], machines, clusters, named=_named(report)),
            "environment": environment,
            "criticality": criticality,
            "machines": tuple(machines),
            "clusters": tuple(clusters),
            "decisions": (*report.decisions, *_placed(environment, criticality)),
            "unsure": (*report.unsure, *map(_unknown, left[:_MOST_DOUBTS])),
            "phrases": (*report.phrases, *answered.phrases),
            "not_acted_on": (*report.idle, *answered.not_acted_on, *map(_left_over, left)),
        }
    )


def _named(report: Report) -> frozenset[str]:
    return frozenset(phrase.value for phrase in report.phrases if str(phrase.field).endswith(".name"))


def _folder(
    first: Subject, machines: Sequence[MachineWish], clusters: Sequence[ClusterWish], *, named: frozenset[str]
) -> str:
    """The slug of the request's folder: a name that was given, else what the first machines are for."""
    if clusters:
        return clusters[0].name
    if machines[0].name in named:
        return machines[0].name
    if _WEB_APPLICATION.search(first.words):
        return "web-application"
    return (first.engine or first.role) if first.role == "database" else first.role


def _placed(environment: str | None, criticality: str | None) -> Iterator[Decision]:
    for name, value in (("environment", environment), ("criticality", criticality)):
        if value is not None:
            why = "the request's words name it or imply it"
            yield Decision(
                path=f"request.{name}", value=value, origin="user", why=why, source="the request", tag="user"
            )


def _unknown(text: str) -> Doubt:
    if _SIZE.search(text):
        return doubt(
            "request",
            f"Is {text} memory or disk?",
            assumed="neither: it changes nothing",
            answer=f"{text.partition(' ')[0]} RAM",
        )
    return doubt(
        "request", f"What is {text}? No phrase took it.", assumed="nothing: it changes nothing", answer="4 cores"
    )


def _left_over(text: str) -> Phrase:
    return Phrase(text=text, field=None, value="", note="not understood: no phrase took it")
