"""One question on its way: the agent of pydantic-ai, its tools, its line, and one plainer try where a server wants one.

In: a question, the form of its answer, tools, a tally. Out: the answer, or an exception. Never: text that is not of the
form, a second repair.

**The mode of output** is pydantic-ai's ``PromptedOutput``: the JSON schema stands in the instructions, and the
provider's JSON mode is on where it can be. The other two do not work everywhere. Output as a tool call needs a model
that calls tools, which many small Ollama models refuse; a native schema is refused by older OpenAI-compatible servers,
and by Gemini 2.5 together with tools. Our own types judge the answer in all three: only a grammar is lost.
"""

from __future__ import annotations

import json
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import httpx2
from pydantic_ai import Agent, PromptedOutput
from pydantic_ai import Tool as FunctionTool
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import UsageLimits

from bot.counsel import Tool
from bot.edges.model.faults import Trouble
from bot.edges.model.instructions import FORM, instructions
from bot.edges.model.library import model_for
from bot.edges.model.line import Line, Pace
from bot.edges.model.outside import Servers
from bot.edges.model.tally import Tally
from bot.edges.model.tools import MOST_CALLS, Calls, function_tool
from bot.model.consultation import Question
from bot.model.noun import JsonValue, Noun
from bot.ports import Clock

A = TypeVar("A", bound=Noun)

MOST_OUTPUT: Final = 16_000
"""Tokens of one answer, a model's thinking included."""


def canonical(payload: JsonValue) -> str:
    """The payload as JSON: sorted keys, no spaces, every character as it is, but ``<`` as its JSON escape.

    So no text inside can look like one of the tags by which client libraries and models tell voices apart.
    """
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode().replace("<", "\\u003c")


def temperature(agent: str) -> float:
    """The planner may vary a little; the others read."""
    return 0.1 if agent == "planner" else 0.0


@dataclass(frozen=True, kw_only=True)
class Asking(Generic[A]):
    """Everything of one question. ``servers`` are the outside tool servers."""

    question: Question
    form: type[A]
    tools: tuple[Tool, ...]
    servers: Servers
    tally: Tally
    clock: Clock
    trust: ssl.SSLContext
    pace: Pace

    async def answer(self) -> A:
        """The answer. Raises Trouble and what pydantic-ai raises."""
        try:
            return await self._asked(plain=False)
        except Exception:
            if not self.tally.form_refused:
                raise
            self.tally.stopped, self.tally.form_refused = None, False
        return await self._asked(plain=True)

    async def _asked(self, *, plain: bool) -> A:
        """``plain``: without tools, JSON mode and sampling settings, which some servers refuse with 400."""
        async with AsyncExitStack() as stack:
            line = Line(tally=self.tally, clock=self.clock, trust=self.trust, pace=self.pace)
            client = await stack.enter_async_context(httpx2.AsyncClient(transport=line, trust_env=False, timeout=None))
            agent: Agent[object, A] = Agent(
                model_for(self.tally.party, client, plain=plain),
                output_type=PromptedOutput(self.form, template=FORM),
                instructions=instructions(self.question.agent),
                tools=[] if plain else await self._tools(stack),
                retries={"output": 1, "tools": 1},
                model_settings=ModelSettings() if plain else self._settings(),
            )
            done = await agent.run(
                canonical(self.question.payload), usage_limits=UsageLimits(request_limit=MOST_CALLS + 4)
            )
            return done.output

    async def _tools(self, stack: AsyncExitStack) -> list[FunctionTool[Any]]:
        calls = Calls()
        outside = await self.servers.tools(stack, calls)
        return [function_tool(tool, calls) for tool in self.tools] + outside

    def _settings(self) -> ModelSettings:
        most = max(1, min(MOST_OUTPUT, self.tally.allowance.tokens))
        return ModelSettings(temperature=temperature(self.question.agent), max_tokens=most)


__all__ = ["Asking", "Trouble", "canonical", "temperature"]
