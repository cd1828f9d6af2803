"""GitHub's limits, enforced: whoever ignores them is answered as GitHub answers.

In: who called what, and when. Out: nothing, or the refusal with its headers. Never: a wait.

Numbers: 5,000 requests an hour, 900 points a minute (GET 1, others 5), 80 content-creating calls a minute and 500 an
hour (docs.github.com/rest, "Rate limits for the REST API").
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from bot.emulators.github.answers import ApiError

_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass
class Spent:
    """What one account used: moments (epoch seconds) and weights, oldest first."""

    requests: deque[float] = field(default_factory=deque)
    points: deque[tuple[float, int]] = field(default_factory=deque)
    content: deque[float] = field(default_factory=deque)


@dataclass
class Limits:
    """The limits; a test may lower them. ``hourly``: those who have fewer (or more) requests than the others."""

    per_hour: int = 5_000
    points_per_minute: int = 900
    content_per_minute: int = 80
    content_per_hour: int = 500
    hourly: dict[str, int] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)
    breaches: int = 0

    def charge(self, who: str, method: str, *, creates: bool, now: datetime) -> None:
        """Count one call. Raises ApiError(403) when it breaks a limit."""
        spent, moment = self.spent.setdefault(who, Spent()), now.timestamp()
        self._forget(spent, moment)
        if len(spent.requests) >= self.hourly.get(who, self.per_hour):
            self._refuse("API rate limit exceeded for user ID 1.", {})
        weight = 1 if method in {"GET", "HEAD"} else 5
        if sum(points for _, points in spent.points) + weight > self.points_per_minute:
            self._refuse(_SECONDARY, {"retry-after": _seconds(spent.points[0][0] + 60 - moment)})
        if creates:
            self._charge_content(spent, moment)
        spent.requests.append(moment)
        spent.points.append((moment, weight))

    def refund(self, who: str) -> None:
        """A 304 costs no request."""
        self.spent[who].requests.pop()

    def headers(self, who: str, now: datetime) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers of an answer."""
        used = self.spent.get(who, Spent()).requests
        reset = (used[0] if used else now.timestamp()) + 3_600
        most = self.hourly.get(who, self.per_hour)
        return {
            "x-ratelimit-limit": str(most),
            "x-ratelimit-remaining": str(max(0, most - len(used))),
            "x-ratelimit-used": str(len(used)),
            "x-ratelimit-reset": _seconds(reset),
            "x-ratelimit-resource": "core",
        }

    def _charge_content(self, spent: Spent, moment: float) -> None:
        minute = [earlier for earlier in spent.content if earlier > moment - 60]
        if len(minute) >= self.content_per_minute:
            self._refuse(_SECONDARY, {"retry-after": _seconds(minute[0] + 60 - moment)})
        if len(spent.content) >= self.content_per_hour:
            self._refuse(_SECONDARY, {"retry-after": _seconds(spent.content[0] + 3_600 - moment)})
        spent.content.append(moment)

    def _refuse(self, message: str, headers: dict[str, str]) -> None:
        self.breaches += 1
        raise ApiError(403, message, headers=headers)

    @staticmethod
    def _forget(spent: Spent, moment: float) -> None:
        while spent.requests and spent.requests[0] <= moment - 3_600:
            spent.requests.popleft()
        while spent.points and spent.points[0][0] <= moment - 60:
            spent.points.popleft()
        while spent.content and spent.content[0] <= moment - 3_600:
            spent.content.popleft()


def _seconds(value: float) -> str:
    return str(max(1, math.ceil(value)))
