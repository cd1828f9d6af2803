"""What every ``Counsel`` keeps: the real edge with each provider, and the one in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from bot.counsel import Counsel, Tool
from bot.model.consultation import (
    Allowance,
    CollectorAnswer,
    NumberProposal,
    PlannerAnswer,
    Question,
    Reason,
    ReviewerAnswer,
)
from bot.model.noun import JsonValue, Noun

ALLOWANCE = Allowance(seconds=10)
PLANNED = PlannerAnswer(
    numbers=(NumberProposal(service="orders", key="cpu", value="500m", why="measured", source_id="metrics"),),
    reasons=(Reason(text="The p95 of last week is 310m.", source_id="metrics"),),
    confidence=0.8,
)
COLLECTED = CollectorAnswer(retrieve=("postgres sizing",), confidence=0.4)


class Words(Noun):
    """The arguments of a tool."""

    words: tuple[str, ...]


def tool(heard: list[Words]) -> Tool:
    def run(arguments: Noun) -> JsonValue:
        assert isinstance(arguments, Words)
        heard.append(arguments)
        return {"pieces": [f"about {word}" for word in arguments.words]}

    return Tool(name="retrieve", description="Find knowledge by words.", parameters=Words, run=run)


def asks(agent: str, payload: JsonValue = None) -> Question:
    return Question(agent=agent, payload=payload or {"name": "orders"}, digest="0" * 16)  # type: ignore[arg-type]


class CounselContract(ABC):
    """Subclasses bring a counsel whose planner says ``said`` in this order, and whose other agents say nothing."""

    model: ClassVar[str]

    @abstractmethod
    @contextmanager
    def counsel(self, said: Sequence[Noun], *, agent: str = "planner") -> Iterator[Counsel]: ...

    @abstractmethod
    @contextmanager
    def broken(self) -> Iterator[Counsel]:
        """A counsel that gives no answer in the form."""

    def test_an_answer_arrives_as_it_was_given_with_its_cost(self) -> None:
        with self.counsel([PLANNED]) as counsel:
            reply = counsel.ask(asks("planner"), PlannerAnswer, allowance=ALLOWANCE)
        assert (reply.answer, reply.fault, reply.model) == (PLANNED, None, self.model)
        assert reply.spent.calls == 1
        assert reply.spent.input_tokens > 0
        assert reply.spent.output_tokens > 0
        assert reply.spent.seconds >= 0

    def test_answers_come_in_order_and_the_last_one_stays(self) -> None:
        second = PLANNED.model_copy(update={"confidence": 0.1})
        with self.counsel([PLANNED, second]) as counsel:
            given = [counsel.ask(asks("planner"), PlannerAnswer, allowance=ALLOWANCE).answer for _ in range(3)]
        assert given == [PLANNED, second, second]

    def test_each_agent_has_its_form(self) -> None:
        with self.counsel([COLLECTED], agent="collector") as counsel:
            assert counsel.ask(asks("collector"), CollectorAnswer, allowance=ALLOWANCE).answer == COLLECTED

    def test_an_answer_in_another_form_is_malformed(self) -> None:
        with self.counsel([COLLECTED]) as counsel:
            reply = counsel.ask(asks("planner"), PlannerAnswer, allowance=ALLOWANCE)
        assert reply.answer is None
        assert reply.fault is not None
        assert reply.fault.kind == "malformed"
        assert reply.spent.calls >= 1

    def test_a_counsel_that_fails_says_so_and_what_it_cost(self) -> None:
        with self.broken() as counsel:
            reply = counsel.ask(asks("reviewer"), ReviewerAnswer, allowance=ALLOWANCE)
        assert reply.answer is None
        assert reply.fault is not None
        assert reply.fault.message.endswith(".")
        assert reply.fault.remedy
        assert reply.spent.calls >= 1

    def test_nothing_is_asked_without_an_allowance(self) -> None:
        with self.counsel([PLANNED]) as counsel:
            for none in (Allowance(seconds=0), Allowance(tokens=0), Allowance(money=0.0)):
                reply = counsel.ask(asks("planner"), PlannerAnswer, allowance=none)
                assert reply.fault is not None
                assert reply.fault.kind == "budget"
                assert reply.spent.calls == 0

    def test_the_model_has_the_configured_name(self) -> None:
        with self.counsel([PLANNED]) as counsel:
            assert {counsel.model_of(agent) for agent in ("collector", "planner", "reviewer")} == {self.model}

    def test_a_reply_survives_a_round_trip(self) -> None:
        with self.counsel([PLANNED]) as counsel:
            reply = counsel.ask(asks("planner"), PlannerAnswer, allowance=ALLOWANCE)
        assert type(reply).model_validate_json(reply.model_dump_json()) == reply

    def test_tools_may_be_offered(self) -> None:
        heard: list[Words] = []
        with self.counsel([PLANNED]) as counsel:
            reply = counsel.ask(asks("planner"), PlannerAnswer, allowance=ALLOWANCE, tools=(tool(heard),))
        assert reply.answer == PLANNED
