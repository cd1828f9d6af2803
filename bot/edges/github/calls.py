"""The one exit to GitHub's REST API: paced, one call at a time, obedient to limits, honest about failures.

In: a call of PyGithub and what it needs. Out: its answer, or ``Refused`` (credential, right), ``Unavailable`` (limits,
outage), ``Answered`` (a status that the caller expects), ``Broken``. Never: a blind repetition of a call that creates
something, a token in a message.

The waiting rules are GitHub's: ``retry-after``; else the reset time when nothing remains; else at least 60 s, doubled,
at most five times (docs.github.com/rest, "Best practices for using the REST API").
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import requests
from github import GithubException

from bot.edges.github.pace import LIMIT, PATIENCE, Meter, Pace, Silence, parked
from bot.edges.github.tokens import Queued, TokenSource
from bot.errors import BotError, Broken, Code, Refusal, Refused
from bot.ports import Clock

T = TypeVar("T")

ATTEMPTS = 5
_LIMIT_WORDS = ("secondary rate limit", "api rate limit exceeded", "abuse detection")
_CREDENTIAL = "Give a valid, unexpired `GITHUB_TOKEN`; for an App check its id, its key and this computer's clock."
_RANDOM = random.SystemRandom()


class Answered(Exception):
    """GitHub answered with a status that the caller said it can handle."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True)
class _Wait:
    """Wait this long (seconds) and try again; ``ambiguous``: the call may have been processed."""

    seconds: float
    ambiguous: bool
    limit: bool
    why: str


class Calls:
    """Runs every REST call; one at a time, writes at least ``write_pause`` seconds apart.

    ``remaining`` tells what GitHub's last answer said is left of the hour's budget (negative: nothing yet); the
    ``meter`` hears it under the name of the ``account``. An installation's credential brings its queue and name along.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        write_pause: float,
        redact: Callable[[str], str],
        tokens: TokenSource,
        meter: Meter | None = None,
        remaining: Callable[[], int] = lambda: -1,
        account: str = "token",
    ) -> None:
        self._clock = clock
        self._redact = redact
        self._tokens = tokens
        self._pace = tokens.pace if isinstance(tokens, Queued) else Pace(clock=clock, write_pause=write_pause)
        self._account = tokens.account if isinstance(tokens, Queued) else account
        self._meter = meter or Silence()
        self._remaining = remaining

    def read(self, what: str, call: Callable[[], T], *, expect: frozenset[int] = frozenset()) -> T:
        """A call that changes nothing. ``what`` names it and the right it needs (``contents: read``)."""
        return self._repeat(what, call, expect=expect, write=False, look=None)

    def write(
        self,
        what: str,
        call: Callable[[], T],
        *,
        look: Callable[[], T | None] | None = None,
        expect: frozenset[int] = frozenset(),
    ) -> T:
        """A call that changes something. With ``look`` a doubtful call is looked for first and repeated only if absent;
        without it the call must be one that may be repeated.
        """
        return self._repeat(what, call, expect=expect, write=True, look=look)

    def _repeat(
        self,
        what: str,
        call: Callable[[], T],
        *,
        expect: frozenset[int],
        write: bool,
        look: Callable[[], T | None] | None,
    ) -> T:
        waited, renewed = 0.0, False
        for attempt in range(1, ATTEMPTS + 2):
            try:
                return self._once(call, write=write)
            except GithubException as error:
                if error.status == 401 and not renewed and self._tokens.renew():
                    renewed = True
                    continue
                wait = self._judge(error, what, attempt=attempt, expect=expect)
            except (requests.RequestException, json.JSONDecodeError) as error:
                wait = _broken_line(error, attempt=attempt)
            except RuntimeError as error:
                raise _redirected(error) from None
            waited += self._rest(wait, last=attempt > ATTEMPTS or waited + wait.seconds > PATIENCE)
            found = look() if look is not None and wait.ambiguous else None
            if found is not None:
                return found
        raise Broken("a call was repeated without end")

    def _once(self, call: Callable[[], T], *, write: bool) -> T:
        return self._pace.run(lambda: self._metered(call), write=write)

    def _metered(self, call: Callable[[], T]) -> T:
        outcome = "no-answer"
        try:
            answer = call()
        except GithubException as error:
            outcome = str(error.status)
            raise
        else:
            outcome = "ok"
            return answer
        finally:
            self._meter.github_call(outcome)
            left = self._remaining()
            if left >= 0:
                self._meter.budget(self._account, left)

    def _rest(self, wait: _Wait, *, last: bool) -> float:
        if wait.limit:
            self._pace.hold(wait.seconds)
        if last:
            raise parked(wait.why, wait.seconds, now=self._clock.now())
        if not wait.limit:
            self._clock.sleep(wait.seconds)
        return wait.seconds

    def _judge(self, error: GithubException, what: str, *, attempt: int, expect: frozenset[int]) -> _Wait:
        message = self._redact(_message(error))
        if error.status in {403, 429}:
            limit = _limit(error, attempt=attempt, now=self._clock.now())
            if limit is not None:
                return limit
        if error.status >= 500:
            return _Wait(_backoff(attempt), ambiguous=True, limit=False, why=f"GitHub answers {error.status}")
        if error.status in expect:
            raise Answered(error.status, message)
        if error.status == 401:
            raise _refused("GitHub does not accept the credential.", _CREDENTIAL)
        if error.status == 403:
            raise _refused(f"The credential lacks the right `{_right(error, what)}`: {message}", _grant(error, what))
        if error.status == 404:
            raise _refused(f"GitHub shows nothing there for `{what}`.", _grant(error, what))
        raise Broken(f"GitHub answered {error.status} for `{what}`: {message}")


def _broken_line(error: Exception, *, attempt: int) -> _Wait:
    """No usable answer: the line broke, or the answer ended early."""
    if isinstance(error, requests.exceptions.SSLError):
        raise Refused(
            Refusal(
                code=Code.TLS,
                message="The TLS certificate of GitHub's API could not be verified.",
                remedy="Name your authority's certificate in `REQUESTS_CA_BUNDLE`; verification is never turned off.",
            )
        ) from None
    return _Wait(_backoff(attempt), ambiguous=True, limit=False, why="GitHub does not answer")


def _redirected(error: RuntimeError) -> BotError:
    """PyGithub follows redirects on the API's own host alone and raises RuntimeError for others."""
    if "redirected" not in str(error) and not isinstance(error, RecursionError):
        return Broken(f"PyGithub failed: {type(error).__name__}")
    return Refused(
        Refusal(
            code=Code.CONFIG, message="GitHub's API redirects to another address.", remedy="Correct `GITHUB_API_URL`."
        )
    )


