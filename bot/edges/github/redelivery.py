"""What GitHub could not deliver, asked for again: GitHub itself never repeats a delivery.

In: how far the last sweep was done. Out: how far this one is. Never: a delivery that arrived, one older than GitHub
keeps, more of one delivery than every five minutes (then 10, 20, … up to six hours).

``GET /app/hook/deliveries`` lists attempts, newest first; all attempts of one delivery share their ``guid``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from pydantic import AwareDatetime, TypeAdapter

from bot.edges.github.calls import Answered
from bot.edges.github.connection import Connection
from bot.edges.github.line import Loose
from bot.ports import Clock

RIGHT = "GitHub App"
_PATH = "/app/hook/deliveries"

KEPT = timedelta(days=3)
"""GitHub redelivers what is younger."""

MOST = 200
"""Redeliveries of one sweep, oldest first: each costs the pause between two writes."""

_OVERLAP = timedelta(minutes=10)
"""A delivery may stand in the list later than its time says."""

_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=6)
_NO_MORE = frozenset({400, 404, 422})

_log = structlog.get_logger(__name__)


class _Row(Loose):
    """One entry of the list; without a time it is held back and was not tried yet (``throttled_at``)."""

    id: int
    guid: str
    delivered_at: AwareDatetime | None = None
    status: str


_PAGE: Final = TypeAdapter(tuple[_Row, ...])


@dataclass(frozen=True)
class _Attempt:
    """One try of GitHub to deliver."""

    id: int
    guid: str
    at: datetime
    arrived: bool


class HookDeliveries:
    """The port ``Redeliveries`` for the webhook of the App; ``own`` speaks for the App itself."""

    def __init__(self, own: Connection, *, clock: Clock) -> None:
        self._own = own
        self._clock = clock

    def redeliver(self, cursor: str | None) -> str:
        """Ask for what failed once more. The cursor is GitHub's time (ISO 8601) before which nothing is left to do."""
        now = self._clock.now()
        oldest = now - KEPT
        floor = max(oldest, _moment(cursor)) if cursor else oldest
        attempts = list(self._attempts(max(oldest, floor - _OVERLAP)))
        unsettled, asked = [], 0
        for tries in _lost(attempts):
            if asked < MOST and now >= _due(tries):
                asked += 1
                if not self._ask(tries[0]):
                    continue
            unsettled.append(tries[-1].at)
        newest = max((attempt.at for attempt in attempts), default=floor)
        return min(unsettled, default=newest).isoformat()

    def _attempts(self, since: datetime) -> Iterator[_Attempt]:
        """Newest first, as many pages as there are: a cut list would hide the oldest command."""
        answer = self._own.line.get(RIGHT, _PATH, parameters={"per_page": "100"})
        while True:
            for row in answer.read(_PAGE):
                if row.delivered_at is None:
                    continue
                if row.delivered_at < since:
                    return
                yield _Attempt(row.id, row.guid, row.delivered_at, arrived=row.status == "OK")
            if answer.following is None:
                return
            answer = self._own.line.get(RIGHT, answer.following)

    def _ask(self, attempt: _Attempt) -> bool:
        """False when GitHub does not have it any more."""
        try:
            self._own.post(RIGHT, f"{_PATH}/{attempt.id}/attempts", None, expect=_NO_MORE)
        except Answered as answer:
            _log.warning("delivery is lost", guid=attempt.guid, status=answer.status)
            return False
        _log.info("delivery asked for again", guid=attempt.guid)
        return True


def _lost(attempts: list[_Attempt]) -> list[list[_Attempt]]:
    """The attempts (newest first) of every delivery that never arrived, the oldest delivery first."""
    by_guid: dict[str, list[_Attempt]] = {}
    for attempt in attempts:
        by_guid.setdefault(attempt.guid, []).append(attempt)
    lost = [tries for tries in by_guid.values() if not any(attempt.arrived for attempt in tries)]
    return sorted(lost, key=lambda tries: (tries[-1].at, tries[-1].id))


def _due(tries: list[_Attempt]) -> datetime:
    """A first failure is repeated at once, a repeated one later and later."""
    if len(tries) == 1:
        return tries[0].at
    return tries[0].at + min(_FIRST_WAIT * (1 << min(len(tries) - 2, 10)), _LONGEST_WAIT)


def _moment(text: str) -> datetime:
    """A time; without a zone it is UTC."""
    moment: datetime = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
