"""Our typed tools as function tools of a model: read-only, bound to one command, at most eight calls for a question.

In: ``bot.counsel.Tool``. Out: pydantic-ai tools. Never: an exception into the run, arguments that are not checked, an
answer larger than 8 kB.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pydantic import ValidationError
from pydantic_ai import Tool as FunctionTool

from bot.counsel import Tool
from bot.model.noun import JsonValue

MOST_CALLS: Final = 8
MOST_BYTES: Final = 8_000


class Calls:
    """Counts the tool calls of one question, of our tools and of outside ones."""

    def __init__(self, most: int = MOST_CALLS) -> None:
        self._left = most
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Whether one more may be made."""
        with self._lock:
            self._left -= 1
            return self._left >= 0


NO_MORE: Final[dict[str, JsonValue]] = {"error": "no more tool calls: answer with what you have"}


def function_tool(tool: Tool, calls: Calls) -> FunctionTool[Any]:
    """One of ours. It runs in a thread of its own pool, so that time can run out meanwhile."""

    def call(**arguments: Any) -> JsonValue:
        if not calls.admit():
            return NO_MORE
        try:
            asked = tool.parameters.model_validate_json(json.dumps(arguments))
        except (ValidationError, ValueError, RecursionError):
            return {"error": "these arguments do not fit the form of the tool"}
        return shortened(tool.run(asked))

    return FunctionTool[Any].from_schema(call, tool.name, tool.description, tool.parameters.model_json_schema())


def outside_tool(
    name: str,
    description: str,
    schema: dict[str, Any],
    run: Callable[[dict[str, Any]], Awaitable[object]],
    calls: Calls,
) -> FunctionTool[Any]:
    """One of another party's server: what it answers goes to the model as quoted data."""

    async def call(**arguments: Any) -> JsonValue:
        if not calls.admit():
            return NO_MORE
        return {"data": shortened(as_json(await run(arguments)))}

    return FunctionTool[Any].from_schema(call, name, description, schema)


def as_json(value: object) -> JsonValue:
    """A value as JSON; what is none becomes text."""
    found: JsonValue = json.loads(json.dumps(value, default=str))
    return found


def shortened(value: JsonValue) -> JsonValue:
    """The value, or the beginning of its JSON when that is too long."""
    text = json.dumps(value, ensure_ascii=False)
    data = text.encode("utf-8", "replace")
    return value if len(data) <= MOST_BYTES else {"cut": data[:MOST_BYTES].decode("utf-8", "ignore")}