def _message(error: GithubException) -> str:
    """GitHub's own words, at most 200 characters; a page of HTML is not quoted."""
    data = error.data
    if not isinstance(data, dict):
        return "no message"
    words = [data.get("message")]
    errors = data.get("errors")
    for item in errors if isinstance(errors, list) else []:
        words += [item.get("message"), item.get("field"), item.get("code")] if isinstance(item, dict) else [item]
    return " ".join(word for word in words if isinstance(word, str))[:200] or "no message"


def _limit(error: GithubException, *, attempt: int, now: datetime) -> _Wait | None:
    """How long a 403 or 429 asks to wait, or None when it is about rights."""
    headers = error.headers or {}
    told = _number(headers.get("retry-after"))
    if told is not None:
        return _Wait(told, ambiguous=False, limit=True, why=LIMIT)
    if _number(headers.get("x-ratelimit-remaining")) == 0:
        reset = _number(headers.get("x-ratelimit-reset")) or 0.0
        return _Wait(
            max(0.0, reset - now.timestamp()) + _RANDOM.uniform(0.5, 1.5), ambiguous=False, limit=True, why=LIMIT
        )
    if error.status == 429 or any(word in _message(error).lower() for word in _LIMIT_WORDS):
        return _Wait(60.0 * 2 ** (attempt - 1), ambiguous=False, limit=True, why=LIMIT)
    return None


def _number(value: object) -> float | None:
    """A header's number, None for words and for what is no finite number."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _backoff(attempt: int) -> float:
    """1, 2, 4, 8, … seconds, at most 30, with jitter downwards to a half."""
    return min(30.0, 2.0 ** (attempt - 1)) * _RANDOM.uniform(0.5, 1.0)


def _right(error: GithubException, what: str) -> str:
    return (error.headers or {}).get("x-accepted-github-permissions") or what


def _grant(error: GithubException, what: str) -> str:
    return f"Give the App or token `{_right(error, what)}` on this repository, and check the repository's name."


def _refused(message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.GITHUB_AUTH, message=message, remedy=remedy))
