"""Whether a person may have a repository read for them, where it is, and with what right the bot reads it.

In: a target, a login. Out: nothing, or one refusal; a clone address. Never: a private repository read for somebody who
may not read it, or with another installation's token; words that tell an existing repository from a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from bot.edges.github.addresses import checked_clone_url, checked_name, is_plain_loopback, web_host
from bot.edges.github.calls import Answered
from bot.edges.github.installations import Installations
from bot.edges.github.line import Home, Line, Loose
from bot.edges.github.tokens import TokenSource, git_basic
from bot.errors import Code, Refusal, Refused
from bot.model.command import RepoTarget

_UNSEEN: Final = frozenset({403, 404, 451})
_MAY_READ: Final = frozenset({"read", "triage", "write", "maintain", "admin"})
_PUBLIC: Final = "github.com"
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")


class _Permitted(Loose):
    """The answer of the permission call; ``permission`` is the base permission under any custom role."""

    permission: str


_HOME: Final = TypeAdapter(Home)
_PERMITTED: Final = TypeAdapter(_Permitted)


@dataclass(frozen=True)
class ClonePlace:
    """Where git reads a repository of the operator's own GitHub; ``authorization`` is None for a public one."""

    url: str
    authorization: SecretStr | None


@dataclass(frozen=True)
class _Seen:
    """A repository as the API shows it to ``tokens``."""

    home: Home
    tokens: TokenSource
    line: Line


class Access:
    """Looks through the bot's own token first, then through the App's installation on that very repository."""

    def __init__(
        self, line: Line, *, api_url: str, tokens: TokenSource, installations: Installations | None = None
    ) -> None:
        self._line = line
        self._api_url = api_url
        self._tokens = tokens
        self._installations = installations

    def readable(self, target: RepoTarget, login: str) -> Refusal | None:
        """None when this person may have it read: public, or private and theirs to read; else ``repo-unreachable``.

        Another host than the API's own is read without a credential, so there is nothing to allow.
        """
        if not self._ours(target):
            return None
        with self._look(target) as seen:
            if seen is not None and (not seen.home.private or _may_read(seen, login)):
                return None
        return unreadable(target)

    def place(self, target: RepoTarget) -> ClonePlace | None:
        """Where to clone it; None when it is read like any public repository. Raises Refused(repo-unreachable).

        It does not ask for whom: ``readable`` comes first. A public repository of github.com is read like any other;
        the operator's own GitHub may stand in a private network, so its API says where.
        """
        if not self._ours(target):
            return None
        with self._look(target) as seen:
            if seen is None:
                raise Refused(unreadable(target))
            if not seen.home.private and web_host(self._api_url) == _PUBLIC:
                return None
            url = checked_clone_url(seen.home.clone_url, api_url=self._api_url)
            return ClonePlace(url, git_basic(seen.tokens) if seen.home.private else None)

    def _ours(self, target: RepoTarget) -> bool:
        """Whether the API speaks for the target's host; a GitHub on this computer speaks for all of them."""
        return is_plain_loopback(self._api_url) or target.host == web_host(self._api_url)

    @contextmanager
    def _look(self, target: RepoTarget) -> Iterator[_Seen | None]:
        """The repository, seen with the bot's own token when it is public or there is no App, else through the App."""
        name = _name(target)
        seen = None if name is None else _see(self._line, name, self._tokens)
        if name is None or self._installations is None or (seen is not None and not seen.home.private):
            yield seen
            return
        reader = self._installations.reader_for(name)
        if reader is None:
            yield None
            return
        with self._installations.connect(reader) as connection:
            yield _through_app(connection.line, name, reader)


def _name(target: RepoTarget) -> str | None:
    """``owner/name``; None for words that no repository has."""
    try:
        return checked_name(f"{target.owner}/{target.name}")
    except Refused:
        return None


def _through_app(line: Line, name: str, reader: TokenSource) -> _Seen | None:
    """What the reading token sees; an installation that gives none is no different from a missing repository."""
    try:
        return _see(line, name, reader)
    except Refused as refused:
        if refused.refusal.code is Code.GITHUB_AUTH:
            return None
        raise


def _see(line: Line, name: str, tokens: TokenSource) -> _Seen | None:
    try:
        answer = line.get("metadata: read", f"/repos/{name}", expect=_UNSEEN)
    except Answered:
        return None
    return _Seen(answer.read(_HOME), tokens, line)


def _may_read(seen: _Seen, login: str) -> bool:
    """The live permission of the person on that repository. Fails closed."""
    if not _LOGIN.fullmatch(login):
        return False
    path = f"/repos/{checked_name(seen.home.full_name)}/collaborators/{quote(login, safe='')}/permission"
    try:
        answer = seen.line.get("metadata: read", path, expect=_UNSEEN)
    except Answered:
        return False
    return answer.read(_PERMITTED).permission in _MAY_READ


def unreadable(target: RepoTarget) -> Refusal:
    """The same words for a repository that does not exist and for one that is not theirs to read."""
    return Refusal(
        code=Code.REPO_UNREACHABLE,
        message=f"{target.url} could not be read with the rights of this bot and of you.",
        remedy="Check the name; if it is private, install the App on it and make sure that you can read it.",
    )
