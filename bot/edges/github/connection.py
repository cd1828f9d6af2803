"""One credential's connection to GitHub's REST API: a client of PyGithub, its queue and its line.

In: where the API is, and a credential. Out: a ``Connection``. Never: a repetition by the client itself, an answer that
lasts longer than its limit, an answer without a body taken for data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import requests
from github import Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from bot.edges.capped import CappedAdapter
from bot.edges.github.calls import Calls
from bot.edges.github.line import Line
from bot.edges.github.pace import Meter
from bot.edges.github.tokens import Bearer, TokenSource
from bot.ports import Clock

TIMEOUT = 15
"""Seconds to connect, and for one read of an answer."""

ANSWER = 30.0
"""Seconds for a whole answer, from the end of the request to its last byte."""

_WITH_BODY = frozenset({200, 201})


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where the API is and how it is spoken to. ``write_pause``, ``timeout`` and ``answer`` are in seconds."""

    url: str
    clock: Clock
    write_pause: float
    redact: Callable[[str], str]
    meter: Meter | None = None
    user_agent: str = "ai-provision"
    timeout: int = TIMEOUT
    answer: float = ANSWER

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
        _cap(github.requester, seconds=self.answer)
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


def _cap(requester: Requester, *, seconds: float) -> None:
    """PyGithub's public seam for connections is for all clients of the process and turns keep-alive off; these names
    are the same seam for one client. The fault tests fail when PyGithub renames them.
    """
    plain = partial(_connection, HTTPRequestsConnectionClass, seconds)
    secure = partial(_connection, HTTPSRequestsConnectionClass, seconds)
    vars(requester).update(
        _Requester__connectionClass=secure if requester.base_url.startswith("https:") else plain,
        _Requester__httpConnectionClass=plain,
        _Requester__httpsConnectionClass=secure,
    )


def _connection(
    kind: type[HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass], seconds: float, *arguments: Any, **more: Any
) -> HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass:
    """A connection of PyGithub whose answers are whole: in time, and with the body that their status promises."""
    connection = kind(*arguments, **more)
    connection.adapter = CappedAdapter(seconds=seconds, pool=connection.pool_size)
    connection.session.mount(f"{connection.protocol}://", connection.adapter)
    connection.session.hooks["response"].append(_with_body)
    return connection


def _with_body(answer: requests.Response, **_more: Any) -> None:
    """A line that breaks inside the headers leaves an answer without a body, which would read as an empty fact."""
    if answer.status_code in _WITH_BODY and not answer.content:
        raise requests.ConnectionError("the answer ended before its body", request=answer.request)
