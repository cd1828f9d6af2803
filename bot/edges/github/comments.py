"""One status comment per command, edited in place, and reactions.

In: a thread, a hidden marker, a finished body. Out: the comment's address. Never: a second comment with the same
marker, an edit of somebody else's comment, an edit that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import structlog
from github import Github
from github.Issue import Issue
from github.IssueComment import IssueComment
from github.NamedUser import NamedUser
from github.PullRequestComment import PullRequestComment
from github.Reaction import Reaction as GithubReaction

from bot.edges.github.addresses import checked_name
from bot.edges.github.calls import Answered, Calls
from bot.edges.github.standing import Threads
from bot.errors import Code, Refused
from bot.model.command import ThreadRef
from bot.ports import Clock, Reaction

T = TypeVar("T")
Made = TypeVar("Made", IssueComment, GithubReaction)

RIGHT = "issues: write"
_DELAYS = (1.0, 2.0)
"""Seconds between tries of a reaction on a comment that GitHub does not show yet."""

_UNKNOWN = ""
"""The API has no ``/user`` at all: no GitHub, so nobody to be mistaken for."""

_KEPT = 500
"""Comments whose ids are remembered; others are found again by their marker."""

_Key = tuple[str, int, str]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Said:
    """A comment of ours."""

    id: int
    url: str
    body: str


class _Moved(Exception):
    """The repository has another name: GitHub redirected a write, and PyGithub does not follow that."""


class Comments:
    """What the bot writes in threads."""

    def __init__(self, github: Github, *, calls: Calls, clock: Clock, threads: Threads) -> None:
        self._github = github
        self._threads = threads
        self._calls = calls
        self._clock = clock
        self._said: dict[_Key, _Said] = {}
        self._names: dict[str, str] = {}
        self._me: str | None = None

    def react(self, thread: ThreadRef, comment_id: int | None, reaction: Reaction) -> None:
        """Add a reaction; GitHub answers the same when it is already there. Gone comments are only logged, and so are
        reviews, which take no reaction.
        """
        kind = "comment" if comment_id is None else self._threads.kind(thread, comment_id)
        if kind not in {"comment", "line"}:
            _log.info("no reaction here", thread=thread.full_name, number=thread.number, kind=kind)
            return
        for delay in (*_DELAYS, None):
            try:
                self._at_home(thread, lambda issue: self._react(issue, comment_id, reaction, on_line=kind == "line"))
            except Answered as error:
                if delay is None:
                    _log.warning(
                        "reaction not added", thread=thread.full_name, number=thread.number, status=error.status
                    )
                    return
                self._clock.sleep(delay)
            else:
                return

    def _react(self, issue: Issue, comment_id: int | None, reaction: Reaction, *, on_line: bool) -> None:
        subject = _subject(issue, comment_id, on_line=on_line)
        made = self._calls.write(RIGHT, lambda: subject.create_reaction(reaction), expect=frozenset({404, 422}))
        _stayed(made)

    def say(self, thread: ThreadRef, *, mark: str, body: str) -> str:
        """Create or edit the comment that begins with ``mark``; returns its URL."""
        key = (thread.full_name, thread.number, mark)
        found = self._said.get(key) or self._at_home(thread, lambda issue: self._find(issue, mark))
        known = found or self._at_home(thread, lambda issue: self._create(issue, mark, body))
        said = (
            known if known.body == body else self._at_home(thread, lambda issue: self._edit(issue, known, mark, body))
        )
        self._remember(key, said)
        return said.url

    def _remember(self, key: _Key, said: _Said) -> None:
        """The last ones only: a process that lives for months must not hold every comment it ever wrote."""
        self._said[key] = said
        while len(self._said) > _KEPT:
            del self._said[next(iter(self._said))]

    def _create(self, issue: Issue, mark: str, body: str) -> _Said:
        return self._calls.write(
            RIGHT, lambda: _said(_stayed(issue.create_comment(body))), look=lambda: self._find(issue, mark)
        )

    def _edit(self, issue: Issue, said: _Said, mark: str, body: str) -> _Said:
        comment = issue.get_comment(said.id)
        try:
            self._calls.write(RIGHT, lambda: comment.edit(body), expect=frozenset({404}))
        except Answered:
            found = self._find(issue, mark)
            return self._create(issue, mark, body) if found is None else self._edit(issue, found, mark, body)
        _stayed(comment)
        return _Said(said.id, said.url, body)

    def _find(self, issue: Issue, mark: str) -> _Said | None:
        """The oldest comment of ours that begins with the marker."""
        found = self._calls.read(
            RIGHT, lambda: [comment for comment in issue.get_comments() if (comment.body or "").startswith(mark)]
        )
        return next((_said(comment) for comment in found if self._mine(comment)), None)

    def _mine(self, comment: IssueComment) -> bool:
        """Anybody can copy a marker; a deleted account is nobody."""
        user = cast("NamedUser | None", comment.user)
        return user is not None and self.is_me(user.login, user.type)

    def is_me(self, login: str, kind: str) -> bool:
        """Whether an account is ours. An App's token may not ask who it is; then any bot counts."""
        me = self._login()
        return kind == "Bot" if me is None else me in {_UNKNOWN, login}

    def _login(self) -> str | None:
        if self._me is None:
            try:
                user = self._github.get_user()
                self._me = self._calls.read("metadata: read", lambda: user.login, expect=frozenset({404}))
            except Answered:
                self._me = _UNKNOWN
            except Refused as error:
                if error.refusal.code is not Code.GITHUB_AUTH:
                    raise
                return None
        return self._me

    def _at_home(self, thread: ThreadRef, act: Callable[[Issue], T]) -> T:
        """Act on the thread's issue; once more under the new name when the repository was renamed."""
        name = checked_name(thread.full_name)
        try:
            return act(self._issue(self._names.get(name, name), thread.number))
        except _Moved:
            self._names[name] = self._calls.read("metadata: read", lambda: self._new_name(name))
            return act(self._issue(self._names[name], thread.number))

    def _new_name(self, name: str) -> str:
        _, data = self._github.requester.requestJsonAndCheck("GET", f"/repos/{name}")
        return checked_name(str(data.get("full_name")))

    def _issue(self, name: str, number: int) -> Issue:
        return self._github.get_repo(name).get_issue(number)


def _subject(issue: Issue, comment_id: int | None, *, on_line: bool) -> Issue | IssueComment | PullRequestComment:
    """What takes the reaction; nothing is read for it."""
    if comment_id is None:
        return issue
    if not on_line:
        return issue.get_comment(comment_id)
    repository = issue.url.rsplit("/issues/", 1)[0]
    return PullRequestComment(issue.requester, url=f"{repository}/pulls/comments/{comment_id}")


def _stayed(made: Made) -> Made:
    """The answer to a write, unless it was a redirection, which carries no id."""
    if cast("int | None", made.id) is None:
        raise _Moved
    return made


def _said(comment: IssueComment) -> _Said:
    return _Said(comment.id, comment.html_url, (comment.body or "").replace("\r\n", "\n"))
