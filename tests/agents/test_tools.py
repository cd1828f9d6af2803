"""The typed tools: bound to one command, read-only, cleaned, few; what they retrieve may be cited, in a replay too."""

from __future__ import annotations

import json

import pytest

from bot.agents.consult import consult
from bot.agents.desk import Desk
from bot.agents.payload import Asked
from bot.agents.scrub import Scrubber
from bot.agents.tools import (
    TRIALS,
    Belt,
    Named,
    Nothing,
    Search,
    TrialNumber,
    Trials,
    clean_words,
    planner_belt,
    reviewer_belt,
)
from bot.agents.trace import RecordedCounsel
from bot.capacity.headroom import headroom
from bot.counsel import Tool
from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.model.consultation import NumberProposal, PlannerAnswer, Question, Reason
from bot.model.evidence import Piece
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.plan import Cost, Exceeded, Plan
from bot.model.standard import Payload
from tests.agents.cases import PIECE, rules_plan
from tests.fakes.counsel import ScriptedCounsel
from tests.fakes.house import snapshot

PLAN = rules_plan()
SECRET_PIECE = Piece(source_id="plan:pve1@1", kind="plan", title="on pve1", text="at 10.0.0.7, key AKIA" + "A" * 16)


class Shelf:
    """A library that finds everything it has."""

    def __init__(self, *pieces: Piece) -> None:
        self.pieces = pieces
        self.asked: list[tuple[tuple[str, ...], tuple[Piece, ...], int]] = []

    def find(self, words: tuple[str, ...], *, brought: tuple[Piece, ...] = (), limit: int = 8) -> tuple[Piece, ...]:
        self.asked.append((words, brought, limit))
        return self.pieces[:limit]


def tool(belt: Belt, name: str) -> Tool:
    return next(each for each in belt.tools if each.name == name)


def for_planner(shelf: Shelf | None = None) -> Belt:
    names = Scrubber.of(snapshot())
    return planner_belt(PLAN, headroom(snapshot(), Config()), library=shelf, brought=(PIECE,), scrubber=names)


def for_reviewer(plan: Plan | Refusal = PLAN, *, findings: tuple[Finding, ...] = ()) -> tuple[Belt, list[object]]:
    tried: list[object] = []

    def trial(numbers: tuple[NumberProposal, ...]) -> tuple[Plan | Refusal, tuple[str, ...]]:
        tried.append(numbers)
        return plan, ("api.cpu=99: held to 1700m",)

    belt = reviewer_belt(
        trial, policy=lambda _: findings, validate=lambda _: (), library=Shelf(PIECE), brought=(), scrubber=Scrubber()
    )
    return belt, tried


WANTED = Trials(numbers=(TrialNumber(service="api", key="cpu", value=99),))


def test_the_reviewer_has_four_tools_and_the_planner_three() -> None:
    assert {each.name for each in for_reviewer()[0].tools} == {"policy_check", "validate", "retrieve", "cost"}
    assert {each.name for each in for_planner(Shelf()).tools} == {"headroom", "explain_number", "retrieve"}
    assert {each.name for each in for_planner().tools} == {"headroom", "explain_number"}


def test_headroom_has_no_names() -> None:
    answer = json.dumps(tool(for_planner(), "headroom").run(Nothing()))
    assert '"node-1"' in answer
    assert not any(node.name in answer for node in snapshot().nodes)


def test_a_number_is_explained_by_its_record() -> None:
    (entry,) = tool(for_planner(), "explain_number").run(Named(path="services.api.requests.cpu"))
    assert entry["value"] == "850m"
    assert entry["formula"]
    assert "error" in tool(for_planner(), "explain_number").run(Named(path="services.api.privileged"))


def test_retrieved_pieces_are_clean_and_may_be_cited() -> None:
    shelf = Shelf(PIECE, SECRET_PIECE)
    belt = for_planner(shelf)
    answer = tool(belt, "retrieve").run(Search(words='Gin" OR 1=1'))
    assert shelf.asked == [(("gin or 1 1",), (PIECE,), 5)]
    assert not any(word in json.dumps(answer) for word in ("pve1", "10.0.0.7", "AKIA"))
    assert set(belt.found.sources.values()) == {"sizing-7.5", "plan:pve1@1"}
    assert set(belt.found.sources) == {piece["source_id"] for piece in answer["pieces"]}


def test_a_trial_tells_findings_and_what_was_not_taken() -> None:
    finding = Finding(rule="hpa-bounds", severity="block", message="at 10.0.0.7", remedy="x")
    note = Finding(rule="n", severity="note", message="x", remedy="x")
    belt, tried = for_reviewer(findings=(finding, note))
    answer = tool(belt, "policy_check").run(WANTED)
    assert answer["findings"] == [{"rule": "hpa-bounds", "severity": "block", "message": "at [internal address]"}]
    assert answer["not_taken"] == ["api.cpu=99: held to 1700m"]
    assert tool(belt, "validate").run(WANTED)["findings"] == []
    assert len(tried) == 2


def test_a_refused_trial_is_told_as_such() -> None:
    refusal = Refusal(code=Code.CAPACITY, message="no room", remedy="x")
    assert tool(for_reviewer(refusal)[0], "cost").run(WANTED)["refused"] == "no room"


def test_cost_names_what_it_passes() -> None:
    exceeded = Exceeded(scope="application", name="shop", limit=10.0, total=12.0)
    priced = PLAN.model_copy(update={"cost": Cost(priced=True, currency="EUR", monthly=12.0, exceeded=(exceeded,))})
    answer = tool(for_reviewer(priced)[0], "cost").run(Trials())
    assert answer == {
        "priced": True, "monthly": 12.0, "currency": "EUR", "not_taken": ["api.cpu=99: held to 1700m"],
        "exceeded": [{"scope": "application", "limit": 10.0, "total": 12.0}],
    }  # fmt: skip
    assert tool(for_reviewer()[0], "cost").run(Trials())["priced"] is False


def test_tools_can_be_used_a_few_times_only() -> None:
    belt = for_planner()
    answers = [tool(belt, "headroom").run(Nothing()) for _ in range(TRIALS + 2)]
    assert "error" not in answers[TRIALS - 1]
    assert "error" in answers[TRIALS]
    assert "error" in tool(belt, "explain_number").run(Named(path="x"))


@pytest.mark.parametrize("given", [Nothing(), Search(words="x")])
def test_other_arguments_are_an_error_and_no_exception(given: Noun) -> None:
    assert "error" in tool(for_planner(), "explain_number").run(given)


def test_searches_hold_words_alone() -> None:
    assert clean_words('a"b* NEAR(c) \x00 é9') == "a b near c é9"
    assert len(clean_words("x" * 1000)) == 200


def test_what_was_retrieved_is_cited_again_in_a_replay() -> None:
    question = Asked("planner", Payload(), {})
    belt = for_planner(Shelf(PIECE))

    def says(_: Question) -> PlannerAnswer:
        shown = tool(belt, "retrieve").run(Search(words="cpu"))["pieces"][0]["source_id"]
        return PlannerAnswer(reasons=(Reason(text="so", source_id=shown),), confidence=0.5)

    live = consult(
        "planner", question, PlannerAnswer, desk=Desk(counsel=ScriptedCounsel({"planner": (says,)})), belt=belt
    )
    counsel = RecordedCounsel(live.answers)
    again = consult("planner", question, PlannerAnswer, desk=Desk(counsel=counsel), belt=for_planner(Shelf()))
    assert live.consultation.cited == ("sizing-7.5",)
    assert again.consultation == live.consultation
    assert again.retrieved == live.retrieved == (PIECE,)
