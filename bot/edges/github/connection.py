"""One credential's connection to GitHub's REST API: a client of PyGithub, its queue and its line.

In: where the API is, and a credential. Out: a ``Connection``. Never: a repetition by the client itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from github import Github

from bot.edges.github.calls import Calls
from bot.edges.github.line import Line
from bot.edges.github.pace import Meter
from bot.edges.github.tokens import Bearer, TokenSource
from bot.ports import Clock

TIMEOUT = 15
"""Seconds for one REST call."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where the API is and how it is spoken to. ``write_pause`` and ``timeout`` are in seconds."""

    url: str
    clock: Clock
    write_pause: float
    redact: Callable[[str], str]
    meter: Meter | None = None
    user_agent: str = "ai-provision"
    timeout: int = TIMEOUT

    def connect(self, tokens: TokenSource, *, account: str = "token") -> Connection:
        """A connection with this credential; close it after use. ``account`` is its name for the meter."""
        github = Github(
            auth=Bearer(tokens),
            base_url=self.url,
            timeout=self.timeout,
            user_agent=self.user_agent,
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )
        calls = Calls(
            clock=self.clock,
            write_pause=self.write_pause,
            redact=self.redact,
            tokens=tokens,
            meter=self.meter,
            remaining=lambda: github.requester.rate_limiting[0],
            account=account,
        )
        return Connection(github, Line(github, calls=calls, clock=self.clock))


@dataclass(frozen=True)
class Connection:
    """A client and its line."""

    github: Github
    line: Line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.github.close()

    def post(self, what: str, path: str, body: Mapping[str, Any] | None, *, expect: frozenset[int]) -> object:
        """A call that may be repeated without harm. Raises Answered for a status of ``expect``."""
        return self.line.calls.write(
            what,
            lambda: self.github.requester.requestJsonAndCheck("POST", path, input=dict(body) if body else None),
            expect=expect,
        )[1]
