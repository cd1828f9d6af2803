"""What is counted and timed, and the one page on which Prometheus reads it.

In: verbs of the server and of the workers, rows and counts of the ledger. Out: Prometheus text. Never: people's text in
a label (names, logins and words stay in the audit log), a registry that two owners share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.model.job import Backlog, WorkerRow
from bot.model.refusal import Code

Result = Literal[
    "stored",
    "seen",
    "altered",
    "ignored",
    "unsigned",
    "too-big",
    "wrong-type",
    "nameless",
    "slow",
    "gone",
    "full",
    "down",
]
"""What became of a webhook. ``ignored``: an event that nobody asked for. ``nameless``: no delivery id. ``gone``: the
sender hung up. ``full``: too many wait. ``down``: the ledger did not store it."""

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the page."""
ALIVE: Final = timedelta(seconds=60)
"""A worker that reported within this time works."""
OTHER: Final = "other"
"""Stands for a label value that is no identifier."""

_ACK: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_STEP: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
_COMMAND: Final = re.compile(r"/?[a-z-]{1,30}", re.ASCII)
_DOOR: Final = frozenset({"ai_provision_webhooks", "ai_provision_ack_seconds"})
"""Families of the server: in a worker's report they are always zero."""
_CODES: Final = frozenset(Code)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the ledger knows at the moment of a scrape. ``outcomes`` by (command, kind, code), ``thumbs`` by value."""

    backlog: Backlog
    outcomes: Mapping[tuple[str, str, str], int]
    thumbs: Mapping[str, int]
    now: datetime


class Meters:
    """The counters and clocks of one process, apart from those of every other owner."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._webhooks = Counter("ai_provision_webhooks", "Webhook deliveries by result.", ["result"], registry=own)
        self._results = {result: self._webhooks.labels(result) for result in get_args(Result)}
        self._ack = Histogram(
            "ai_provision_ack_seconds", "From a delivery's headers to its durable 202.", buckets=_ACK, registry=own
        )
        self._steps = Histogram(
            "ai_provision_step_seconds", "Time of one step of a command.", ["step"], buckets=_STEP, registry=own
        )
        self._parked = Counter(
            "ai_provision_parked_seconds", "Time in which commands waited for a limit.", ["step"], registry=own
        )
        self._calls = Counter("ai_provision_github_calls", "Calls to GitHub by outcome.", ["outcome"], registry=own)
        self._budget = Gauge(
            "ai_provision_github_budget_remaining", "GitHub's rate limit, what is left.", ["installation"], registry=own
        )
        self._recovered = Counter(
            "ai_provision_recovered", "Commands taken over from a worker that is gone.", registry=own
        )

    def step(self, name: str, seconds: float) -> None:
        """A step of a command ran so long."""
        self._steps.labels(_identifier(name)).observe(max(0.0, seconds))

    def waited(self, name: str, seconds: float) -> None:
        """A step was parked for a limit so long."""
        self._parked.labels(_identifier(name)).inc(max(0.0, seconds))

    def github_call(self, outcome: str) -> None:
        """One call to GitHub: a status such as ``200``, or a word such as ``timeout``."""
        self._calls.labels(_identifier(outcome)).inc()

    def budget(self, installation: str, remaining: int) -> None:
        """What GitHub said is left for an installation (its number, or a word for a plain token)."""
        self._budget.labels(_identifier(installation)).set(remaining)

    def recovered(self, count: int) -> None:
        """So many commands were taken over."""
        self._recovered.inc(count)

    def webhook(self, result: Result) -> None:
        """A delivery was answered."""
        self._results[result].inc()

    def ack(self, seconds: float) -> None:
        """A delivery was on disk and answered after so many seconds."""
        self._ack.observe(seconds)

    def families(self) -> list[Metric]:
        """Everything of this process, without the creation times that no rule of ours reads."""
        return [_plain(family) for family in self._registry.collect()]

    def text(self) -> str:
        """Prometheus text of this process: what a worker reports."""
        return _text(self.families())


