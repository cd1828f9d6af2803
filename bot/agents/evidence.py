"""What is gathered before planning: measured use, troubles, earlier plans, people's corrections, cited knowledge.

In: the collected facts and the desk. Out: ``Evidence``. Never: a number of its own, a source that failed in silence.
"""

from __future__ import annotations

from typing import Final

from bot.agents.collector import Collected
from bot.agents.desk import Desk
from bot.counsel import Metrics, Troubles
from bot.model.config import Config
from bot.model.evidence import Evidence, Neighbour, Observed, Past, Peer, Piece, Reading, Spend, Trouble, Workload
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.profile import Service

DAY: Final = 86_400.0
HISTORY: Final = 14 * DAY
"""Seconds of its own metrics that a known application is sized by (rule 9 of the sizing algorithm)."""
SIMILAR: Final = 10
"""Neighbours of a new application that are measured."""


class _Seen(Noun):
    """What metrics and cluster say."""

    observed: tuple[Observed, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    findings: tuple[Finding, ...] = ()


def gather(collected: Collected, *, app: str, namespace: str, config: Config, desk: Desk) -> Evidence:
    """New application: guidance and the last 24 hours of similar services. Known application: its own metrics and
    history, with the cluster's events where metrics are missing.

    Raises Refused or Unavailable when the forge cannot be read.
    """
    past = desk.recall(app)
    seen = _known(past, config, desk) if past.known else _new(collected, past, config, desk)
    return Evidence(
        observed=seen.observed,
        neighbours=seen.neighbours,
        troubles=seen.troubles,
        corrections=past.corrections,
        spends=_spends(past, app, namespace),
        pieces=_retrieved(collected, past, desk),
        before=past.before,
        reserved=past.reserved,
        findings=(*past.findings, *seen.findings),
    )


def rule_words(collected: Collected) -> tuple[str, ...]:
    """What knowledge is looked up by where no model chose the words: what the services are made of and need."""
    demand = collected.demand
    words = [word for service in collected.profile.services for word in _words(service)]
    words += [wanted.kind for wanted in demand.dependencies]
    if demand.criticality is not None:
        words.append(demand.criticality)
    return tuple(dict.fromkeys(words))


def _words(service: Service) -> tuple[str, ...]:
    named = (service.language, service.framework, service.kind)
    needs = (need.kind for need in service.dependencies if need.in_use)
    return (*(name for name in named if name), *needs)


def _retrieved(collected: Collected, past: Past, desk: Desk) -> tuple[Piece, ...]:
    if desk.library is None:
        return ()
    return desk.library.find(collected.words or rule_words(collected), brought=past.pieces)


def _spends(past: Past, app: str, namespace: str) -> tuple[Spend, ...]:
    return tuple(spend for spend in past.spends if spend.app != app and spend.namespace in {None, namespace})


def _known(past: Past, config: Config, desk: Desk) -> _Seen:
    """Its own metrics; the cluster's own words for each workload that has none."""
    read = _measured(desk.metrics, past.workloads, HISTORY, config)
    measured = {entry.workload for entry in read.observed}
    dark = tuple(workload for workload in past.workloads if workload not in measured)
    troubles, findings = _troubles(desk.troubles, dark)
    return _Seen(observed=read.observed, troubles=troubles, findings=(*read.findings, *findings))


def _new(collected: Collected, past: Past, config: Config, desk: Desk) -> _Seen:
    """The last day of what resembles its services."""
    peers = _resembling(collected, past)
    if desk.metrics is not None and not peers:
        return _Seen(findings=(_NO_PEERS,))
    read = _measured(desk.metrics, tuple(peer.workload for peer in peers), DAY, config)
    by_workload = {entry.workload: entry for entry in read.observed}
    neighbours = tuple(
        Neighbour(language=peer.language, framework=peer.framework, kind=peer.kind, observed=by_workload[peer.workload])
        for peer in peers
        if peer.workload in by_workload
    )
    return _Seen(neighbours=neighbours, findings=read.findings)


def _resembling(collected: Collected, past: Past) -> tuple[Peer, ...]:
    """Peers of the same language, framework and kind as one of the services, each workload once."""
    wanted = {_likeness(service) for service in collected.profile.services if service.language}
    alike: dict[Workload, Peer] = {}
    for peer in past.similar:
        if _likeness(peer) in wanted:
            alike.setdefault(peer.workload, peer)
    return tuple(alike.values())[:SIMILAR]


def _likeness(one: Service | Peer) -> tuple[str, str, str]:
    return (one.language or "").lower(), (one.framework or "").lower(), one.kind


def _measured(metrics: Metrics | None, workloads: tuple[Workload, ...], window: float, config: Config) -> Reading:
    """What the metrics say; a reading that is empty says so, also where the edge was silent."""
    if metrics is None or not workloads:
        return Reading()
    read = metrics.observe(workloads, window=window, names=config.metrics)
    if read.observed or read.findings:
        return read
    return Reading(findings=(_nothing_measured(workloads),))


def _troubles(
    troubles: Troubles | None, workloads: tuple[Workload, ...]
) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
    return troubles.troubles(workloads) if troubles is not None and workloads else ((), ())


def _nothing_measured(workloads: tuple[Workload, ...]) -> Finding:
    names = ", ".join(f"{each.namespace}/{each.name}" for each in workloads[:5])
    return Finding(
        rule="metrics-empty",
        severity="note",
        message=f"Prometheus gave nothing for {names}; the plan rests on the rules.",
        remedy="See that Prometheus scrapes the cluster's cAdvisor metrics and keeps 14 days.",
    )


_NO_PEERS: Final = Finding(
    rule="metrics-empty",
    severity="note",
    message="Prometheus was not asked: no running service of the same language, framework and kind is known.",
    remedy="Nothing has to be done; the application's own metrics are used once it runs.",
)
