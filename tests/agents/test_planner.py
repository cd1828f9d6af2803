"""The planner: a model may move its numbers, within limits and with a source, and never makes the plan worse."""

from __future__ import annotations

import pytest

from bot.agents.desk import EMPTY, Desk
from bot.agents.planner import Planned, beyond, consulted_plan, loss
from bot.errors import Code, Refusal
from bot.model.consultation import Allowance, Effort, Fault, NumberProposal, Reason, Spent
from bot.model.plan import Cost, Exceeded, Plan
from bot.model.refinement import Refinement
from tests.agents.cases import (
    EVIDENCE,
    Replanning,
    collected,
    context,
    heard,
    number,
    planner_says,
    rules_plan,
)
from tests.fakes.counsel import ScriptedCounsel

RULED = rules_plan()
RAISED = number("cpu", "1", why="the peak is short @org/team")


def consulted(
    *numbers: NumberProposal, answer: Plan | Refusal | None = None, fixed: tuple[Refinement, ...] = ()
) -> tuple[Planned, Replanning]:
    around = context()
    around = around.model_copy(update={"request": around.request.model_copy(update={"refinements": fixed})})
    replanning = Replanning(around, answer=answer)
    desk = Desk(counsel=ScriptedCounsel({"planner": (planner_says(*numbers),)}))
    return consulted_plan(rules_plan(around), around, replan=replanning, desk=desk), replanning


def test_without_a_model_the_rules_plan_stands_untouched() -> None:
    replanning = Replanning(context())
    result = consulted_plan(RULED, context(), replan=replanning, desk=EMPTY)
    assert result.plan is RULED
    assert result.evidence == EVIDENCE
    assert replanning.calls == []
    assert result.consultation is not None
    assert result.consultation.model is None
    assert len(result.consultation.digest) == 16


def test_a_number_within_limits_moves_the_plan_and_is_recorded_as_the_models() -> None:
    result, replanning = consulted(RAISED, number("reads", 4))
    (entry,) = (each for each in result.plan.decisions if each.path == "services.api.requests.cpu")
    assert (entry.value, entry.origin, entry.source) == ("1", "model", "sizing-7.5")
    assert result.consultation is not None
    assert result.consultation.decided == ("services.api.requests.cpu", "services.api.inputs.reads")
    assert result.consultation.cited == ("sizing-7.5",)
    assert result.ruled == RULED
    assert len(replanning.calls) == 1
    assert [each.key for each in result.refinements] == ["cpu"]


def test_a_number_without_its_source_moves_nothing() -> None:
    result, replanning = consulted(number("cpu", "1", source=None), number("cpu", "1", source="invented"))
    assert result.plan.services == RULED.services
    assert replanning.calls == []
    assert result.consultation is not None
    assert len(result.consultation.rejected) == 2


@pytest.mark.parametrize("code", [Code.CAPACITY, Code.POLICY])
def test_a_refused_plan_leaves_the_rules_plan_and_says_why(code: Code) -> None:
    refusal = Refusal(code=code, message="no room @org/team", remedy="x")
    result, _ = consulted(RAISED, answer=refusal)
    assert result.plan == RULED
    assert result.refinements == ()
    assert result.consultation is not None
    assert result.consultation.decided == ()
    assert [each.what for each in result.consultation.rejected] == ["api.cpu=1"]
    assert code in result.consultation.rejected[0].why


def lost_placement() -> Plan:
    return RULED.model_copy(update={"placement": RULED.placement[:-1]})


def no_node() -> Plan:
    first, *rest = RULED.placement
    homeless = next(each for each in RULED.placement if each.node is not None)
    return RULED.model_copy(
        update={"placement": tuple(each.model_copy(update={"node": None}) if each == homeless else each
                                   for each in (first, *rest))}
    )  # fmt: skip


def over_budget() -> Plan:
    passed = Exceeded(scope="application", name="shop", limit=1.0, total=2.0)
    return RULED.model_copy(update={"cost": Cost(priced=True, currency="EUR", monthly=2.0, exceeded=(passed,))})


@pytest.mark.parametrize("worse", [lost_placement, no_node, over_budget])
def test_a_plan_that_loses_leaves_the_rules_plan(worse: object) -> None:
    result, _ = consulted(RAISED, answer=worse())
    assert result.plan == RULED
    assert result.consultation is not None
    assert "with it" in result.consultation.rejected[0].why
    assert loss(RULED, RULED) is None


def test_what_a_person_fixed_stands() -> None:
    fixed = Refinement(service="api", key="cpu", value="900m")
    result, replanning = consulted(RAISED, fixed=(fixed,))
    assert result.plan.services[0].requests.cpu.to_k8s() == "900m"
    assert replanning.calls == []


def test_a_silent_model_is_a_finding_of_the_plan_and_the_collectors_too() -> None:
    silent = Fault(kind="timeout", message="m", remedy="r")
    desk = Desk(counsel=ScriptedCounsel({"collector": (silent,), "planner": (silent,)}))
    around = context(heard(desk))
    plan = rules_plan(around)
    result = consulted_plan(plan, around, replan=Replanning(around), desk=desk)
    faults = [each for each in result.plan.findings if each.rule == "llm-invalid"]
    assert [each.message.split()[4] for each in faults] == ["collector", "planner"]
    assert result.plan.services == plan.services


def test_the_planner_is_offered_its_tools_and_what_is_left() -> None:
    counsel = ScriptedCounsel({"planner": (planner_says(),)})
    spent = Effort(agent="collector", model="x", spent=Spent(seconds=5, input_tokens=10))
    around = context(collected().model_copy(update={"efforts": (spent,)}))
    consulted_plan(RULED, around, replan=Replanning(around), desk=Desk(counsel=counsel))
    assert counsel.offered == [("headroom", "explain_number")]
    assert counsel.allowances == [Allowance(seconds=Allowance().seconds - 5, tokens=59_990)]


def test_reasons_are_kept_with_their_source() -> None:
    answer = planner_says(RAISED).model_copy(update={"reasons": (Reason(text="short", source_id="sizing-7.5"),)})
    desk = Desk(counsel=ScriptedCounsel({"planner": (answer,)}))
    result = consulted_plan(RULED, context(), replan=Replanning(context()), desk=desk)
    assert result.consultation is not None
    assert result.consultation.reasons == (Reason(text="short", source_id="sizing-7.5"),)
    assert result.consultation.confidence == 0.7


def test_inputs_that_together_lead_beyond_twice_the_rules_numbers_are_dropped_and_the_others_stand() -> None:
    """Each input is within its own bounds; reads and weight together would cost more than three times."""
    inputs = (number("reads", 6), number("weight", 2))
    result, replanning = consulted(*inputs)
    assert result.plan.services == RULED.services
    assert result.adjustments == ()
    assert result.consultation is not None
    assert "beyond half and twice" in result.consultation.rejected[-1].why
    both, replanning = consulted(RAISED, *inputs)
    assert both.adjustments == ()
    assert [each.key for each in both.refinements] == ["cpu"]
    assert beyond(both.plan, RULED) is None
    assert len(replanning.calls) == 2


def test_a_number_just_beyond_twice_is_named() -> None:
    api, *others = RULED.services
    grown = api.model_copy(update={"replicas": api.replicas * 2 + 1})
    assert "api.replicas" in (beyond(RULED.model_copy(update={"services": (grown, *others)}), RULED) or "")
    assert beyond(RULED, RULED) is None
