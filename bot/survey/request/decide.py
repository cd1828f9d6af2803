"""Whether a text asks for machines at all, or describes an application.

In: subjects, phrases, the text. Out: yes or no. Never: a guess in favour of machines; an application's description that
mentions a server stays one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.model.demand import Demand
from bot.survey.request.rule import TAKEN, Said
from bot.survey.request.subjects import Subject

_ASKED: Final = (
    r"^\s(?:(?:please|hi|hello|hey)[,!]?\s)?(?:(?:can|could|would) you (?:please )?)?"
    r"(?:(?:i|we)(?:'d| would)? (?:like|want|need)\s)?(?:to\s)?"
    r"(?:(?:create|build|make|provision|deploy|set ?up|spin up|add|give|get|start|launch|order|request|need|want)\s)?"
    r"(?:(?:me|us)\s)?"
    r"(?:(?:an?|the|some|one|another|new|\d{1,9})\s){0,2}"
)
_WORD: Final = rf"[\w{TAKEN}/.+-]{{1,60}}"
_KNOWN: Final = (
    rf"(?:{TAKEN}+|production|prod|staging|dev|development|test|small|large|big|tiny|new|single|simple|basic|minimal|internal|public|private|dedicated|linux|"
    r"web|dns|mail|monitoring|backup|jump|bastion|build|runner|ci|file|nfs|git|proxy|vpn|log|shared|redundant|clustered|relational|python|java|php|go|rust|ruby|node\.?js|\d{1,9}|"
    r"two|three|four|five|six|seven|eight|nine|ten)"
)
_LINK: Final = r"(?!(?:for|of|on|in|to|that|which|with|from|by|and|about|manag\w+|monitor\w+)\s)"
_LEADS_STRONGLY: Final = re.compile(rf"{_ASKED}(?:{_LINK}{_WORD}\s){{0,5}}$", re.IGNORECASE)
_LEADS: Final = re.compile(rf"{_ASKED}(?:{_KNOWN}\s){{0,5}}$", re.IGNORECASE)
_APPLICATION: Final = re.compile(
    r"^[^,.;:]{0,80}?\b(?:services?|micro-?services?|apis?|apps?|applications?|back-?ends?|front-?ends?|platforms?|shops?|stores?|portals?|bots?|crawlers?|pipelines?|games?|systems?|tools?|"
    r"websites?|blogs?|engines?|gateways?|libraries|library|projects?|products?)\b",
    re.IGNORECASE,
)
_HARDWARE: Final = frozenset({"cores", "source", "nics", "node", "datastore", "pool"})
_OF_CLUSTERS: Final = frozenset({"workers", "control_planes", "nodes"})


def is_request(text: str, subjects: Sequence[Subject], said: Sequence[Said], demand: Demand) -> bool:
    """``text`` has its phrases hidden; ``demand`` is what the same text says of an application."""
    fields = {str(one.rule.field) for one in said if not one.denied}
    return any(_asks(one, text, fields, described=_describes(text, one, demand)) for one in subjects)


def _asks(one: Subject, text: str, fields: set[str], *, described: bool) -> bool:
    if one.definite:
        return False
    leads = _leads(one, text)
    if one.cluster:
        return leads or bool(fields & _OF_CLUSTERS) or not described
    if one.strength == "purpose" and not one.noun:
        return leads and not described and ("connections" in fields or one.role == "web" or bool(fields & _HARDWARE))
    if described:
        return one.strength == "strong" and (leads or bool(fields & _HARDWARE))
    return one.strength == "strong" or leads or one.counted is not None or bool(fields & _HARDWARE)


def _leads(one: Subject, text: str) -> bool:
    pattern = _LEADS_STRONGLY if one.strength == "strong" or one.role == "development" else _LEADS
    return pattern.match(text[: one.start]) is not None if one.start < 400 else False


def _describes(text: str, one: Subject, demand: Demand) -> bool:
    """Whether the text reads as an application: code, rates, latency, or a program's noun before the subject."""
    code = bool(demand.frameworks) or (bool(demand.languages) and one.role != "development")
    rates = any(value is not None for value in (demand.qps_peak, demand.qps_average, demand.latency_ms, demand.payload))
    if one.engine is not None and _leads(one, text) and not code:
        return False
    return (
        code
        or rates
        or demand.strong_consistency
        or demand.session_affinity
        or _APPLICATION.match(text[: one.start]) is not None
    )


_STAGE: Final = re.compile(
    rf"{_ASKED}(?P<stage>(?:production|prod|staging|dev|development|test)(?: environment| env| stage)?)"
    r"(?=\s(?:with|using|and|on)\b|\s?[,:])",
    re.IGNORECASE,
)
_KUBERNETES: Final = re.compile(
    rf"{_ASKED}(?:[\w.-]{{1,40}}\s){{0,3}}(?:kubernetes|k8s|k3s|rke2)\b(?![\w-])", re.IGNORECASE
)
_ONLY_IN_CLUSTERS: Final = re.compile(
    r"\b(?:calico|cilium|flannel|ingress|metal ?lb|longhorn|metrics-server|cert-manager|argo ?cd)\b", re.IGNORECASE
)


def implied_cluster(whole: str, said: Sequence[Said], demand: Demand) -> tuple[Subject, ...]:
    """A cluster that no noun names: "staging with calico and ingress", "Kubernetes with 3 workers"."""
    if demand.languages or demand.frameworks or demand.dependencies or demand.qps_peak is not None:
        return ()
    fields = {str(one.rule.field) for one in said}
    named = _STAGE.match(whole) if _ONLY_IN_CLUSTERS.search(whole) else None
    found = named or (_KUBERNETES.match(whole) if fields & (_OF_CLUSTERS | {"cni"}) else None)
    if found is None:
        return ()
    return (
        Subject(
            start=found.end() - 1,
            end=found.end(),
            begin=0,
            stop=len(whole),
            cluster=True,
            strength="strong",
            words="cluster",
        ),
    )
