"""One question to a model: what is recorded, what it may cost, and what is said when it gives nothing (L06)."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from bot.agents.consult import consult, fault_findings, noted, speaks
from bot.agents.desk import EMPTY, Desk
from bot.agents.payload import Asked
from bot.agents.trace import RecordedCounsel
from bot.model.consultation import (
    Allowance,
    Effort,
    Fault,
    FaultKind,
    PlannerAnswer,
    Reason,
    Spent,
)
from bot.model.standard import Payload
from bot.rendering.inert import inert_text
from tests.agents.cases import number, planner_says, rules_plan
from tests.fakes.counsel import ScriptedCounsel

ASKED = Asked(
    "planner", Payload(description="a shop"), {"sizing-7.5": "sizing-7.5", "source-2": "rule:" + "long/" * 20}
)


def desk(*answers: object, allowance: Allowance | None = None) -> tuple[Desk, ScriptedCounsel]:
    counsel = ScriptedCounsel({"planner": answers})
    return Desk(counsel=counsel, allowance=allowance or Allowance()), counsel


def test_without_a_model_the_rule_speaks_alone_and_the_input_is_still_named() -> None:
    heard = consult("planner", ASKED, PlannerAnswer, desk=EMPTY)
    assert heard.answer is None
    assert (heard.consultation.model, heard.consultation.fault) == (None, None)
    assert len(heard.consultation.digest) == 16
    assert heard.answers == heard.efforts == ()


def test_an_agent_without_a_model_of_its_own_is_not_asked() -> None:
    counsel = ScriptedCounsel({"planner": (planner_says(),)}, model="")
    assert not speaks("planner", Desk(counsel=counsel))
    assert consult("planner", ASKED, PlannerAnswer, desk=Desk(counsel=counsel)).consultation.model is None
    assert counsel.asked == []


def test_an_answer_is_recorded_with_its_model_and_cost() -> None:
    rules, counsel = desk(planner_says(number("cpu", "1")))
    heard = consult("planner", ASKED, PlannerAnswer, desk=rules)
    assert heard.answer == planner_says(number("cpu", "1"))
    assert heard.consultation.model == "scripted:model"
    assert heard.consultation.confidence == 0.7
    assert [each.digest for each in heard.answers] == [ASKED.digest] == [counsel.asked[0].digest]
    assert heard.efforts[0].spent.calls == 1


@pytest.mark.parametrize("kind", get_args(FaultKind), ids=lambda kind: f"L06-{kind}")
def test_each_fault_is_one_warning_in_our_own_words(kind: FaultKind) -> None:
    said = "<b>503</b> at http://10.1.2.3:11434 on 2026-01-02T03:04:05 @org/team"
    rules, _ = desk(Fault(kind=kind, message=said, remedy="call +49 30 1"))
    heard = consult("planner", ASKED, PlannerAnswer, desk=rules)
    (finding,) = fault_findings((None, heard.consultation))
    assert (finding.rule, finding.severity) == ("llm-invalid", "warn")
    assert finding.message.startswith("The rules of the planner decided alone: its model ")
    assert f"({kind})" in finding.message
    assert finding.remedy
    shown = finding.model_dump_json() + heard.consultation.model_dump_json()
    assert not any(word in shown for word in ("10.1.2.3", "2026", "@org", "+49", "<b>"))
    assert inert_text(finding.message).replace("\\", "") == finding.message
    assert heard.answers[0].fault is not None
    assert heard.answers[0].fault.message == said


@pytest.mark.parametrize(
    "spent",
    [
        Spent(seconds=45.0),
        Spent(seconds=44.5),
        Spent(input_tokens=50_000, output_tokens=10_000),
        Spent(money=0.10),
        Spent(money=0.2),
    ],
)
def test_with_nothing_left_nobody_is_called(spent: Spent) -> None:
    rules, counsel = desk(planner_says(), allowance=Allowance(seconds=45, tokens=60_000, money=0.1))
    effort = Effort(agent="collector", model="x:y", spent=spent)
    heard = consult("planner", ASKED, PlannerAnswer, desk=rules, spent=(effort,))
    assert counsel.asked == []
    assert heard.consultation.fault is not None
    assert heard.consultation.fault.kind == "budget"
    assert heard.efforts == ()
    assert heard.answers[0].fault is not None


def test_what_earlier_agents_spent_is_taken_off() -> None:
    rules, counsel = desk(planner_says(), allowance=Allowance(seconds=45, tokens=1_000, money=1.0))
    spent = Spent(seconds=5, input_tokens=100, output_tokens=100, money=0.25)
    consult("planner", ASKED, PlannerAnswer, desk=rules, spent=(Effort(agent="collector", model="x", spent=spent),))
    assert counsel.allowances == [Allowance(seconds=40, tokens=800, money=0.75)]


def test_reasons_are_quiet_and_cite_only_what_was_shown() -> None:
    reasons = (
        Reason(text="AKIA" + "A" * 16 + " \u202e at db.prod.internal", source_id="sizing-7.5"),
        Reason(text="b", source_id="source-2"),
        Reason(text="c", source_id="invented"),
        Reason(text="x" * 300),
    )
    rules, _ = desk(PlannerAnswer(reasons=reasons, confidence=0.5))
    told = consult("planner", ASKED, PlannerAnswer, desk=rules).consultation
    assert "AKIA" not in told.reasons[0].text
    assert "internal\n" not in told.reasons[0].text
    assert "db.prod" not in told.reasons[0].text
    assert "\u202e" not in told.reasons[0].text
    assert [each.source_id for each in told.reasons] == ["sizing-7.5", "source-2", None, None]
    assert told.cited == ("sizing-7.5", ASKED.sources["source-2"])
    assert len(told.reasons[3].text) <= 300


def test_a_recorded_answer_is_what_was_used_even_for_no_number() -> None:
    rules, _ = desk(planner_says(number("cpu", math.nan)))
    live = consult("planner", ASKED, PlannerAnswer, desk=rules)
    again = consult("planner", ASKED, PlannerAnswer, desk=Desk(counsel=RecordedCounsel(live.answers)))
    assert live.answer is not None
    assert live.answer.numbers[0].value is None
    assert again.answer == live.answer
    assert again.consultation == live.consultation
    assert again.efforts == ()


def test_a_fault_of_the_budget_is_replayed_as_it_was() -> None:
    rules, _ = desk(planner_says(), allowance=Allowance(tokens=0))
    live = consult("planner", ASKED, PlannerAnswer, desk=rules)
    again = consult("planner", ASKED, PlannerAnswer, desk=Desk(counsel=RecordedCounsel(live.answers)))
    assert again.consultation == live.consultation


def test_a_finding_stands_in_the_plan_once() -> None:
    plan = rules_plan()
    rules, _ = desk(Fault(kind="timeout", message="m", remedy="r"))
    findings = fault_findings((consult("planner", ASKED, PlannerAnswer, desk=rules).consultation,))
    assert noted(plan, ()) is plan
    assert noted(noted(plan, findings), findings).findings == (*plan.findings, *findings)
