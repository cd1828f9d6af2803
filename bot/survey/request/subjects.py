"""What a request is about: each noun that stands for machines or a cluster, with its count and its part of the text.

In: the text with names and addresses hidden. Out: ``Subject`` values in reading order. Never: a noun that names where
something runs ("on the prod cluster"), or a part of another noun ("cluster dashboard", "SQL Server").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final, Literal

from bot.model.profile import DependencyKind
from bot.model.wishes import MachineRole
from bot.survey.description.dependencies import DEPENDENCIES
from bot.survey.description.negation import is_denied
from bot.survey.description.numbers import NUM
from bot.survey.request.rule import TAKEN

MOST_SUBJECTS: Final = 20
"""Kinds of machines and clusters in one request; a text with more of one word is refused."""

Strength = Literal["strong", "weak", "purpose"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One noun phrase. ``counted`` is the number as written; ``noun``: a word for a machine or database stands in it.

    ``strength``: strong words name machines and nothing else; weak ones appear in descriptions of applications too; a
    purpose (an engine, "web application") is a machine only beside other words. ``begin`` to ``stop`` is its part of
    the text. ``machines``: how many a cluster is made of ("cluster of 3 VMs"), as written.
    """

    start: int
    end: int
    begin: int = 0
    stop: int = 0
    cluster: bool = False
    container: bool | None = None
    role: MachineRole = "server"
    engine: DependencyKind | None = None
    counted: str | None = None
    strength: Strength = "weak"
    noun: bool = True
    definite: bool = False
    machines: str | None = None
    words: str = ""


