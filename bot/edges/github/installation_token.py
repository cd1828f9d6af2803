"""The token of one installation: minted with the least rights, renewed before it ends.

In: what mints. Out: the current token. Never: a token for more repositories than were asked for, one kept to its last
minute, one that prints itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr

from bot.edges.github.pace import Pace
from bot.errors import Refused
from bot.ports import Clock

WRITING: Final = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}
READING: Final = {"contents": "read", "metadata": "read"}
LISTING: Final = {"metadata": "read"}

_LIFE = timedelta(hours=1)
_EARLY = timedelta(minutes=5)
_LEAST = timedelta(minutes=5)
"""However wrong this computer's clock is, a token is used for so long: GitHub says with a 401 when it has ended."""

_MOST = 100
"""Repositories of one token; GitHub allows 500."""

Mint = Callable[[tuple[str, ...], Mapping[str, str]], tuple[SecretStr, datetime]]
"""From short repository names (none: all of the installation) and permissions to a token and its end."""


class NotCovered(Refused):
    """One of the repositories does not belong to the installation."""


class InstallationToken:
    """A ``TokenSource`` for one installation; everything of the same installation shares ``pace``."""

    def __init__(
        self,
        mint: Mint,
        *,
        clock: Clock,
        pace: Pace,
        account: str,
        permissions: Mapping[str, str],
        repositories: Iterable[str] = (),
    ) -> None:
        self._mint = mint
        self._clock = clock
        self._pace = pace
        self._account = account
        self._permissions = dict(permissions)
        self._names = dict.fromkeys(repositories)
        self._lock = threading.Lock()
        self._current: SecretStr | None = None
        self._refresh_at = clock.now()

    def __repr__(self) -> str:
        return f"InstallationToken({self._account})"

    @property
    def pace(self) -> Pace:
        """The installation's queue."""
        return self._pace

    @property
    def account(self) -> str:
        """The installation's number."""
        return self._account

    def cover(self, name: str) -> None:
        """The token must be good for this repository too (its short name); a new name costs a new token."""
        with self._lock:
            known = name in self._names
            self._names.pop(name, None)
            self._names[name] = None
            while len(self._names) > _MOST:
                del self._names[next(iter(self._names))]
            self._current = self._current if known else None

    def token(self) -> SecretStr:
        """The current token, minted when there is none or it ends within five minutes. Raises as the mint does."""
        with self._lock:
            if self._current is None or self._clock.now() >= self._refresh_at:
                token, ends = self._minted()
                now = self._clock.now()
                life = min(max(ends - now, timedelta()), _LIFE)
                self._current, self._refresh_at = token, now + max(life - _EARLY, _LEAST)
            return self._current

    def _minted(self) -> tuple[SecretStr, datetime]:
        """Once more for the newest name alone when another one is no longer the installation's."""
        try:
            return self._mint(tuple(sorted(self._names)), self._permissions)
        except NotCovered:
            if len(self._names) < 2:
                raise
            self._names = {next(reversed(self._names)): None}
        return self._mint(tuple(self._names), self._permissions)

    def renew(self) -> bool:
        """Forget the token after a 401; the next call mints another one."""
        with self._lock:
            self._current = None
        return True
