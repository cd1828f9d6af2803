"""What a scripted model answers, and what it was asked.

In: steps by agent. Out: immutable values. Never: a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal[
    "refuse",
    "hang",
    "drip",
    "rate",
    "quota",
    "500",
    "503",
    "529",
    "html",
    "page",
    "cut",
    "large",
    "gzip",
    "key",
    "model",
    "form",
    "blocked",
    "redirect",
    "prose",
    "fence",
    "two",
    "truncated",
    "empty",
    "wrong",
]


@dataclass(frozen=True)
class Failure:
    """How a model's server fails.

    Of the connection: ``refuse`` (closed without an answer), ``hang``, ``drip`` (a byte each ``seconds``), ``cut``
    (half of the announced body). Of the server: ``rate`` (429, ``seconds`` as Retry-After or, at Gemini, inside),
    ``quota`` (402), ``500``, ``503``, ``529``, ``html`` (502), ``page`` (HTML with 200), ``key``, ``model`` (404),
    ``form`` (400), ``redirect``, ``large`` (10 MB), ``gzip`` (compressed unasked). Of the content: ``blocked``,
    ``prose``, ``fence``, ``two``, ``truncated``, ``empty``, ``wrong``; these hold the smallest answer that fits every
    form, or a part of it.
    """

    mode: Mode
    seconds: float | None = None


@dataclass(frozen=True)
class Call:
    """The model calls a tool before it answers."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came. ``payload`` is the user's first message, ``text`` the whole body, for canaries.

    ``results`` are what tools answered so far. ``headers`` have lower-case names.
    """

    provider: Literal["google", "openai", "ollama"]
    model: str
    agent: str
    instructions: str
    payload: str
    tools: tuple[str, ...]
    results: tuple[str, ...]
    body: dict[str, Any]
    headers: dict[str, str]
    text: str


Step = dict[str, Any] | str | Failure | Call | Callable[[Asked], "dict[str, Any] | str | Failure | Call"]
"""A JSON answer, text as it is, a failure, a tool call, or a function of the request, such as a model that obeys."""

Script = Mapping[str, Sequence[Step]]
"""Steps by agent, ``*`` for every other one; the last step of an agent is repeated for ever."""
