"""What people thought of an answer, and branches that nobody needs any more.

In: a status comment's marker; a repository. Out: thumbs; the names of deleted branches. Never: a branch outside the
bot's prefix, the default branch, a branch that an open pull request uses or that holds a commit of somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

import structlog
from pydantic import AwareDatetime, TypeAdapter

from bot.edges.github.addresses import checked_name
from bot.edges.github.bodies import hidden
from bot.edges.github.branch import BOT_EMAIL
from bot.edges.github.calls import Answered
from bot.edges.github.forge import GitHubForge
from bot.edges.github.line import GONE, Line, Loose
from bot.edges.github.pulls import PREFIX, listed
from bot.model.command import ThreadRef

Thumb = Literal["up", "down"]

DELETIONS = 50
"""Branches that one call deletes at most: each is a write, a second apart from the next."""

_THUMBS: Final[dict[str, Thumb]] = {"+1": "up", "-1": "down"}
_READ = "contents: read"
_WRITE = "contents: write"
_ISSUES = "issues: read"

_log = structlog.get_logger(__name__)


class _User(Loose):
    login: str
    type: str = "User"


class _Comment(Loose):
    id: int
    user: _User | None = None
    body: str | None = None
    reactions: dict[str, int | str] = {}


class _Reaction(Loose):
    id: int
    user: _User | None = None
    content: str


class _Object(Loose):
    sha: str


class _Ref(Loose):
    ref: str
    object: _Object


class _Person(Loose):
    email: str
    date: AwareDatetime


class _Commit(Loose):
    author: _Person
    committer: _Person


_COMMENTS = TypeAdapter(tuple[_Comment, ...])
_REACTIONS = TypeAdapter(tuple[_Reaction, ...])
_REFS = TypeAdapter(tuple[_Ref, ...])
_COMMIT = TypeAdapter(_Commit)


class GitHubHousekeeping:
    """Behind the port ``Housekeeping``. ``forge_of`` gives the forge that works in a repository."""

    def __init__(self, forge_of: Callable[[str], GitHubForge]) -> None:
        self._forge_of = forge_of

    def thumbs(self, thread: ThreadRef, *, marker: str) -> tuple[tuple[str, Thumb], ...]:
        """Who gave a thumb under the status comment; the later one of two counts, bots do not."""
        forge = self._forge_of(thread.full_name)
        base = f"/repos/{checked_name(thread.full_name)}/issues"
        comment = _status_comment(forge, f"{base}/{thread.number}/comments", hidden(marker, "status"))
        if comment is None or not any(comment.reactions.get(name) for name in _THUMBS):
            return ()
        given: dict[str, Thumb] = {}
        for item in sorted(_reactions(forge.line, f"{base}/comments/{comment.id}/reactions"), key=lambda one: one.id):
            if item.user is not None and item.user.type != "Bot" and item.content in _THUMBS:
                given[item.user.login] = _THUMBS[item.content]
        return tuple(sorted(given.items()))

    def tidy(self, repo: str, *, older_than: float) -> tuple[str, ...]:
        """Delete the bot's own branches that nothing needs, older than so many seconds; returns their names.

        At most ``DELETIONS`` in one call, the others in the next.
        """
        line = self._forge_of(repo).line
        home, now = line.home(repo)
        base = f"/repos/{home.full_name}/git"
        refs = [row for page in line.pages(_READ, f"{base}/matching-refs/heads/{PREFIX}") for row in page.read(_REFS)]
        kept = {home.default_branch, *(pull.head.ref for pull in listed(line, home.full_name))}
        gone: list[str] = []
        for row in refs:
            branch = row.ref.removeprefix("refs/heads/")
            if len(gone) == DELETIONS or branch in kept or not branch.startswith(PREFIX):
                continue
            stale = _stale(line, f"{base}/commits/{row.object.sha}", before=now - timedelta(seconds=older_than))
            if stale and _delete(line, f"{base}/refs/heads/{quote(branch)}"):
                gone.append(branch)
        return tuple(gone)


def _status_comment(forge: GitHubForge, path: str, mark: str) -> _Comment | None:
    """The bot's own comment that begins with the mark; None when it or the thread is gone."""
    try:
        for page in forge.line.pages(_ISSUES, path, remember=True, expect=GONE):
            for item in page.read(_COMMENTS):
                user = item.user if (item.body or "").startswith(mark) else None
                if user is not None and forge.comments.is_me(user.login, user.type):
                    return item
    except Answered:
        _log.info("the thread is gone", path=path)
    return None


def _reactions(line: Line, path: str) -> list[_Reaction]:
    try:
        return [row for page in line.pages(_ISSUES, path, expect=GONE) for row in page.read(_REACTIONS)]
    except Answered:
        return []


def _stale(line: Line, path: str, *, before: datetime) -> bool:
    """Whether the head is the bot's own commit (the bot writes one commit, so nobody else's is below) and old."""
    answer = line.found(_READ, path)
    if answer is None:
        return False
    commit = answer.read(_COMMIT)
    return {commit.author.email, commit.committer.email} == {BOT_EMAIL} and commit.committer.date < before


def _delete(line: Line, path: str) -> bool:
    """False for a branch that a rule protects or that is gone already."""
    try:
        line.delete(_WRITE, path, expect=frozenset({404, 409, 422}))
    except Answered as answer:
        _log.info("branch not deleted", path=path, status=answer.status)
        return False
    return True
