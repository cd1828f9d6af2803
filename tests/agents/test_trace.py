"""Recorded answers: given again by agent and order, and a question that differs is named."""

from __future__ import annotations

from bot.agents.trace import RecordedCounsel
from bot.model.consultation import (
    Allowance,
    CollectorAnswer,
    Fault,
    PlannerAnswer,
    Question,
    Recorded,
    ReviewerAnswer,
)
from tests.agents.cases import number, planner_says

RECORDS = (
    Recorded(agent="planner", digest="a" * 16, model="x:plan", answer=planner_says(number("cpu", 1)).model_dump(mode="json")),
    Recorded(agent="reviewer", digest="b" * 16, model="x:review", answer={"confidence": 0.1}, retrieved=[{"source_id": "s"}]),
    Recorded(agent="reviewer", digest="c" * 16, model="x:review", fault=Fault(kind="timeout", message="m", remedy="r")),
)  # fmt: skip
FREE = Allowance()


def question(agent: str, digest: str) -> Question:
    return Question(agent=agent, payload={}, digest=digest * 16)


def test_each_agent_hears_its_own_answers_in_order() -> None:
    counsel = RecordedCounsel(RECORDS)
    first = counsel.ask(question("reviewer", "b"), ReviewerAnswer, allowance=FREE)
    plan = counsel.ask(question("planner", "a"), PlannerAnswer, allowance=FREE)
    second = counsel.ask(question("reviewer", "c"), ReviewerAnswer, allowance=FREE)
    assert first.answer == ReviewerAnswer(confidence=0.1)
    assert plan.answer == planner_says(number("cpu", 1))
    assert second.fault is not None
    assert second.fault.kind == "timeout"
    assert counsel.mismatches == ()
    assert first.spent.calls == 0


def test_a_question_that_differs_is_named_and_answered_all_the_same() -> None:
    counsel = RecordedCounsel(RECORDS)
    reply = counsel.ask(question("planner", "f"), PlannerAnswer, allowance=FREE)
    assert reply.answer is not None
    (sentence,) = counsel.mismatches
    assert "planner" in sentence
    assert "f" * 16 in sentence
    assert "a" * 16 in sentence


def test_one_question_too_many_is_a_fault_and_named() -> None:
    counsel = RecordedCounsel(RECORDS[:1])
    counsel.ask(question("planner", "a"), PlannerAnswer, allowance=FREE)
    reply = counsel.ask(question("planner", "a"), PlannerAnswer, allowance=FREE)
    assert reply.fault is not None
    assert "once more" in counsel.mismatches[0]


def test_an_answer_of_another_form_is_a_fault_and_named() -> None:
    counsel = RecordedCounsel((RECORDS[0].model_copy(update={"answer": {"numbers": 7}}),))
    reply = counsel.ask(question("planner", "a"), PlannerAnswer, allowance=FREE)
    assert reply.answer is None
    assert reply.fault is not None
    assert "form" in counsel.mismatches[0]


def test_an_agent_that_was_never_asked_has_no_model() -> None:
    counsel = RecordedCounsel(RECORDS)
    assert counsel.model_of("collector") == ""
    assert counsel.model_of("planner") == "x:plan"
    assert counsel.ask(question("collector", "a"), CollectorAnswer, allowance=FREE).fault is not None


def test_what_was_retrieved_is_told_with_the_answer() -> None:
    counsel = RecordedCounsel(RECORDS)
    assert counsel.found("reviewer") is None
    counsel.ask(question("reviewer", "b"), ReviewerAnswer, allowance=FREE)
    assert counsel.found("reviewer") == [{"source_id": "s"}]
    counsel.ask(question("reviewer", "c"), ReviewerAnswer, allowance=FREE)
    assert counsel.found("reviewer") is None