def merged(own: Meters, rows: Sequence[WorkerRow], facts: Facts | None) -> str:
    """One page: this process, the last report of every worker (label ``worker``), and the ledger's own counts.

    ``facts`` None: the ledger did not answer; its families are left out and ``ai_provision_ledger_up`` is 0.
    """
    page = {family.name: family for family in own.families()}
    for row in rows:
        for family in _reported(row):
            _join(page, family)
    for family in (_up(facts), *(_computed(rows, facts) if facts else ())):
        page[family.name] = family
    return _text(page.values())


def alive(rows: Iterable[WorkerRow], now: datetime) -> int:
    """How many workers reported within the last minute."""
    return sum(now - row.seen_at <= ALIVE for row in rows)


class _Page:
    """What ``generate_latest`` reads: families that are already collected."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def _text(families: Iterable[Metric]) -> str:
    return generate_latest(_Page(families)).decode()


def _plain(family: Metric) -> Metric:
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family


def _reported(row: WorkerRow) -> list[Metric]:
    """A worker's report with its name on every sample; nothing of a report that is no Prometheus text."""
    worker = _identifier(row.id)
    try:
        families = [_plain(family) for family in text_string_to_metric_families(row.metrics)]
    except ValueError:
        structlog.get_logger("ai_provision.metrics").warning("unreadable-report", worker=worker)
        return []
    for family in families:
        family.samples = [sample._replace(labels={**sample.labels, "worker": worker}) for sample in family.samples]
    return [family for family in families if family.name.startswith("ai_provision_") and family.name not in _DOOR]


def _join(page: dict[str, Metric], family: Metric) -> None:
    """One HELP and TYPE for each family; another version's type for the same name gives way."""
    there = page.get(family.name)
    if there is None:
        page[family.name] = family
    elif there.type == family.type:
        there.samples = [*there.samples, *family.samples]


def _up(facts: Facts | None) -> Metric:
    what = "Whether the ledger answered this scrape."
    return GaugeMetricFamily("ai_provision_ledger_up", what, value=0 if facts is None else 1)


def _computed(rows: Sequence[WorkerRow], facts: Facts) -> Iterable[Metric]:
    waits = facts.backlog
    gauges = (
        ("events_waiting", "Events stored and not yet read by a worker.", waits.events),
        ("event_age_seconds", "Age of the oldest of them.", waits.event_age),
        ("commands_waiting", "Commands that have no visible end yet.", waits.commands),
        ("command_age_seconds", "Age of the oldest of them.", waits.command_age),
        ("workers", "Workers that reported within the last minute.", alive(rows, facts.now)),
    )
    for name, what, value in gauges:
        yield GaugeMetricFamily(f"ai_provision_{name}", what, value=value)
    yield _outcomes(facts.outcomes)
    thumbs = CounterMetricFamily("ai_provision_feedback", "Thumbs under status comments.", labels=["value"])
    for thumb in ("up", "down"):
        thumbs.add_metric([thumb], facts.thumbs.get(thumb, 0))
    yield thumbs


def _outcomes(ended: Mapping[tuple[str, str, str], int]) -> Metric:
    counts: dict[tuple[str, str, str], int] = {}
    for (command, kind, code), count in ended.items():
        key = (
            command if _COMMAND.fullmatch(command) else OTHER,
            _identifier(kind),
            code if not code or code in _CODES else OTHER,
        )
        counts[key] = counts.get(key, 0) + count
    family = CounterMetricFamily(
        "ai_provision_commands", "Ended commands by outcome.", labels=["command", "kind", "code"]
    )
    for labels, count in sorted(counts.items()):
        family.samples.append(
            Sample("ai_provision_commands_total", dict(zip(("command", "kind", "code"), labels, strict=True)), count)
        )
    return family


def _identifier(value: str) -> str:
    return value if _IDENTIFIER.fullmatch(value) else OTHER
