"""Answers in square brackets: strict values, nothing dropped, nothing of them left for the phrases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.demand import Settled
from bot.survey.description.answers import ANSWERS, AnswerRule, problem_with_answer, read_answer, take_answers
from bot.survey.description.reading import read_description, rivals

WORDS = "Inventory, 2000 QPS peak, PostgreSQL"


@pytest.mark.parametrize("rule", ANSWERS, ids=lambda rule: rule.key)
def test_every_example_is_read_and_shown(rule: AnswerRule) -> None:
    answer = Settled.model_validate({"key": rule.key, "value": rule.example})
    for text in (f"{WORDS} {answer.written}", f"{answer.written}{WORDS}", f"Inventory{answer.written}, dev"):
        demand = read_description(text)
        assert demand.settled == (answer,)
        assert demand.answer(rule.key) == rule.example
        [shown] = [phrase for phrase in demand.phrases if phrase.text == answer.written]
        assert (shown.field, shown.value) == (rule.field, rule.example)
        assert demand.unknown_numbers == ()


@pytest.mark.parametrize("text", ["[QPS=500]", "[ qps = 500 ]", "[qps =500]", "\uff3bqps=500] [qps=500]"])
def test_case_and_spaces_do_not_matter(text: str) -> None:
    assert read_description(f"{WORDS} {text}").settled == (Settled(key="qps", value="500"),)


@pytest.mark.parametrize(
    "bracket",
    [
        "[qps=0]", "[qps=-5]", "[qps=2k]", "[qps=1e9]", "[qps=0.0]", "[qps=]", "[qps=five]", "[qps=1,000]", "[qps=\u0665]",
        "[latency_ms=100ms]", "[criticality=banana]", "[criticality=production]", "[database=oracle]", "[database=redis]",
        "[state=maybe]", "[budget=300 EUR]", "[budget=0]", "[dockerfile=yes]", "[namespace=Shop!]", "[namespace=-x]",
        "[cluster=../x]", "[colour=blue]", "[replicas=5]", "[x=1]", "[qps=$(id)]",
    ],
)  # fmt: skip
def test_a_wrong_answer_settles_nothing_and_is_shown_with_the_reason(bracket: str) -> None:
    demand = read_description(f"{WORDS} {bracket}")
    assert demand.settled == ()
    assert demand.unknown_numbers == (bracket,)
    problem = problem_with_answer(bracket)
    assert problem is not None
    assert "wants" in problem or "the keys are" in problem
    assert demand.qps_peak == 2000.0


def test_the_phrases_do_not_see_an_answer() -> None:
    demand = read_description("Inventory [qps=500] [latency_ms=100] [criticality=critical] [database=mysql], 5 GB")
    assert (demand.qps_peak, demand.latency_ms, demand.criticality, demand.dependencies) == (None, None, None, ())
    assert [answer.key for answer in demand.settled] == ["qps", "latency_ms", "criticality", "database"]
    assert demand.data is not None


def test_an_answer_ends_a_clause_and_joins_nothing() -> None:
    assert read_description("no Redis [qps=500] Kafka").dependencies[0].kind == "kafka"
    assert read_description("2000 [budget=300] QPS").qps_peak is None
    assert read_description("on cluster home, dev [qps=500]").environment == "development"


def test_of_two_answers_the_later_one_counts_and_the_other_is_shown() -> None:
    demand = read_description(f"{WORDS} [qps=500] [qps=900]")
    assert demand.settled == (Settled(key="qps", value="900"),)
    assert ("[qps=500]", "a later answer replaces it") in {(one.text, one.note) for one in demand.not_acted_on}


@given(st.text(max_size=300), st.sampled_from(ANSWERS))
def test_an_answer_behind_any_text_is_found(text: str, rule: AnswerRule) -> None:
    written = f"[{rule.key}={rule.example}]"
    assert read_description(f"{text} {written}").answer(rule.key) == rule.example


@given(st.lists(st.sampled_from(["[", "]", "=", "qps", "5", " ", "[qps=5", "[qps=[", "]]"]), max_size=60).map("".join))
def test_torn_brackets_are_read_without_harm(text: str) -> None:
    taken = take_answers(text)
    digits = {letter for letter in text if letter.isdigit()}
    demand = read_description(text)
    shown = (*demand.unknown_numbers, *(one.text for one in (*demand.phrases, *demand.not_acted_on)))
    assert digits <= set("".join(shown))
    assert demand.settled == taken.settled


@pytest.mark.parametrize("text", ["[" * 8_000, "[qps=" * 2_000, "[a = " + " " * 8_000, "[a=" + "x" * 8_000])
def test_long_hostile_brackets_are_read_in_bounded_time(text: str) -> None:
    assert take_answers(text).settled == ()


def test_an_unknown_key_has_no_answer() -> None:
    assert read_answer("colour", "blue") is None
    assert problem_with_answer("2000 QPS") is None


def test_other_values_of_a_field_are_rivals() -> None:
    demand = read_description("in namespace shop, into the cart namespace, on cluster home, on cluster away")
    assert (demand.namespace, rivals(demand, "namespace")) == ("shop", ("cart",))
    assert (demand.cluster, rivals(demand, "cluster")) == ("home", ("away",))
    assert rivals(demand, "environment") == ()
