"""The port ``Counsel`` in memory: scripted answers by agent, every question noted, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from pydantic import ValidationError

from bot.counsel import Tool
from bot.model.consultation import Allowance, Fault, Question, Reply, Spent
from bot.model.noun import Noun

A = TypeVar("A", bound=Noun)
Said = Noun | Fault
Step = Said | Callable[[Question], Said]

MALFORMED = Fault(kind="malformed", message="The scripted model gave no answer in the asked form.", remedy="None.")
BUDGET = Fault(kind="budget", message="The budget for models is spent.", remedy="Wait.")


class ScriptedCounsel:
    """``answers`` by agent; the last one of an agent is repeated for ever, an agent without any is a fault.

    ``asked`` are the questions in order, ``offered`` the tools of each, ``allowances`` what each was allowed. An answer
    may be a function of the question, and may use ``tools`` (by name) of the question that is being answered.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[Step]] | None = None,
        *,
        model: str = "scripted:model",
        cost: Spent | None = None,
    ) -> None:
        self._answers = {agent: list(steps) for agent, steps in (answers or {}).items()}
        self._model = model
        self._cost = cost or Spent(calls=1, input_tokens=100, output_tokens=10, seconds=0.5, money=0.001)
        self.asked: list[Question] = []
        self.offered: list[tuple[str, ...]] = []
        self.allowances: list[Allowance] = []
        self.tools: dict[str, Tool] = {}

    def model_of(self, agent: str) -> str:
        return self._model

    def ask(self, question: Question, form: type[A], *, allowance: Allowance, tools: tuple[Tool, ...] = ()) -> Reply[A]:
        shape = cast("type[Reply[A]]", Reply.__class_getitem__(form))
        self.asked.append(question)
        self.offered.append(tuple(tool.name for tool in tools))
        self.allowances.append(allowance)
        self.tools = {tool.name: tool for tool in tools}
        if allowance.seconds <= 0 or allowance.tokens <= 0 or allowance.money == 0:
            return shape(model=self._model, fault=BUDGET)
        said = self._said(question)
        if isinstance(said, Fault):
            return shape(model=self._model, fault=said, spent=self._cost)
        if not isinstance(said, form):
            return shape(model=self._model, fault=MALFORMED, spent=self._cost)
        try:
            answer = form.model_validate_json(said.model_dump_json())
        except ValidationError:
            return shape(model=self._model, fault=MALFORMED, spent=self._cost)
        return shape(model=self._model, answer=answer, spent=self._cost)

    def _said(self, question: Question) -> Said:
        steps = self._answers.get(question.agent, [])
        if not steps:
            return MALFORMED
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(question) if callable(step) else step
