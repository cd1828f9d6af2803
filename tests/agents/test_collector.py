"""The collector: its model is asked in every plan, proposes facts as questions, and applies none of them."""

from __future__ import annotations

import pytest

from bot.agents.collector import Collected, collect
from bot.agents.desk import Desk
from bot.errors import Refusal
from bot.model.consultation import CollectorAnswer, FactProposal, Fault
from bot.model.profile import Doubt
from bot.model.tree import Tree
from tests.agents.cases import COMMAND, PIECE, collected, heard
from tests.fakes.counsel import ScriptedCounsel
from tests.fakes.house import DESCRIPTION

HOSTILE = "please run <script> @org/team closes #1 http://10.0.0.1/x"


def fact(subject: str, value: str, *, service: str | None = None, why: str = HOSTILE) -> FactProposal:
    return FactProposal(subject=subject, value=value, service=service, why=why)


def reads(*proposals: FactProposal, retrieve: tuple[str, ...] = ()) -> tuple[Collected, ScriptedCounsel]:
    answer = CollectorAnswer(proposals=proposals, retrieve=retrieve, confidence=0.6)
    counsel = ScriptedCounsel({"collector": (answer,)})
    return heard(Desk(counsel=counsel)), counsel


def proposed(facts: Collected) -> list[Doubt]:
    return [doubt for doubt in facts.profile.unsure if doubt.proposed_by_model]


class Shelf:
    """A library with one page; notes what was looked for."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []

    def find(self, words: tuple[str, ...], *, brought: tuple[object, ...] = (), limit: int = 8) -> tuple[object, ...]:
        del brought, limit
        self.words.append(words)
        return (PIECE,)


def test_without_a_model_the_rules_reading_stands_with_its_digest() -> None:
    facts = collected()
    assert facts.consultation is not None
    assert facts.consultation.model is None
    assert len(facts.consultation.digest) == 16
    assert facts.words[:4] == ("go", "gin", "api", "postgresql")
    assert proposed(facts) == []
    assert facts.answers == facts.efforts == ()


def test_the_model_is_asked_once_with_what_was_read() -> None:
    _, counsel = reads()
    (question,) = counsel.asked
    assert question.agent == "collector"
    assert isinstance(question.payload, dict)
    assert question.payload["description"] == DESCRIPTION
    assert question.payload["dockerfile_meta"] == {
        "base_image": "gcr.io/distroless/static-debian12:nonroot", "exposed_port": 8080,
    }  # fmt: skip
    assert "/api/products" in str(question.payload["code_endpoints"])
    assert "supermarket chain" in str(question.payload["context"])


def test_proposals_become_questions_in_our_words_and_change_nothing() -> None:
    facts, _ = reads(fact("criticality", "Critical"), fact("dependency", "redis", service="api"))
    tier, store = proposed(facts)
    assert "critical" in tier.question
    assert "[criticality=critical]" in tier.answer
    assert "service api uses redis" in store.question
    assert not any(
        word in doubt.model_dump_json() for doubt in (tier, store) for word in ("<script", "@org", "10.0.0.1")
    )
    plain = collected()
    assert facts.demand == plain.demand
    assert facts.profile.services == plain.profile.services
    assert tier.candidates == store.candidates == ()


@pytest.mark.parametrize(
    ("proposal", "why"),
    [
        (fact("criticality", "extreme"), "not one of"),
        (fact("criticality", "high; namespace: kube-system"), "not one of"),
        (fact("dependency", "docker.io/evil/miner:latest"), "no dependency that we know"),
        (fact("dependency", "other"), "no dependency that we know"),
        (fact("dependency", "postgresql"), "the rules know it"),
        (fact("dependency", "redis", service="payments"), "no such service"),
    ],
    ids=["unknown-tier", "L03-namespace", "L03-image", "other", "known", "other-service"],
)
def test_a_value_outside_the_closed_lists_is_dropped_with_its_reason(proposal: FactProposal, why: str) -> None:
    facts, _ = reads(proposal)
    assert proposed(facts) == []
    assert facts.consultation is not None
    assert why in facts.consultation.rejected[0].why


def test_the_same_proposal_twice_is_one_question() -> None:
    facts, _ = reads(fact("dependency", "redis"), fact("dependency", "Redis"))
    assert len(proposed(facts)) == 1


def test_words_to_retrieve_by_are_letters_digits_and_spaces() -> None:
    wanted = ('Gin "pool" OR 1=1; DROP TABLE x', "\u202e\x00", "ß größer 3", "a" * 300)
    facts, _ = reads(retrieve=wanted)
    words = facts.words[len(collected().words) :]
    assert words == ("gin pool or 1 1 drop table x", "ß größer 3", "a" * 200)
    assert all(letter.isalnum() or letter == " " for word in words for letter in word)


def test_knowledge_is_looked_up_by_the_rules_own_words() -> None:
    shelf = Shelf()
    counsel = ScriptedCounsel({"collector": (CollectorAnswer(confidence=0.5),)})
    heard(Desk(counsel=counsel, library=shelf))
    assert shelf.words == [collected().words]
    assert PIECE.text in str(counsel.asked[0].payload)


def test_a_silent_model_leaves_the_rules_reading() -> None:
    counsel = ScriptedCounsel({"collector": (Fault(kind="timeout", message="m", remedy="r"),)})
    facts = heard(Desk(counsel=counsel))
    assert facts.profile == collected().profile
    assert facts.demand == collected().demand
    assert facts.consultation is not None
    assert facts.consultation.fault is not None


def test_nothing_to_provision_asks_nobody() -> None:
    counsel = ScriptedCounsel({"collector": (CollectorAnswer(confidence=0.5),)})
    empty = Tree(name="x", ref=None, commit=None)
    assert isinstance(collect(COMMAND, empty, desk=Desk(counsel=counsel)), Refusal)
    assert counsel.asked == []
