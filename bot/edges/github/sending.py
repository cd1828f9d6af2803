"""Writes through a forge's credential and queue: one call of REST, its answer in its documented shape.

In: a verb, a path, a body. Out: the parsed answer, ``Answered`` for a status that the caller expects. Never: a write
that follows a redirection, GraphQL, a second way past the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import structlog
from pydantic import TypeAdapter

from bot.edges.github.calls import Answered
from bot.edges.github.forge import GitHubForge
from bot.edges.github.line import Answer, Line
from bot.errors import Code, Unavailable
from bot.ports import Clock

T = TypeVar("T")

SOFT: Final = frozenset({403, 404, 409, 422})
"""Answers that do not stop a courtesy: no right, not there, not now, not like this."""

_DELAYS: Final = (1.0, 2.0, 4.0)
"""Seconds between tries of a write on something that GitHub does not show yet."""

_log = structlog.get_logger(__name__)


class Moved(Exception):
    """The repository has another name: GitHub redirected a write."""


class Sender:
    """The writes of one forge. ``redact`` is the forge's own redaction."""

    def __init__(self, forge: GitHubForge, *, clock: Clock) -> None:
        self._requester = forge.requester
        self.redact = forge.redact
        self.line: Line = forge.line
        self._clock = clock

    def at_home(self, repo: str, act: Callable[[str], T]) -> T:
        """Act on the repository under its present name; once more when it was renamed meanwhile.

        Raises Refused(github-auth) when the repository is not visible.
        """
        for _ in range(2):
            try:
                return act(self.line.home(repo)[0].full_name)
            except Moved:
                _log.info("the repository was renamed", repo=repo)
        raise Unavailable(Code.RATE, "The repository is being renamed.", remedy="Repeat it in a minute.")

    def send(
        self,
        verb: str,
        what: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        form: TypeAdapter[T],
        look: Callable[[], T | None] | None = None,
        expect: frozenset[int] = frozenset(),
    ) -> T:
        """One write. ``look`` finds what a doubtful call has made; without it the call may be repeated.

        Raises Answered for a status of ``expect``, Moved, Refused or Unavailable.
        """

        def call() -> T:
            given = None if body is None else dict(body)
            _, data = self._requester.requestJsonAndCheck(verb, path, input=given)
            return Answer(_stayed(data), self._clock.now(), None).read(form)

        return self.line.calls.write(what, call, look=look, expect=expect)

    def patiently(self, act: Callable[[], T]) -> T:
        """Repeat what is answered 404: GitHub's reads may lag behind its writes. Raises the last Answered."""
        for delay in _DELAYS:
            try:
                return act()
            except Answered as answer:
                if answer.status != 404:
                    raise
            self._clock.sleep(delay)
        return act()


def softly(what: str, act: Callable[[], T]) -> T | None:
    """A courtesy: None when GitHub does not allow it, does not know it, or does not answer. Refused is raised."""
    try:
        return act()
    except Answered as answer:
        _log.info("a courtesy was not possible", what=what, status=answer.status)
    except Unavailable as outage:
        _log.warning("a courtesy was given up", what=what, reason=str(outage))
    return None


def _stayed(data: object) -> object:
    """The answer to a write, unless it was a redirection: words and an address, but no id."""
    if isinstance(data, dict) and {"message", "url"} <= data.keys() and "id" not in data:
        raise Moved
    return data
