"""The App at its many homes: which installation speaks for a repository, and with which least rights.

In: the App's credential, names of repositories. Out: token sources, one per installation. Never: a token without a list
of permissions, a token for an installation that was removed, administration or workflow rights.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self

import structlog
from pydantic import AwareDatetime, SecretStr, TypeAdapter

from bot.edges.github.addresses import checked_name
from bot.edges.github.appkey import AppCredentials
from bot.edges.github.calls import Answered
from bot.edges.github.connection import Api, Connection
from bot.edges.github.installation_token import LISTING, READING, WRITING, InstallationToken, NotCovered
from bot.edges.github.line import Answer, Loose
from bot.edges.github.pace import Pace
from bot.errors import Code, Refusal, Refused

RIGHT = "GitHub App"

_READERS = 64
"""How many tokens for reading private repositories are kept for their next use."""

_log = structlog.get_logger(__name__)


class _Home(Loose):
    """An installation as GitHub lists it."""

    id: int
    suspended_at: datetime | None = None


class _Name(Loose):
    full_name: str


class _Covered(Loose):
    repositories: tuple[_Name, ...]


class _Made(Loose):
    """A new token and its end."""

    token: SecretStr
    expires_at: AwareDatetime


_HOME: Final = TypeAdapter(_Home)
_LIST: Final = TypeAdapter(tuple[_Home, ...])
_COVERED: Final = TypeAdapter(_Covered)
_MADE: Final = TypeAdapter(_Made)


class SecretBook(Protocol):
    """Learns what may not be said."""

    def add(self, value: str) -> None:
        """A secret that ends, such as a token."""

    def keep(self, value: str) -> None:
        """A secret that stays."""


class Installations:
    """Every installation of the App. ``gone`` tells which were removed; ``secrets`` hears every token first."""

    def __init__(
        self,
        credentials: AppCredentials,
        *,
        api: Api,
        secrets: SecretBook,
        gone: Callable[[int], bool] = lambda _number: False,
    ) -> None:
        secrets.keep(credentials.pem.get_secret_value())
        self._api = api
        self._secrets = secrets
        self._gone = gone
        self._own = api.connect(credentials, account="app")
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._paces: dict[int, Pace] = {}
        self._writers: dict[int, InstallationToken] = {}
        self._readers: OrderedDict[tuple[int, str], InstallationToken] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._own.close()

    @property
    def own(self) -> Connection:
        """The App's own connection, for what is asked of the App and not of an installation."""
        return self._own

    def connect(self, tokens: InstallationToken) -> Connection:
        """A connection that speaks with an installation's token; close it after use."""
        return self._api.connect(tokens)

    def token_for(self, repo: str, installation: int | None = None) -> InstallationToken:
        """What may write to a repository (``owner/name``): the same source for all of an installation.

        ``installation`` is the number that a webhook named; without it GitHub is asked. Raises Refused(github-auth)
        when the App is not installed there.
        """
        name = checked_name(repo)
        number = self._number(name) if installation is None else installation
        with self._lock:
            if number not in self._writers:
                self._writers[number] = self._source(number, WRITING)
            source = self._writers[number]
        source.cover(name.split("/")[1])
        return source

    def reader_for(self, repo: str) -> InstallationToken | None:
        """What may read one repository and nothing else; None where the App is not installed now."""
        number = self._look(checked_name(repo))
        if number is None:
            return None
        key = (number, repo.lower())
        with self._lock:
            if key not in self._readers:
                self._readers[key] = self._source(number, READING, repo.split("/")[1])
            self._readers.move_to_end(key)
            while len(self._readers) > _READERS:
                self._readers.popitem(last=False)
            return self._readers[key]

    def repositories(self) -> tuple[str, ...]:
        """Every repository of every installation, for those who read instead of listen."""
        found: set[str] = set()
        for page in self._own.line.pages(RIGHT, "/app/installations"):
            for home in page.read(_LIST):
                if self._works(home):
                    found.update(self._of(home.id))
        return tuple(sorted(found))

    def _of(self, number: int) -> Iterator[str]:
        """The repositories of one installation; one that refuses does not hide the others."""
        try:
            with self.connect(self._source(number, LISTING)) as connection:
                for page in connection.line.pages("metadata: read", "/installation/repositories"):
                    yield from (checked_name(row.full_name) for row in page.read(_COVERED).repositories)
        except Refused as refused:
            _log.warning("installation not read", installation=number, code=refused.refusal.code)

    def _works(self, home: _Home) -> bool:
        return home.suspended_at is None and not self._gone(home.id)

    def _number(self, name: str) -> int:
        """The installation that speaks for a repository. Raises Refused(github-auth)."""
        known = self._numbers.get(name.lower())
        if known is not None and not self._gone(known):
            return known
        found = self._look(name)
        if found is None:
            raise _refused(f"The GitHub App is not installed on `{name}`.", "Install the App on that repository.")
        self._numbers[name.lower()] = found
        return found

    def _look(self, name: str) -> int | None:
        """The number of the working installation on a repository, asked now."""
        try:
            answer = self._own.line.get(RIGHT, f"/repos/{name}/installation", expect=frozenset({404}))
        except Answered:
            return None
        home = answer.read(_HOME)
        return home.id if self._works(home) else None

    def _source(self, number: int, permissions: Mapping[str, str], *names: str) -> InstallationToken:
        """A token source within the queue of its installation."""
        pace = self._paces.setdefault(number, Pace(clock=self._api.clock, write_pause=self._api.write_pause))
        return InstallationToken(
            lambda wanted, rights: self._mint(number, wanted, rights),
            clock=self._api.clock,
            pace=pace,
            account=str(number),
            permissions=permissions,
            repositories=names,
        )

    def _mint(self, number: int, names: tuple[str, ...], permissions: Mapping[str, str]) -> tuple[SecretStr, datetime]:
        """One new token, known to the redaction before anybody gets it."""
        if self._gone(number):
            raise _removed()
        body: dict[str, Any] = {"permissions": dict(permissions)}
        if names:
            body["repositories"] = list(names)
        path = f"/app/installations/{number}/access_tokens"
        try:
            data = self._own.post(RIGHT, path, body, expect=frozenset({403, 404, 422}))
        except Answered as answer:
            self._forget(number)
            raise _unminted(answer) from None
        made = Answer(data, self._api.clock.now(), None).read(_MADE)
        self._secrets.add(made.token.get_secret_value())
        return made.token, made.expires_at

    def _forget(self, number: int) -> None:
        """The next command asks anew which installation speaks for its repository."""
        with self._lock:
            self._numbers = {name: known for name, known in self._numbers.items() if known != number}


def _unminted(answer: Answered) -> Refused:
    if answer.status == 404:
        return _removed()
    if answer.status == 403:
        return _refused("The GitHub App's installation is suspended.", "Unsuspend it, or give a `GITHUB_TOKEN`.")
    if "repositor" in answer.message:
        refusal = Refusal(
            code=Code.GITHUB_AUTH,
            message="The GitHub App's installation does not include this repository.",
            remedy="Add it to the App's installation; if it was renamed, use the name that it has now.",
        )
        return NotCovered(refusal)
    return _refused(
        "The GitHub App's installation lacks a permission that the bot needs.",
        "Give the App contents, issues and pull requests: write; metadata: read. Accept them where it is installed.",
    )


def _removed() -> Refused:
    return _refused("The GitHub App is no longer installed there.", "Install the App again.")


def _refused(message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.GITHUB_AUTH, message=message, remedy=remedy))
