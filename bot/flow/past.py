"""The memory of an application: its merged plan in git, what people changed in it, the team's rules, the lessons kept.

    default branch ─▶ plan.json + manifests ─▶ corrections ┐
                      the team's Markdown ─▶ rules          ├─▶ Past
    records        ─▶ lessons ─▶ pieces, peers, spends      ┘

In: a forge, the config, the lessons. Out: ``Past``; what cannot be read is a note in it. Never: a refusal for a file
that somebody edited, more than two readings of a service.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from bot.counsel import Lesson, Lessons
from bot.errors import Refusal, Unavailable
from bot.flow.citing import short_id
from bot.flow.corrections import carried, correction_pieces, corrections_in, manifest_paths, newest
from bot.flow.open_plan import plan_path, plan_paths, read_plan
from bot.flow.reserved import reserved_by_others
from bot.flow.sections import holds_secret
from bot.flow.team_rules import team_rules
from bot.model.config import Config
from bot.model.document import Document
from bot.model.evidence import Past, Peer, Piece, Spend, Workload
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.plan import ServicePlan
from bot.planning.naming import service_slug
from bot.ports import Forge, YamlReader

SERVICES: Final = 20
"""Services of one application whose manifests are read."""
_PLANS: Final = 1_000
_PIECES: Final = 100
"""Lessons of each kind that can be retrieved."""


class ToldService(Noun):
    """A service in the lesson of a plan."""

    name: str
    language: str | None = None
    framework: str | None = None
    kind: str = "api"


class Told(Noun):
    """The data of a lesson of kind ``plan``."""

    namespace: str
    monthly: float | None = None
    currency: str | None = None
    services: tuple[ToldService, ...] = ()


def past_of(
    app: str, *, forge: Forge, infra_repo: str, config: Config, lessons: Lessons | None, yaml: YamlReader
) -> Past:
    """What is remembered of an application. Raises Refused or Unavailable when the forge cannot be read."""
    merged = _merged(app, forge=forge, infra_repo=infra_repo, yaml=yaml)
    reserved = reserved_by_others(app, forge=forge, infra_repo=infra_repo)
    rules = tuple(team_rules(config, forge=forge, infra_repo=infra_repo))
    learnt = _learnt(app, lessons, infra_repo)
    pieces = tuple(rule for rule in rules if isinstance(rule, Piece))
    unused = tuple(rule for rule in rules if isinstance(rule, Finding))
    return merged.model_copy(
        update={
            "pieces": (*merged.pieces, *pieces, *learnt.pieces),
            "similar": learnt.similar,
            "spends": learnt.spends,
            "reserved": reserved,
            "findings": (*merged.findings, *unused, *learnt.findings),
        }
    )


def lesson_of(document: Document, *, repo: str, at: datetime) -> Lesson:
    """What to remember of a published plan. ``repo`` is the infrastructure repository, ``owner/name``."""
    plan = document.plan
    known = {service_slug(service.name): service for service in document.profile.services}
    services = []
    for planned in plan.services:
        seen = known.get(planned.name)
        facts = {"language": seen.language, "framework": seen.framework, "kind": seen.kind} if seen else {}
        services.append(ToldService.model_validate({"name": planned.name, **facts}))
    told = Told(
        namespace=plan.namespace,
        monthly=plan.cost.monthly if plan.cost.priced else None,
        currency=plan.cost.currency if plan.cost.priced else None,
        services=tuple(services),
    )
    return Lesson(
        id=f"plan:{repo}/{plan.app}",
        kind="plan",
        repo=repo,
        app=plan.app,
        namespace=plan.namespace,
        title=f"Plan of {plan.app}",
        text="; ".join(map(_told, plan.services, services)),
        data=told.model_dump(mode="json"),
        at=at,
    )


def _merged(app: str, *, forge: Forge, infra_repo: str, yaml: YamlReader) -> Past:
    """The part of the memory that lies in git."""
    text = next((found for path in plan_paths(app) if (found := forge.file(infra_repo, path)) is not None), None)
    if text is None:
        return Past()
    plan = read_plan(text, app=app)
    if isinstance(plan, Refusal):
        return Past(findings=(_unread_plan(app, plan.message),))
    before = Document.model_validate_json(text).plan
    namespace = before.namespace
    services = [service for service in plan.services if service_slug(service.name) == service.name][:SERVICES]
    paths = [path for service in services for path in manifest_paths(app, service)]
    manifests = {path: found for path in paths if (found := forge.file(infra_repo, path)) is not None}
    changed, findings = corrections_in(app, services, manifests, yaml=yaml)
    corrections = newest(carried(app, plan.decisions), changed)
    return Past(
        known=True,
        workloads=tuple(Workload(namespace=namespace, name=service.name) for service in services),
        corrections=corrections,
        pieces=correction_pieces(corrections),
        before=before,
        findings=findings,
    )


def _learnt(app: str, lessons: Lessons | None, repo: str) -> Past:
    """The part of the memory that lies in the records."""
    if lessons is None:
        return Past()
    try:
        plans = lessons.lessons(kind="plan", repo=repo, limit=_PLANS)
        others = [
            lesson
            for kind in ("outcome", "correction")
            for lesson in lessons.lessons(kind=kind, repo=repo, limit=_PIECES)
        ]
    except Unavailable as outage:
        return Past(findings=(_no_records(str(outage)),))
    told = [(lesson.app, facts) for lesson in plans if lesson.app != app and (facts := _facts(lesson)) is not None]
    return Past(
        pieces=_pieces((*plans[:_PIECES], *others)),
        similar=tuple(peer for _, facts in told for peer in _peers(facts)),
        spends=tuple(spend for name, facts in told for spend in _spends(name, facts)),
    )


def _facts(lesson: Lesson) -> Told | None:
    """None for a lesson of another version."""
    try:
        return Told.model_validate_json(json.dumps(lesson.data))
    except ValidationError:
        return None


def _peers(told: Told) -> Iterable[Peer]:
    for service in told.services:
        workload = Workload(namespace=told.namespace, name=service.name)
        yield Peer(workload=workload, language=service.language, framework=service.framework, kind=service.kind)


def _spends(app: str | None, told: Told) -> Iterable[Spend]:
    if app is not None and told.monthly is not None and told.currency is not None:
        yield Spend(app=app, monthly=told.monthly, currency=told.currency, namespace=told.namespace)


def _pieces(lessons: Iterable[Lesson]) -> tuple[Piece, ...]:
    return tuple(
        Piece(source_id=short_id(lesson.id), kind=lesson.kind, title=lesson.title, text=lesson.text)
        for lesson in lessons
        if not holds_secret(f"{lesson.title}\n{lesson.text}")
    )


def _told(planned: ServicePlan, service: ToldService) -> str:
    made_of = " ".join(filter(None, (service.language, service.framework, service.kind)))
    limits = f"{planned.requests.cpu} CPU, {planned.requests.memory} memory"
    hpa = f", autoscaled {planned.hpa.min} to {planned.hpa.max}" if planned.hpa else ""
    rate = f", {planned.qps:g} requests per second" if planned.qps else ""
    return f"{planned.name} ({made_of}): {planned.replicas} replicas of {limits}{hpa}{rate}"


def _unread_plan(app: str, why: str) -> Finding:
    return Finding(
        rule="memory-unread",
        severity="note",
        path=plan_path(app),
        message=f"The plan that was merged before could not be read, so this one begins anew. {why}",
        remedy="Nothing has to be done: merging this pull request writes the file anew.",
    )


def _no_records(why: str) -> Finding:
    return Finding(
        rule="memory-unread",
        severity="note",
        message=f"Lessons of earlier plans could not be read. {why}",
        remedy="See that the database of AI_PROVISION_DATABASE_URL runs.",
    )
