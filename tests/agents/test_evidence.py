"""What is gathered before planning: known and new applications, with and without metrics, an empty desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.agents.collector import Collected
from bot.agents.desk import EMPTY, Desk
from bot.agents.evidence import DAY, HISTORY, SIMILAR, gather, rule_words
from bot.edges.library import FtsLibrary
from bot.errors import Code, Unavailable
from bot.model.config import Config
from bot.model.config import Metrics as MetricNames
from bot.model.demand import Demand, Wanted
from bot.model.evidence import (
    NO_EVIDENCE,
    Correction,
    Evidence,
    Neighbour,
    Observed,
    Past,
    Peer,
    Piece,
    Reading,
    Spend,
    Trouble,
    Workload,
)
from bot.model.finding import Finding
from bot.model.profile import AppProfile, Dependency, Service
from tests.fakes.library import FakeLibrary

API, WEB = Workload(namespace="shop", name="api"), Workload(namespace="shop", name="web")
NOTE = Finding(rule="x", severity="note", message="m", remedy="r")
CORRECTION = Correction(service="api", key="cpu", proposed="850m", merged="1", source_id="correction:shop/a.yaml")
COLLECTED = Collected(
    profile=AppProfile(
        name="shop",
        services=(
            Service(
                name="api",
                path="api",
                language="Go",
                framework="Gin",
                dependencies=(
                    Dependency(kind="postgresql", evidence=()),
                    Dependency(kind="redis", evidence=(), in_use=False),
                ),
            ),
            Service(name="web", path="web", language="TypeScript", framework="React", kind="web"),
        ),
    ),
    demand=Demand(criticality="high", dependencies=(Wanted(kind="kafka", phrase="Kafka"),)),
)


def observed(workload: Workload) -> Observed:
    return Observed(workload=workload, source_id=f"metrics:{workload.name}", window=1.0, points=100)


@dataclass
class FakeMetrics:
    """Answers for the workloads it ``has``; ``asked`` is what it was asked for."""

    has: tuple[Workload, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: list[tuple[tuple[Workload, ...], float, MetricNames]] = field(default_factory=list)

    def observe(self, workloads: tuple[Workload, ...], *, window: float, names: MetricNames) -> Reading:
        self.asked.append((workloads, window, names))
        return Reading(observed=tuple(observed(one) for one in workloads if one in self.has), findings=self.findings)


@dataclass
class FakeTroubles:
    """Everything was killed."""

    asked: list[tuple[Workload, ...]] = field(default_factory=list)

    def troubles(self, workloads: tuple[Workload, ...]) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        self.asked.append(workloads)
        return tuple(killed(workload) for workload in workloads), (NOTE,)


def killed(workload: Workload) -> Trouble:
    return Trouble(workload=workload, source_id=f"event:{workload.name}", kind="oom-killed", count=2, text="killed")


def gathered(
    past: Past | None = None, *, namespace: str = "shop", config: Config | None = None, **desk: Any
) -> Evidence:
    recalled: list[str] = []

    def recall(app: str) -> Past:
        recalled.append(app)
        return past or Past()

    found = gather(
        COLLECTED, app="shop", namespace=namespace, config=config or Config(), desk=Desk(recall=recall, **desk)
    )
    assert recalled == ["shop"]
    return found


KNOWN = Past(known=True, workloads=(API, WEB))


def test_an_empty_desk_gathers_nothing() -> None:
    assert gather(COLLECTED, app="shop", namespace="shop", config=Config(), desk=EMPTY) == NO_EVIDENCE


def test_a_known_application_brings_its_own_two_weeks() -> None:
    config = Config(metrics=MetricNames(requests="http_requests_total"))
    metrics, troubles = FakeMetrics(has=(API, WEB)), FakeTroubles()
    found = gathered(KNOWN, config=config, metrics=metrics, troubles=troubles)
    assert found == Evidence(observed=(observed(API), observed(WEB)))
    assert metrics.asked == [((API, WEB), HISTORY, config.metrics)]
    assert troubles.asked == []


def test_the_cluster_is_asked_for_the_workload_that_has_no_metrics() -> None:
    metrics, troubles = FakeMetrics(has=(API,)), FakeTroubles()
    found = gathered(KNOWN, metrics=metrics, troubles=troubles)
    assert found == Evidence(observed=(observed(API),), troubles=(killed(WEB),), findings=(NOTE,))
    assert troubles.asked == [(WEB,)]


def test_the_cluster_is_asked_for_all_where_metrics_failed_or_are_not_configured() -> None:
    down = FakeMetrics(findings=(NOTE.model_copy(update={"rule": "metrics-unread"}),))
    found = gathered(KNOWN, metrics=down, troubles=FakeTroubles())
    assert found.troubles == (killed(API), killed(WEB))
    assert [finding.rule for finding in found.findings] == ["metrics-unread", "x"]
    without = gathered(KNOWN, troubles=FakeTroubles())
    assert without == Evidence(troubles=(killed(API), killed(WEB)), findings=(NOTE,))


def test_metrics_that_are_silent_are_said_and_those_not_configured_are_not() -> None:
    [silent] = gathered(KNOWN, metrics=FakeMetrics()).findings
    assert (silent.rule, silent.severity) == ("metrics-empty", "note")
    assert "shop/api, shop/web" in silent.message
    assert gathered(KNOWN) == NO_EVIDENCE


def test_a_known_application_looks_at_no_neighbour() -> None:
    past = KNOWN.model_copy(update={"similar": (Peer(workload=API, language="Go", framework="Gin"),)})
    metrics = FakeMetrics(has=(API, WEB))
    assert gathered(past, metrics=metrics).neighbours == ()
    assert len(metrics.asked) == 1


def peer(name: str, language: str | None = "go", framework: str | None = "gin", kind: str = "api") -> Peer:
    return Peer(workload=Workload(namespace="other", name=name), language=language, framework=framework, kind=kind)


def test_a_new_application_brings_the_last_day_of_what_resembles_it() -> None:
    alike, without_data = peer("alike"), peer("dark")
    others = (
        peer("php", language="php"),
        peer("echo", framework="echo"),
        peer("worker", kind="worker"),
        peer("odd", language=None),
        peer("bare", framework=None),
    )
    react = peer("shop-web", language="TypeScript", framework="react", kind="web")
    metrics = FakeMetrics(has=(alike.workload, react.workload), findings=(NOTE,))
    found = gathered(Past(similar=(*others, alike, without_data, react, alike)), metrics=metrics)
    assert metrics.asked == [((alike.workload, without_data.workload, react.workload), DAY, MetricNames())]
    assert found.neighbours == tuple(
        Neighbour(language=one.language, framework=one.framework, kind=one.kind, observed=observed(one.workload))
        for one in (alike, react)
    )
    assert found.findings == (NOTE,)
    assert found.observed == ()


def test_a_workload_that_changed_its_language_is_judged_by_each_plan() -> None:
    metrics = FakeMetrics(has=(peer("a").workload,))
    found = gathered(Past(similar=(peer("a", language="php"), peer("a"))), metrics=metrics)
    assert [one.language for one in found.neighbours] == ["go"]


def test_neighbours_are_not_without_number() -> None:
    metrics = FakeMetrics()
    gathered(Past(similar=tuple(peer(f"p{number}") for number in range(50))), metrics=metrics)
    assert len(metrics.asked[0][0]) == SIMILAR == 10


def test_a_new_application_that_resembles_nothing_asks_nothing_and_says_so() -> None:
    metrics = FakeMetrics()
    [finding] = gathered(Past(similar=(peer("x", language="php"),)), metrics=metrics).findings
    assert "was not asked" in finding.message
    assert metrics.asked == []
    assert gathered(Past(similar=(peer("x"),))) == NO_EVIDENCE, "not configured, nothing said"


def test_memory_is_passed_on_and_spends_are_of_the_same_namespace() -> None:
    spends = (
        Spend(app="a", monthly=1.0, currency="EUR", namespace="shop"),
        Spend(app="b", monthly=2.0, currency="EUR", namespace="other"),
        Spend(app="shop", monthly=3.0, currency="EUR", namespace="shop"),
        Spend(app="c", monthly=4.0, currency="EUR"),
    )
    found = gathered(Past(corrections=(CORRECTION,), spends=spends, findings=(NOTE,)))
    assert found == Evidence(corrections=(CORRECTION,), spends=(spends[0], spends[3]), findings=(NOTE,))


def test_the_library_is_asked_with_the_rule_words_and_what_is_remembered() -> None:
    rule = Piece(source_id="rule:a.md#1", kind="rule", title="Gin", text="gin wants two cores")
    library = FakeLibrary()
    found = gathered(Past(pieces=(rule,)), library=library)
    words = ("Go", "Gin", "api", "postgresql", "TypeScript", "React", "web", "kafka", "high")
    assert rule_words(COLLECTED) == words
    assert (library.asked, library.brought) == ([words], [(rule,)])
    assert found == Evidence(pieces=(rule,))


def test_words_that_a_model_chose_come_first() -> None:
    library = FakeLibrary()
    chosen = COLLECTED.model_copy(update={"words": ("connection pools",)})
    gather(chosen, app="shop", namespace="shop", config=Config(), desk=Desk(library=library))
    assert library.asked == [("connection pools",)]


def test_the_real_library_gives_guidance_for_what_the_services_are() -> None:
    found = {piece.source_id for piece in gathered(library=FtsLibrary()).pieces}
    assert {"sizing-throughput-go", "vendor-kafka-brokers"} <= found


def test_an_outage_of_the_forge_is_the_callers_to_see() -> None:
    def recall(_app: str) -> Past:
        raise Unavailable(Code.RATE, "wait", remedy="Wait.")

    with pytest.raises(Unavailable):
        gather(COLLECTED, app="shop", namespace="shop", config=Config(), desk=Desk(recall=recall))
