"""The description: every row of the table does what it says, nothing is dropped, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.demand import Demand
from bot.model.quantity import Bytes
from bot.survey.description.reading import read_description
from bot.survey.description.rule import PhraseRule
from bot.survey.description.table import RULES, description_page

DOCS = Path(__file__).parents[3] / "docs"
ROWS = [(rule, example) for rule in RULES for example in rule.examples]
DEFAULT = Demand()


@pytest.mark.parametrize(("rule", "example"), ROWS, ids=[f"{rule.id}-{example}" for rule, example in ROWS])
def test_every_example_of_the_table_does_what_its_row_says(rule: PhraseRule, example: str) -> None:
    demand = read_description(f"A small service, {example}, and that is all")
    if rule.field is None:
        assert rule.note in {phrase.note for phrase in demand.not_acted_on}
    else:
        assert rule.field in {phrase.field for phrase in demand.phrases}
        assert getattr(demand, rule.field) is not None
    assert demand.unknown_numbers == ()


def test_the_table_is_long_and_has_all_eight_categories() -> None:
    assert len(RULES) >= 80
    assert len({rule.category for rule in RULES}) == 8
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_page_is_current() -> None:
    assert (DOCS / "description.md").read_text() == description_page()


def test_the_example_of_the_entry_standard() -> None:
    demand = read_description(
        "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, "
        "React frontend + Go/Gin API + PostgreSQL backend"
    )
    assert (demand.qps_peak, demand.zero_downtime, demand.strong_consistency) == (2000.0, True, True)
    assert [wanted.kind for wanted in demand.dependencies] == ["postgresql"]
    assert set(demand.frameworks) == {"react", "gin"}
    assert demand.unknown_numbers == ()


@pytest.mark.parametrize(
    ("text", "qps"),
    [
        ("2k rps", 2000), ("2,000 QPS", 2000), ("2000qps", 2000), ("2000 requests per second", 2000),
        ("2.000 req/s", 2000), ("120k rpm", 2000), ("1000-2000 QPS", 2000), ("1k to 2k rps", 2000),
        ("peak of 2000 rps", 2000), ("up to 2 000 requests/sec", 2000), ("~2000 TPS", 2000), ("0.5 rps", 0.5),
        ("100 QPS, later 2000 QPS", 2000), ("1.5k qps", 1500), ("200 votes per second", 200), ("2'000 rps", 2000),
    ],
)  # fmt: skip
def test_peak_rates(text: str, qps: float) -> None:
    assert read_description(text).qps_peak == qps


@pytest.mark.parametrize(
    ("text", "qps"), [("86400 requests a day", 1.0), ("average 50 rps", 50.0), ("50 rps on average", 50.0)]
)
def test_average_rates_are_not_peaks(text: str, qps: float) -> None:
    demand = read_description(text)
    assert (demand.qps_average, demand.qps_peak) == (qps, None)


@pytest.mark.parametrize(
    ("text", "latency", "percentile"),
    [
        ("p99 under 50 ms", 50, 99), ("p95 latency < 200ms", 200, 95), ("200 ms p95", 200, 95), ("p99.9 ≤ 1 s", 1000, 99.9),
        ("latency below 1.5 seconds", 1500, None), ("95th percentile below 80ms", 80, 95), ("sub-second", 1000, None),
        ("under 100 ms", 100, None), ("response times of at most 300 ms", 300, None),
    ],
)  # fmt: skip
def test_latency(text: str, latency: float, percentile: float | None) -> None:
    demand = read_description(text)
    assert (demand.latency_ms, demand.latency_percentile) == (latency, percentile)


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("99.9 %", 99.9),
        ("99.95% uptime", 99.95),
        ("99,9 % availability", 99.9),
        ("three nines", 99.9),
        ("SLA of 98 %", 98),
    ],
)
def test_availability(text: str, percent: float) -> None:
    assert read_description(text).availability_percent == percent


@pytest.mark.parametrize(
    ("text", "field", "amount"),
    [
        ("50 GB", "data", 50 * 10**9), ("1.5TB of data", "data", 15 * 10**11), ("200 GiB database", "data", 200 * 2**30),
        ("16GB RAM", "memory_hint", 16 * 2**30), ("grows 10 GB per month", "data_growth_per_month", 10**10),
        ("1 GB a day", "data_growth_per_month", 30 * 10**9), ("2 MB uploads", "payload", 2 * 10**6),
    ],
)  # fmt: skip
def test_sizes(text: str, field: str, amount: int) -> None:
    demand = read_description(text)
    assert getattr(demand, field) == Bytes(amount)
    assert [name for name in ("data", "memory_hint", "payload") if getattr(demand, name)] in ([field], [])


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("low criticality", "dev"), ("development", "dev"), ("criticality: medium", "standard"), ("production", "standard"),
        ("production-critical", "critical"), ("mission critical", "critical"), ("criticality: high", "high"),
        ("criticality: banana", "standard"), ("highly available production system", "high"), ("nothing said", None),
    ],
)  # fmt: skip
def test_criticality(text: str, tier: str | None) -> None:
    assert read_description(text).criticality == tier


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("no Redis", "dependencies"), ("without Kafka", "dependencies"), ("no Redis or Kafka", "dependencies"),
        ("Redis is not needed", "dependencies"), ("not critical", "criticality"), ("does not need a GPU", "gpu"),
        ("no strong consistency needed", "strong_consistency"), ("no session affinity", "session_affinity"),
        ("not stateful", "stateful"), ("no zero downtime required", "zero_downtime"),
    ],
)  # fmt: skip
def test_a_negated_phrase_changes_nothing_and_is_shown(text: str, field: str) -> None:
    demand = read_description(text)
    assert getattr(demand, field) == getattr(DEFAULT, field)
    assert demand.not_acted_on


@pytest.mark.parametrize("text", ["zero downtime", "no downtime", "without any downtime", "zero-downtime deployments"])
def test_the_no_in_no_downtime_is_not_a_negation(text: str) -> None:
    assert read_description(text).zero_downtime


@pytest.mark.parametrize(
    ("text", "namespace", "cluster", "environment"),
    [
        ("in namespace shop on cluster prod-1", "shop", "prod-1", None), ("namespace: `shop`, env: prod", "shop", None, "production"),
        ("into the shop namespace", "shop", None, None), ("a Redis cluster with 5 nodes", None, None, None),
        ("its own namespace for isolation", None, None, None), ("staging on the home2 cluster", None, "home2", "staging"),
    ],
)  # fmt: skip
def test_where_it_goes(text: str, namespace: str | None, cluster: str | None, environment: str | None) -> None:
    demand = read_description(text)
    assert (demand.namespace, demand.cluster, demand.environment) == (namespace, cluster, environment)


@pytest.mark.parametrize("text", ["with 17 bananas", "call it v2-final", "(42)", "at 3:4 ratio"])
def test_a_number_that_nobody_understood_is_shown(text: str) -> None:
    digits = {letter for letter in text if letter.isdigit()}
    assert digits <= set("".join(read_description(text).unknown_numbers))


@pytest.mark.parametrize("text", ["Go 1.22", "PostgreSQL 15", "Python 3.12 and Django 5", "Spring Boot 3.2.1"])
def test_versions_are_understood(text: str) -> None:
    assert read_description(text).unknown_numbers == ()


@given(st.text(max_size=400))
def test_any_text_gives_a_demand_and_loses_no_digit(text: str) -> None:
    demand = read_description(text)
    shown = "".join([*demand.unknown_numbers, *(p.text for p in (*demand.phrases, *demand.not_acted_on))])
    assert {letter for letter in text if letter in "0123456789"} <= set(shown)


@given(st.lists(st.sampled_from([rule.examples[0] for rule in RULES]), max_size=12))
def test_any_mix_of_phrases_is_a_valid_demand(examples: list[str]) -> None:
    demand = read_description(", ".join(examples))
    assert Demand.model_validate_json(demand.model_dump_json()) == demand


@pytest.mark.parametrize(
    "text",
    [
        "1" * 16_000,
        "1," * 8_000,
        "no " * 5_000,
        "p99 " * 4_000,
        "under " * 3_000 + "5 ms",
        "a-" * 8_000,
        "1 000 " * 2_600,
    ],
)
def test_long_hostile_text_is_read_in_bounded_time(text: str) -> None:
    assert isinstance(read_description(text), Demand)
