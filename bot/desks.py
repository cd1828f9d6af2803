"""Builds what the agents may consult: the model, the library, the metrics and the cluster's troubles, as far as set.

In: ``Settings`` and the records. Out: a ``Desk``. Never: an import of a model's client library while no model is set.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from bot.agents.desk import Desk
from bot.agents.scrub import without_internal
from bot.counsel import Counsel, Lessons, Library, Metrics, Spending, Troubles
from bot.edges.kubernetes.troubles import KubernetesTroubles
from bot.edges.library import Embed, FtsLibrary, pages_of
from bot.edges.prometheus import PrometheusMetrics
from bot.model.consultation import Allowance
from bot.ports import Clock
from bot.settings import Settings


class Records(Lessons, Spending, Protocol):
    """What outlives a command."""


def build_desk(
    settings: Settings,
    *,
    clock: Clock,
    redact: Callable[[str], str],
    edge: Any | None = None,
    records: Records | None = None,
) -> Desk:
    """The desk of this process; ``edge`` is the module ``bot.edges.model``, None without a model.

    Raises Refused(config) for a model or an address that cannot be used.
    """
    return Desk(
        counsel=_counsel(edge, settings, clock=clock, redact=redact, spending=records),
        library=_library(edge, settings, clock=clock, lessons=records),
        metrics=_metrics(settings, clock),
        troubles=_troubles(settings, clock),
        allowance=Allowance(seconds=settings.model_seconds, tokens=settings.model_tokens, money=settings.model_money),
    )


def _counsel(
    edge: Any | None, settings: Settings, *, clock: Clock, redact: Callable[[str], str], spending: Spending | None
) -> Counsel | None:
    if edge is None or not settings.models:
        return None
    counsel: Counsel = edge.build_counsel(settings, clock=clock, spending=spending, redact=redact)
    return counsel


def _library(edge: Any | None, settings: Settings, *, clock: Clock, lessons: Lessons | None) -> Library:
    embed = _embed(edge, settings, clock)
    return FtsLibrary(embed=embed) if lessons is None else FtsLibrary(pages=pages_of(lessons), embed=embed)


def _embed(edge: Any | None, settings: Settings, clock: Clock) -> Embed | None:
    """What leaves for an embedding model holds no internal address; secrets never were in a piece."""
    vectors: Embed | None = edge.build_embedder(settings, clock=clock) if edge is not None else None
    if vectors is None:
        return None
    return lambda texts: vectors(tuple(without_internal(text) for text in texts))


def _metrics(settings: Settings, clock: Clock) -> Metrics | None:
    if settings.prometheus_url is None:
        return None
    token = settings.prometheus_token
    return PrometheusMetrics(
        settings.prometheus_url, clock=clock, token=token.get_secret_value() if token is not None else None
    )


def _troubles(settings: Settings, clock: Clock) -> Troubles | None:
    path = Path(settings.kubeconfig) if settings.kubeconfig else None
    if path is None or not path.is_file() or path.stat().st_size == 0:
        return None
    return KubernetesTroubles(str(path), clock=clock)
