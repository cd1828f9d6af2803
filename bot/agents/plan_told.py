"""What the models of planner and reviewer are told: which facts, which numbers with which bounds, which sources.

In: a plan and the context of one command. Out: ``Asked``. Never: a name of the cluster, a label of a metric, a fact
that the rules did not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from bot.agents.context import Context
from bot.agents.payload import Asked, Told, asked, facts_of, number
from bot.agents.proposals import KEYS, standing
from bot.agents.repository_told import metadata, surveyed
from bot.agents.scrub import Scrubber
from bot.capacity.headroom import headroom
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.demand import Criticality, Demand
from bot.model.evidence import Evidence, Observed, Piece
from bot.model.finding import Finding
from bot.model.noun import JsonValue
from bot.model.plan import Plan, ServicePlan
from bot.model.profile import DependencyKind, Service
from bot.model.standard import HistoricalMetrics
from bot.planning.naming import service_slug

FREE_TEXT: Final = "metrics-warning"
"""The one finding with words of another system in it, which no model is told."""


def planner_input(plan: Plan, context: Context) -> Asked:
    """The rule's plan with the bounds of each number, what was measured and remembered, and retrieved knowledge."""
    evidence, collected = context.evidence, context.collected
    rule: dict[str, JsonValue] = {
        "services": numbers(plan, plan, context),
        "warnings": [_finding(each) for each in plan.findings if each.severity == "warn" and each.rule != FREE_TEXT],
        "observed": [_observed(each) for each in evidence.observed],
        "similar": [
            {"language": each.language, "framework": each.framework, **_observed(each.observed)}
            for each in evidence.neighbours
        ],
        "corrections": [each.model_dump(mode="json") for each in evidence.corrections],
        "troubles": [each.model_dump(mode="json", exclude={"workload", "text"}) for each in evidence.troubles],
        "confidence": plan.confidence.value,
    }
    told = Told(
        metadata=metadata(collected.profile, collected.demand, name=plan.app, qps=_peak(plan, collected.demand)),
        description=context.request.app_description,
        github=context.request.git_repo,
        history=_history(evidence),
        environment=plan.environment,
        quota=_quota(context.snapshot, plan.namespace),
        nodes=_nodes(context.snapshot, context.config),
        pieces=evidence.pieces,
        rule={name: value for name, value in rule.items() if value not in ([], None)},
        sources=_sources(evidence),
        **facts_of(collected.profile),
    )
    return asked("planner", told, scrubber_of(context, plan))


def reviewer_input(findings: tuple[Finding, ...], plan: Plan, *, ruled: Plan, context: Context) -> Asked:
    """Only what the validators say, each with a source id, and the numbers that may answer it."""
    pieces = tuple(
        Piece(
            source_id=finding_id(index), kind="rule", title=each.rule, text=f"{each.path or ''} {each.message}".strip()
        )
        for index, each in enumerate(findings, 1)
    )
    told = Told(pieces=pieces, rule={"services": numbers(plan, ruled, context)})
    return asked("reviewer", told, scrubber_of(context, plan))


def finding_id(index: int) -> str:
    """The source id of a finding, 1-based."""
    return f"finding-{index}"


def scrubber_of(context: Context, plan: Plan) -> Scrubber:
    """Hides the cluster's names, except where they are the application's own words."""
    profile = context.collected.profile
    own = [plan.app, profile.name, *(service.name for service in plan.services)]
    own += [service.name for service in profile.services]
    own += [word for service in profile.services for word in (service.language, service.framework) if word]
    return Scrubber.of(context.snapshot, keep=(*own, *get_args(DependencyKind), *get_args(Criticality)))


def numbers(plan: Plan, ruled: Plan, context: Context) -> list[JsonValue]:
    """Each service with its numbers: what stands, and how far the rule's own lets it move."""
    facts = {
        slug: service
        for service in context.collected.profile.services
        if isinstance(slug := service_slug(service.name), str)
    }
    return [_service(service, plan, ruled, facts.get(service.name), context.config) for service in plan.services]


def _service(service: ServicePlan, plan: Plan, ruled: Plan, facts: Service | None, config: Config) -> JsonValue:
    told: dict[str, JsonValue] = {"name": service.name, "kind": service.kind, "qps": service.qps}
    told |= {"latency_p95_ms": service.latency_p95_ms, "numbers": _bounds(service.name, plan, ruled, config)}
    return told | (surveyed(facts) if facts is not None else {}) | {"name": service.name}


def _bounds(service: str, plan: Plan, ruled: Plan, config: Config) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key in KEYS:
        each = standing(plan, ruled, service, key, config=config)
        if each is not None:
            found[key] = {"value": each.value, "low": each.low, "high": each.high}
    return found


def _peak(plan: Plan, demand: Demand) -> float | None:
    return demand.qps_peak or next((service.qps for service in plan.services if service.qps is not None), None)


def _history(evidence: Evidence) -> HistoricalMetrics | None:
    """What was measured of the application itself: one sample a fact, because only summaries are read."""
    own = evidence.observed[0] if evidence.observed else None
    if own is None:
        return None
    cpu = [each.cores for each in (own.cpu_p95, own.cpu_p98) if each is not None]
    return HistoricalMetrics(
        cpu_usage=_samples(cpu),
        memory_usage=_samples([own.memory_max.mib] if own.memory_max is not None else []),
        replica_counts=(own.pods,) if own.pods is not None and 0 <= own.pods <= 100_000 else (),
        request_rate=_samples([own.peak_rate] if own.peak_rate is not None else []),
    )


def _samples(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sample for value in values if (sample := number(value)) is not None)


def _observed(observed: Observed) -> dict[str, JsonValue]:
    """Numbers and their source id; names and labels stay here."""
    kept: dict[str, JsonValue] = observed.model_dump(mode="json", exclude={"workload"}, exclude_none=True)
    return kept


def _sources(evidence: Evidence) -> tuple[str, ...]:
    return (
        *(observed.source_id for observed in evidence.observed),
        *(neighbour.observed.source_id for neighbour in evidence.neighbours),
        *(correction.source_id for correction in evidence.corrections),
        *(trouble.source_id for trouble in evidence.troubles),
    )


def _quota(snapshot: ClusterSnapshot, namespace: str) -> Mapping[str, str]:
    quotas = snapshot.kubernetes.quotas if snapshot.kubernetes is not None else ()
    hard = {name: value for quota in quotas if quota.namespace == namespace for name, value in quota.hard.items()}
    found = {part: hard.get(f"requests.{part}", hard.get(part)) for part in ("cpu", "memory")}
    return {part: value for part, value in found.items() if value is not None}


def _nodes(snapshot: ClusterSnapshot, config: Config) -> tuple[tuple[float, str], ...]:
    rooms = headroom(snapshot, config).rooms
    return tuple((room.free.cpu.cores, f"{int(room.free.memory.mib)}Mi") for room in rooms if room.usable)


def _finding(finding: Finding) -> JsonValue:
    return {"rule": finding.rule, "message": finding.message}
