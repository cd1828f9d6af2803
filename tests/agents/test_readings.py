"""Answers beat every other reading, and only what really disagrees is a doubt."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model.profile import Dependency, Volume
from bot.model.refusal import Refusal
from bot.planning.tier import keeps_state
from tests.agents.facts import SEEN, api, collected, header, plan_of, profile
from tests.fakes.house import DESCRIPTION

SMALL = "Inventory, 200 QPS peak, PostgreSQL"


def settles(description: str, **changes: Any) -> list[list[str]]:
    facts = collected(description, profile(**changes))
    return [[one.settles for one in doubt.candidates] for doubt in facts.profile.unsure]


def test_a_description_that_nothing_contradicts_leaves_no_doubt() -> None:
    assert settles(DESCRIPTION) == []


@pytest.mark.parametrize(
    ("description", "changes", "candidates"),
    [
        (SMALL, {"header": header(expected_qps=500.0)}, [["qps=500", "qps=200"]]),
        (SMALL, {"header": header(expected_qps=20.0)}, [["qps=200", "qps=20"]]),
        ("Inventory, 50 rps on average", {"header": header(expected_qps=500.0)}, [["qps=500", "qps=150"]]),
        ("Inventory, 52 concurrent users", {"header": header(expected_qps=500.0)}, [["qps=500", "qps=10"]]),
        ("200 QPS, latency below 50 ms", {"header": header(sla_latency_ms=100.0)}, [["latency_ms=50", "latency_ms=100"]]),
        ("low criticality", {"header": header(criticality="high")}, [["criticality=high", "criticality=dev"]]),
        ("mission critical", {"header": header(criticality="production")}, [["criticality=critical", "criticality=standard"]]),
        ("Inventory with MySQL", {}, [["database=both", "database=mysql", "database=postgresql"]]),
        ("Inventory, stateful", {}, [["state=stateless", "state=stateful"]]),
        ("Inventory, stateless", {"stateful": True}, [["state=stateful", "state=stateless"]]),
        ("Inventory, stateless", {"volumes": (Volume(path="/data"),)}, [["state=stateful", "state=stateless"]]),
        ("in namespace shop, into the cart namespace", {}, [["namespace=shop", "namespace=cart"]]),
        ("on cluster home, on cluster away", {}, [["cluster=home", "cluster=away"]]),
    ],
)  # fmt: skip
def test_a_disagreement_has_its_candidates_the_assumed_one_first(
    description: str, changes: dict[str, Any], candidates: list[list[str]]
) -> None:
    assert settles(description, **changes) == candidates


@pytest.mark.parametrize(
    ("description", "changes"),
    [
        ("Inventory", {"header": header(expected_qps=500.0)}),
        ("200 QPS", {"header": header(expected_qps=200.0)}),
        ("200 QPS", {}),
        ("200 QPS", {"header": header(expected_qps=20.0), "kind": "worker"}),
        ("200 QPS", {"header": header(sla_latency_ms=100.0)}),
        ("under 100 ms", {"header": header(sla_latency_ms=100.0)}),
        ("production", {"header": header(criticality="normal")}),
        ("low criticality", {"header": header(criticality="banana")}),
        ("Inventory", {"header": header(criticality="high")}),
        ("Inventory with PostgreSQL", {}),
        ("Inventory with Redis", {}),
        ("MySQL and PostgreSQL", {}),
        ("no MySQL", {}),
        ("MySQL", {"dependencies": ()}),
        ("MySQL", {"dependencies": (Dependency(kind="postgresql", evidence=(SEEN,), in_use=False),)}),
        ("stateless", {}),
        ("stateful", {"stateful": True}),
        ("Inventory", {"stateful": True}),
        ("in namespace shop, namespace: shop", {}),
    ],
)  # fmt: skip
def test_agreement_and_silence_are_no_doubt(description: str, changes: dict[str, Any]) -> None:
    assert settles(description, **changes) == []


def test_a_wrong_answer_is_a_doubt_that_says_what_is_wrong() -> None:
    [doubt] = collected("200 QPS [database=oracle]", profile()).profile.unsure
    assert "[database=oracle]" in doubt.question
    assert "postgresql" in doubt.question
    assert doubt.candidates == ()


@pytest.mark.parametrize(
    ("description", "changes"),
    [
        (f"{SMALL} [qps=300]", {"header": header(expected_qps=500.0)}),
        ("under 50 ms [latency_ms=100]", {"header": header(sla_latency_ms=100.0)}),
        ("low criticality [criticality=high]", {"header": header(criticality="critical")}),
        ("MySQL [database=mysql]", {}),
        ("MySQL [database=postgresql]", {}),
        ("stateful [state=stateful]", {}),
        ("stateful [state=stateless]", {}),
        ("stateless [state=stateful]", {"kind": "static"}),
        ("in namespace shop, into the cart namespace [namespace=cart]", {}),
        ("on cluster home, on cluster away [cluster=away]", {}),
    ],
)  # fmt: skip
def test_what_is_settled_is_no_doubt(description: str, changes: dict[str, Any]) -> None:
    assert settles(description, **changes) == []


def test_a_rate_beats_description_and_header_and_a_reviewer_sees_what_it_replaced() -> None:
    facts = collected(f"{SMALL} [qps=300]", profile(header=header(expected_qps=500.0, sla_latency_ms=80.0)))
    assert facts.demand.qps_peak == 300.0
    assert api(facts).header == header(sla_latency_ms=80.0)
    assert {phrase.text: phrase.value for phrase in facts.demand.phrases if phrase.field == "qps_peak"} == {
        "[qps=300]": "300"
    }
    [replaced] = [phrase for phrase in facts.demand.not_acted_on if phrase.text == "200 QPS peak"]
    assert replaced.note == "the answer [qps=300] replaces it"
    assert "api: the answer [qps=300] replaces the header's expected_qps" in facts.profile.notes


def test_a_latency_and_a_tier_beat_description_and_header() -> None:
    seen = profile(header=header(sla_latency_ms=100.0, criticality="critical"))
    facts = collected("under 50 ms, low criticality, zero downtime [latency_ms=80] [criticality=standard]", seen)
    assert (facts.demand.latency_ms, facts.demand.criticality) == (80.0, "standard")
    assert api(facts).header == header()
    plan = plan_of(facts)
    assert not isinstance(plan, Refusal)
    [tier] = [entry for entry in plan.decisions if entry.path == "services.api.criticality"]
    assert tier.value == "high", "zero downtime still raises it"


@pytest.mark.parametrize("chosen", ["mysql", "postgresql", "mariadb"])
def test_a_database_is_the_only_relational_one_afterwards(chosen: str) -> None:
    facts = collected(f"200 QPS, MySQL, Redis, strong consistency [database={chosen}]", profile())
    assert [wanted.kind for wanted in facts.demand.dependencies] == ["redis", chosen]
    assert [need.kind for need in api(facts).dependencies if need.in_use] == [chosen]
    plan = plan_of(facts)
    assert not isinstance(plan, Refusal)
    assert {machine.serves for machine in plan.machines} == {chosen}


def test_stateless_takes_files_away_and_stateful_gives_them_to_programs_only() -> None:
    keeping = {
        "stateful": True,
        "volumes": (Volume(path="/data"),),
        "dependencies": (Dependency(kind="sqlite", evidence=(SEEN,)),),
    }
    without = collected("200 QPS [state=stateless]", profile(**keeping))
    assert not keeps_state(api(without))
    assert without.demand.stateful is False
    given = collected("200 QPS [state=stateful]", profile())
    assert {service.name: keeps_state(service) for service in given.profile.services} == {"api": True, "web": False}
    kept = collected("200 QPS [state=stateful]", profile(**keeping))
    assert api(kept) == api(collected("200 QPS", profile(**keeping)))


def test_a_place_is_the_one_that_was_answered() -> None:
    facts = collected("in namespace shop, on cluster home [namespace=cart] [cluster=away]", profile())
    assert (facts.demand.namespace, facts.demand.cluster) == ("cart", "away")


def test_budget_and_dockerfile_change_no_fact() -> None:
    with_both = collected("200 QPS [budget=300] [dockerfile=propose]", profile())
    without = collected("200 QPS", profile())
    assert with_both.profile == without.profile
    assert with_both.demand.qps_peak == without.demand.qps_peak
    assert (with_both.demand.answer("budget"), with_both.demand.answer("dockerfile")) == ("300", "propose")
