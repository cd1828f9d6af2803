"""A model's numbers: read strictly, cited, held to half and twice the rule's, and never over a person's word (L02)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.proposals import KEYS, Bench, Taken, standing, stood, within
from bot.model.config import Config
from bot.model.consultation import Scalar
from bot.model.plan import Plan
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import Refinement
from tests.agents.cases import context, number, planned, rules_plan
from tests.daily import searched

RULED = rules_plan()
SOURCES = {"sizing-7.5": "sizing-7.5", "source-2": "rule:docs/our rules about sizing.md#2"}


def bench(fixed: tuple[Refinement, ...] = ()) -> Bench:
    return Bench(ruled=RULED, plan=RULED, config=Config(), sources=SOURCES, fixed=fixed)


def test_a_number_within_the_limits_is_taken_in_kubernetes_notation() -> None:
    taken = within([number("cpu", 1), number("memory", "192Mi"), number("max", 12)], bench())
    assert [(each.key, each.value, each.origin) for each in taken.refinements] == [
        ("cpu", "1", "model"), ("memory", "192Mi", "model"), ("max", "12", "model"),
    ]  # fmt: skip
    assert taken.dropped == ()


def test_an_input_becomes_an_adjustment() -> None:
    taken = within([number("reads", 5), number("weight", "9")], bench())
    assert [(each.key, each.value, each.origin) for each in taken.adjustments] == [
        ("reads", 5.0, "model"), ("weight", 2.0, "model-clamped"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("replicas", -1), ("replicas", 0), ("replicas", 2.5), ("replicas", math.nan), ("replicas", 1e308),
        ("replicas", None), ("replicas", True), ("replicas", "three"), ("cpu", "0.5m5"), ("cpu", "4 bananas"),
        ("cpu", "-1"), ("cpu", math.inf), ("memory", "512MB"), ("memory", "1e99"), ("memory", "-1Gi"),
        ("memory", "4 bananas"), ("max", "x"), ("max", None), ("reads", "many"), ("reads", math.nan), ("writes", -1),
        ("weight", "1e9"), ("cpu", "${x}"), ("memory", "512Mi; rm -rf /"),
    ],
    ids=lambda value: f"L02-{value}",
)  # fmt: skip
def test_what_is_no_number_is_dropped_with_a_sentence(key: str, value: Scalar) -> None:
    taken = within([number(key, value)], bench())
    assert not taken.moves
    (dropped,) = taken.dropped
    assert key in dropped.why
    assert dropped.what.startswith(f"api.{key}=")


@pytest.mark.parametrize(
    ("key", "value", "held"),
    [
        ("replicas", 1_000_0, "6"), ("replicas", "100", "6"), ("cpu", "100", "1700m"), ("cpu", "10m", "425m"),
        ("memory", "2Ti", "256Mi"), ("memory", "16Mi", "103Mi"), ("max", 10_000, "20"), ("max", 1, "5"),
    ],
    ids=lambda value: f"L02-{value}",
)  # fmt: skip
def test_what_is_too_much_is_held_and_said(key: str, value: Scalar, held: str) -> None:
    taken = within([number(key, value)], bench())
    (refinement,) = taken.refinements
    assert (refinement.value, refinement.origin) == (held, "model-clamped")
    assert held in taken.dropped[0].why


@pytest.mark.parametrize(
    ("proposal", "why"),
    [
        (number("cpu", "1", service="payments"), "no such service"),
        (number("cpu", "1", service="kube-system"), "no such service"),
        (number("cpu", "1", service="../x"), "no such service"),
        (number("cpu", "1", source=None), "cites no source"),
        (number("cpu", "1", source="made-up-9"), "not shown"),
        (number("reads", 4, service="web"), "no such number"),
    ],
    ids=["L03-other-app", "L03-kube-system", "L03-path", "uncited", "invented-source", "static-files"],
)
def test_what_is_about_something_else_is_dropped(proposal: object, why: str) -> None:
    taken = within([proposal], bench())
    assert not taken.moves
    assert why in taken.dropped[0].why


def test_of_two_proposals_for_a_number_the_first_stands() -> None:
    taken = within([number("cpu", "1"), number("cpu", "1200m")], bench())
    assert [each.value for each in taken.refinements] == ["1"]
    assert "earlier proposal" in taken.dropped[0].why


def test_the_rules_own_number_is_no_change() -> None:
    assert within([number("cpu", "0.85"), number("replicas", "3"), number("reads", 3.0)], bench()) == Taken()


@pytest.mark.parametrize(
    ("fixed", "key", "value"),
    [("cpu", "cpu", "1"), ("cpu_limit", "cpu", "1"), ("memory_limit", "memory", "192Mi"), ("min", "replicas", 4)],
)
@pytest.mark.parametrize("service", [None, "api"])
def test_what_a_person_fixed_is_never_touched(fixed: str, key: str, value: Scalar, service: str | None) -> None:
    values = {"cpu": "900m", "cpu_limit": "2", "memory_limit": "256Mi", "min": "3"}
    mine = Refinement(service=service, key=fixed, value=values[fixed])
    taken = within([number(key, value)], bench((mine,)))
    assert not taken.moves
    assert "a person fixed it" in taken.dropped[0].why


def test_the_reason_is_kept_quiet_and_short_and_the_source_is_the_real_one() -> None:
    why = "use  ghp_" + "a" * 36 + "\n at http://10.0.0.7:9090/x " + "y" * 150
    (taken,) = within([number("cpu", "1", why=why, source="source-2")], bench()).refinements
    assert "ghp_" not in taken.why
    assert "10.0.0.7" not in taken.why
    assert "\n" not in taken.why
    assert len(taken.why) <= 210
    assert taken.source == "rule:docs/our rules about sizing.md#2"


def test_later_numbers_replace_earlier_ones() -> None:
    earlier = within([number("cpu", "1"), number("reads", 4)], bench())
    later = within([number("cpu", "1200m"), number("writes", 0.3)], bench())
    together = later.over(earlier)
    assert together.names == ("api.cpu=1200m", "api.reads=4", "api.writes=0.3")


def test_only_what_the_rules_took_counts_as_decided() -> None:
    taken = within([number("cpu", "1"), number("memory", "192Mi")], bench())
    plan = planned(context(), taken.refinements[:1])
    assert isinstance(plan, Plan)
    decided, lost = stood(taken, plan)
    assert decided == ("services.api.requests.cpu",)
    assert [each.what for each in lost] == ["api.memory=192Mi"]


ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
                st.from_regex(r"[0-9]{1,4}(m|Mi|Gi)?", fullmatch=True))  # fmt: skip


@searched(300)
@given(key=st.sampled_from(KEYS), value=ANY)
def test_nothing_leaves_the_limits_whatever_is_said(key: str, value: Scalar) -> None:
    taken = within([number(key, value)], bench())
    limits = standing(RULED, RULED, "api", key, config=Config())
    assert limits is not None
    for each in (*taken.refinements, *taken.adjustments):
        low, now, high = (size(key, end) for end in (limits.low, each.value, limits.high))
        assert low <= now <= high


def size(key: str, value: Scalar) -> float:
    if key == "cpu":
        return MilliCpu.parse(str(value))
    return Bytes.parse(str(value)) if key == "memory" else float(str(value))
