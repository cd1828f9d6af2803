"""What models said once, said again: judgement of a finished job without a model.

In: the recorded answers of a job. Out: the same answers by agent and order. Never: a call to anything, an answer for a
question that nobody recorded.
"""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from bot.counsel import Tool
from bot.model.consultation import Allowance, Fault, Question, Recorded, Reply
from bot.model.noun import JsonValue, Noun

A = TypeVar("A", bound=Noun)


class RecordedCounsel:
    """``bot.counsel.Counsel`` from records. ``mismatches`` are sentences about questions that were not the recorded
    ones; their recorded answer is given all the same, so that a replay shows what follows from it.
    """

    def __init__(self, answers: tuple[Recorded, ...]) -> None:
        self._answers = answers
        self._asked: dict[str, int] = {}
        self._found: dict[str, JsonValue] = {}
        self._mismatches: list[str] = []

    @property
    def mismatches(self) -> tuple[str, ...]:
        """One sentence for each question that differs from the recorded one."""
        return tuple(self._mismatches)

    def model_of(self, agent: str) -> str:
        """The recorded model; empty for an agent that was never asked."""
        return next((each.model for each in self._answers if each.agent == agent), "")

    def ask(self, question: Question, form: type[A], *, allowance: Allowance, tools: tuple[Tool, ...] = ()) -> Reply[A]:
        """The recorded answer with the number of this question. It costs nothing and uses no tool."""
        del allowance, tools
        order = self._asked.get(question.agent, 0)
        self._asked[question.agent] = order + 1
        own = [each for each in self._answers if each.agent == question.agent]
        if order >= len(own):
            self._mismatches.append(f"the {question.agent} asks once more than was recorded ({order + 1} times)")
            return Reply(model=self.model_of(question.agent), fault=_nothing_recorded(question.agent))
        kept = own[order]
        if kept.digest != question.digest:
            self._mismatches.append(
                f"question {order + 1} of the {question.agent} is {question.digest}, recorded is {kept.digest}"
            )
        self._found[question.agent] = kept.retrieved
        return self._reply(kept, form)

    def found(self, agent: str) -> JsonValue:
        """What the model of an agent retrieved with its tool before the answer given last."""
        return self._found.get(agent)

    def _reply(self, kept: Recorded, form: type[A]) -> Reply[A]:
        if kept.answer is None:
            return Reply(model=kept.model, fault=kept.fault or _nothing_recorded(kept.agent))
        try:
            answer = form.model_validate_json(json.dumps(kept.answer))
        except ValidationError:
            self._mismatches.append(f"a recorded answer of the {kept.agent} does not fit its form any more")
            return Reply(model=kept.model, fault=_nothing_recorded(kept.agent))
        return Reply(model=kept.model, answer=answer)


def _nothing_recorded(agent: str) -> Fault:
    return Fault(
        kind="malformed",
        message=f"No usable answer of the {agent} was recorded.",
        remedy="Replay the job with the version that ran it.",
    )