_NOT_OF: Final = r"(?![- ](?:wide|aware|manage[rd]|management|managers?|dashboards? (?:for|in)|monitor\w*|autoscal\w*|apis?|ui|software|inventory|fleet|billing|console|controller app|visuali[sz]er|simulator|platform|learning|room|images?|names?|operators?|hosting|provider|registry|orchestrat\w*)\b)"
_VM: Final = r"vms?|virtual (?:machines?|servers?)|vps|qemu (?:guests?|vms?)"
_LXC: Final = (
    r"lxcs?(?: (?:containers?|guests?|cts?))?|(?:linux|proxmox|system) containers?|cts?(?= (?:named|called|with))"
)
_KIND: Final = r"(?=\s(?:vms?|virtual|machines?|servers?|lxc|containers?|nodes|box(?:es)?)\b)"
_OTHER_CLUSTERS: Final = re.compile(
    r"\b(?:redis|kafka|mongo\w*|postgres\w*|elastic\w*|open ?search|etcd|rabbit\w*|galera|proxmox|pve|ceph|hadoop|spark|database|db|my ?sql|maria ?db|"
    r"consul|nats|docker|swarm|nomad|cassandra|valkey|minio|storage|server|vm)[ -]$|"
    r"\b(?:on|to|in|into|onto|at|inside|within|across)\s(?:(?:the|our|my|an?|its|their|your)\s)?(?:[\w"
    + TAKEN
    + r".-]{1,40}\s){0,3}$|"
    r"\b(?:of|from)\s(?:(?:the|our|my|its|their|your)\s)?$|"
    r"\b(?:existing|our|my|their|current)\s(?:[\w" + TAKEN + r".-]{1,40}\s){0,2}$",
    re.IGNORECASE,
)
_HEADS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w/]|\.\w){_NOT_OF}", re.IGNORECASE))
    for name, pattern in (
        ("cluster", r"(?:(?:kubernetes|k8s)\s)?clusters?"),
        ("development", r"dev(?:elopment|eloper)?[- ](?:environments?|env|machines?|box(?:es)?|workstations?|servers?|vms?|desktops?)|workstations?"),
        ("load-balancer", r"load[- ]?balancers?|haproxy|reverse prox(?:y|ies)"),
        ("web", rf"web ?servers?|(?:nginx|apache|http) (?:web ?)?servers?|(?:web|front-?end){_KIND}"),
        ("web-application", r"(?:load[- ]balanced )?web[- ]?(?:applications?|apps?|sites?)"),
        ("database-noun", r"(?:database|db)s?(?: (?:servers?|machines?|vms?))?|(?:sql)(?= server)"),
        ("lxc", _LXC),
        ("vm", _VM),
        ("container", r"containers?"),
        ("server", r"servers?|machines?|box(?:es)?"),
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """What one of the nouns above stands for."""

    role: MachineRole = "server"
    container: bool | None = None
    strength: Strength = "weak"


_KINDS: Final[Mapping[str, _Kind]] = {
    "vm": _Kind(container=False, strength="strong"),
    "lxc": _Kind(container=True, strength="strong"),
    "container": _Kind(container=True),
    "server": _Kind(),
    "web": _Kind(role="web"),
    "web-application": _Kind(role="web", strength="purpose"),
    "load-balancer": _Kind(role="load-balancer"),
    "development": _Kind(role="development"),
    "database-noun": _Kind(role="database"),
}
_ENGINES: Final = tuple(
    (rule, re.compile(rule.pattern, re.IGNORECASE))
    for rule in DEPENDENCIES
    if rule.id.removeprefix("needs-") not in {"s3", "spanner", "smtp", "sqlite"}
)
_NO_SPREAD: Final = r"(?!(?:with|for|and|on|in|to|of|by|from|behind|at|per|plus|or|each)\s)"
_COUNT: Final = re.compile(rf"(?P<c>{NUM})(?:\s?x)?\s(?:{_NO_SPREAD}[^\s,.;:()]{{1,60}}\s){{0,6}}$", re.IGNORECASE)
_PAIR: Final = re.compile(r"\b(?:an? )?(?P<c>pair|couple)\s(?:of )?(?:[^\s,.;:()]{1,60}\s){0,3}$", re.IGNORECASE)
_DEFINITE: Final = re.compile(r"\b(?:the|this|that|these|those|each|every|per|all|its|both|any)\s$", re.IGNORECASE)
_JOINS: Final = re.compile(
    rf"(?:\s|\s?[-/(]\s?|(?:\s{TAKEN}+)?\s(?:(?:for|to|that|which|as|on|in|inside|of|with|is)\s)?(?:(?:run|runs|running|host|hosts|hosting|serv(?:e|es|ing)|using|use|install(?:ed)?|be)\s)?"
    r"(?:(?:as|for|on|in)\s)?(?:(?:an?|one|our|the|my)\s)?(?:(?:small|large|big|single|new|production|prod|dev|staging|test)\s){0,2})",
    re.IGNORECASE,
)
_MADE_OF: Final = re.compile(rf"(?:\s{TAKEN}+)*\s(?:of|with|on|from|across)\s", re.IGNORECASE)
_WITH: Final = re.compile(r"\swith\s", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[,;.+]\s|\sand\s|\splus\s|\s\+\s|\sthen\s|\bbehind\s|\bwith\s", re.IGNORECASE)
_DOCKER: Final = re.compile(r"\b(?:docker|podman|kubernetes|k8s|oci|image registry|compose|pods?)\b", re.IGNORECASE)


def find_subjects(text: str) -> tuple[Subject, ...]:
    """Every subject of the text, joined where one noun says what the other is for, with the part that it owns."""
    joined: list[Subject] = []
    for one in sorted(_heads(text), key=lambda subject: subject.start):
        last = joined[-1] if joined else None
        together = None if last is None else _together(last, one, text)
        if together is not None:
            joined[-1] = together
        elif not (one.definite and joined and not one.engine):
            joined.append(one)
    return _parted(tuple(joined), text)


def _heads(text: str) -> list[Subject]:
    found: list[Subject] = []
    for rule, pattern in _ENGINES:
        for match in islice(pattern.finditer(text), MOST_SUBJECTS):
            [wanted] = rule.changes(match)["dependencies"]
            noun = re.search(r"\s(?:database|db)$", match[0], re.IGNORECASE) is not None
            if not is_denied(text, *match.span()):
                found.append(_subject(text, match, role="database", engine=wanted.kind, strength="purpose", noun=noun))
    taken = [(one.start, one.end) for one in found]
    for name, head in _HEADS:
        for match in islice(head.finditer(text), MOST_SUBJECTS):
            free = all(match.end() <= start or end <= match.start() for start, end in taken)
            subject = _head(name, match, text) if free else None
            if subject is not None:
                found.append(subject)
                taken.append(match.span())
    return found


def _head(name: str, match: re.Match[str], text: str) -> Subject | None:
    if is_denied(text, *match.span()) or (name == "container" and _DOCKER.search(text)):
        return None
    if name == "cluster":
        placed = _OTHER_CLUSTERS.search(text[max(0, match.start() - 160) : match.start()])
        return None if placed else _subject(text, match, cluster=True, strength="strong")
    kind = _KINDS[name]
    return _subject(
        text, match, role=kind.role, container=kind.container, strength=kind.strength, noun=kind.strength != "purpose"
    )


def _subject(
    text: str,
    match: re.Match[str],
    *,
    cluster: bool = False,
    container: bool | None = None,
    role: MachineRole = "server",
    engine: DependencyKind | None = None,
    strength: Strength = "weak",
    noun: bool = True,
) -> Subject:
    before = text[max(0, match.start() - 120) : match.start()]
    count = _COUNT.search(before) or _PAIR.search(before)
    start = match.start() if count is None else match.start() - len(before) + count.start("c")
    counted = None if count is None else {"pair": "2", "couple": "2"}.get(count["c"].lower(), count["c"])
    return Subject(
        start=start, end=match.end(), cluster=cluster, container=container, role=role, engine=engine, counted=counted,
        strength=strength, noun=noun, words=match[0].lower(),
        definite=_DEFINITE.search(before) is not None and counted is None,
    )  # fmt: skip


def _together(last: Subject, one: Subject, text: str) -> Subject | None:
    """One subject of two nouns, or None when they are two things."""
    gap = text[last.end : max(last.end, one.start)]
    if last.cluster and not one.cluster and one.counted and one.role == "server" and _MADE_OF.fullmatch(gap):
        return replace(last, end=one.end, machines=one.counted)
    adjacent = gap.strip(" -") == ""
    if last.cluster or one.cluster or (not adjacent and _JOINS.fullmatch(gap) is None):
        return None
    if adjacent and one.counted is not None and last.counted is None and one.start > last.end:
        return None
    generic = "server" in {last.role, one.role} or (last.role == one.role == "database")
    if not adjacent and (not generic or (one.counted and last.counted)):
        return None
    if not adjacent and one.role == "load-balancer" and _WITH.search(gap):
        return None
    return _merged(last, one, adjacent=adjacent)


def _merged(last: Subject, one: Subject, *, adjacent: bool) -> Subject:
    role = one.role if last.role == "server" else last.role
    if adjacent and "development" in {last.role, one.role} and one.role != "server":
        role = one.role
    container = last.container if last.container is not None else one.container
    order: tuple[Strength, ...] = ("strong", "weak", "purpose")
    return replace(
        last, end=one.end, role=role, engine=last.engine or one.engine,
        counted=last.counted or (one.counted if one.start >= last.end else None), container=container,
        strength=min(last.strength, one.strength, key=order.index), noun=last.noun or one.noun,
        words=f"{last.words} {one.words}",
    )  # fmt: skip


def _parted(subjects: Sequence[Subject], text: str) -> tuple[Subject, ...]:
    """Each subject owns the text from the last separator before it to the beginning of the next one's."""
    if not subjects:
        return ()
    begins = [0]
    for before, one in pairwise(subjects):
        gaps = [match.end() for match in _SEPARATOR.finditer(text, before.end, one.start)]
        begins.append(gaps[-1] if gaps else one.start)
    ends = [*begins[1:], len(text)]
    return tuple(replace(one, begin=begin, stop=stop) for one, begin, stop in zip(subjects, begins, ends, strict=True))
