"""Pull requests as an apply must know them: what merged, and which approvals of the last commit count.

In: a repository under its present name, a commit or a number. Out: ``Merged``. Never: an approval by the author, by
whoever made one of the commits, by a bot, of an earlier commit, or by somebody without live write permission.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote

import structlog
from pydantic import AwareDatetime, TypeAdapter

from bot.deploy import Merged
from bot.edges.github.bodies import key_of
from bot.edges.github.branch import BOT_EMAIL
from bot.edges.github.calls import Answered
from bot.edges.github.line import Home, Line, Loose
from bot.edges.github.pulls import PREFIX, Listed
from bot.ports import Clock

RIGHT: Final = "pull_requests: read"

_DELAYS: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for the pull request of a commit that was merged a moment ago."""

_COMMITS_SHOWN: Final = 250
"""GitHub names no more commits of a pull request."""

_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAME: Final = r"[A-Za-z0-9._-]{1,100}"
_ASKED: Final = re.compile(
    rf"^(?:Asked|Source: [^\n]{{1,500}} · asked|Takes [^\n]{{1,500}} away · asked) in ({_NAME}/{_NAME}#\d{{1,9}})$",
    re.ASCII | re.MULTILINE,
)
_DECIDES: Final = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_WRITERS: Final = frozenset({"write", "maintain", "admin"})

_log = structlog.get_logger(__name__)


class _Label(Loose):
    name: str


class Seen(Listed):
    """A pull request with what became of it."""

    merged_at: AwareDatetime | None = None
    merge_commit_sha: str | None = None
    updated_at: AwareDatetime
    labels: tuple[_Label, ...] = ()


class _Account(Loose):
    login: str
    type: str = "User"


class _Vote(Loose):
    id: int
    user: _Account | None = None
    state: str
    commit_id: str | None = None
    submitted_at: AwareDatetime | None = None


class _Person(Loose):
    email: str | None = None


class _Facts(Loose):
    author: _Person | None = None
    committer: _Person | None = None


class _Commit(Loose):
    author: _Account | None = None
    committer: _Account | None = None
    commit: _Facts

    @property
    def by_us(self) -> bool:
        """Whether it carries the mark of the bot's commits."""
        people = (self.commit.author, self.commit.committer)
        return all(one is not None and one.email == BOT_EMAIL for one in people)

    @property
    def makers(self) -> frozenset[str]:
        """The accounts behind it, in small letters."""
        return frozenset(one.login.lower() for one in (self.author, self.committer) if one is not None)


class _Role(Loose):
    permission: str | None = None
    role_name: str | None = None


_SEEN: Final = TypeAdapter(Seen)
_LIST: Final = TypeAdapter(tuple[Seen, ...])
_VOTES: Final = TypeAdapter(tuple[_Vote, ...])
_COMMITS: Final = TypeAdapter(tuple[_Commit, ...])
_ROLE: Final = TypeAdapter(_Role)


class Reviewed:
    """Reads of pull requests. ``is_me`` says whether an account (login, type) is the caller's own."""

    def __init__(self, line: Line, *, clock: Clock, is_me: Callable[[str, str], bool]) -> None:
        self._line = line
        self._clock = clock
        self._is_me = is_me

    def merged(self, home: Home, commit: str) -> Merged | None:
        """The pull request whose merge made the commit; None for any other commit.

        A commit that GitHub ties to no merged pull request is looked up again for 15 seconds: a push starts CI before
        GitHub's lists know of the merge.
        """
        if not _SHA.fullmatch(commit):
            return None
        for delay in (*_DELAYS, None):
            found = self._around(home, commit)
            made = next((pull for pull in found if _made(pull, home, commit)), None)
            if made is not None:
                return self._noun(made, approved_by=self._approved_by(home, made))
            if delay is None or any(pull.merged_at for pull in found):
                return None
            self._clock.sleep(delay)
        return None

    def opened(self, home: Home, number: int) -> Merged:
        """A pull request as it stands. Raises Refused(github-auth) when there is none."""
        seen = self._line.get(RIGHT, f"/repos/{home.full_name}/pulls/{number}").read(_SEEN)
        return self._noun(seen, approved_by=self._approved_by(home, seen))

    def recently_merged(self, home: Home, *, since: datetime) -> tuple[Merged, ...]:
        """Merges of the bot's branches since then, oldest first; their approvals are not looked up."""
        asked = {"state": "closed", "sort": "updated", "direction": "desc", "base": home.default_branch}
        found: list[Seen] = []
        for page in self._line.pages(RIGHT, f"/repos/{home.full_name}/pulls", parameters=asked, remember=True):
            rows = page.read(_LIST)
            found += [pull for pull in rows if _ours_since(pull, home, since)]
            if rows and rows[-1].updated_at < since:
                break
        nouns = {pull.number: self._noun(pull, approved_by=()) for pull in found}
        return tuple(sorted(nouns.values(), key=lambda one: (one.merged_at or since, one.number)))

    def _around(self, home: Home, commit: str) -> tuple[Seen, ...]:
        """The pull requests that GitHub ties to a commit; none for a commit that it does not know."""
        path = f"/repos/{home.full_name}/commits/{commit}/pulls"
        try:
            return self._line.get(RIGHT, path, expect=frozenset({404, 409, 422})).read(_LIST)
        except Answered:
            return ()

    def _noun(self, pull: Seen, *, approved_by: tuple[str, ...]) -> Merged:
        body = (pull.body or "").replace("\r\n", "\n")
        ours = pull.at_home and pull.head.ref.startswith(PREFIX)
        return Merged(
            number=pull.number,
            url=pull.html_url,
            branch=pull.head.ref,
            head_sha=pull.head.sha,
            merge_sha=pull.merge_commit_sha if pull.merged_at else None,
            author=pull.user.login if pull.user else "ghost",
            merged_at=pull.merged_at,
            approved_by=approved_by,
            labels=tuple(label.name for label in pull.labels),
            key=key_of(body, "pull") if self._by_a_bot(pull) else None,
            thread=thread_of(body) if ours else None,
            body=body,
        )

    def _by_a_bot(self, pull: Seen) -> bool:
        """Opened by an App, which no person can be, or by the caller's own account."""
        user = pull.user
        return user is not None and (user.type == "Bot" or self._is_me(user.login, user.type))

    def _approved_by(self, home: Home, pull: Seen) -> tuple[str, ...]:
        approving = self._approving(home, pull)
        makers = self._makers(home, pull) if approving else frozenset()
        if makers is None:
            _log.warning("approvals do not count: a commit is of nobody known", pull=pull.html_url)
            return ()
        others = sorted(login for login in approving if login.lower() not in makers)
        return tuple(login for login in others if self._may_write(home, login))

    def _approving(self, home: Home, pull: Seen) -> frozenset[str]:
        """People whose newest deciding review approves the last commit. A later comment decides nothing."""
        pages = self._line.pages(RIGHT, f"/repos/{home.full_name}/pulls/{pull.number}/reviews")
        votes = [vote for page in pages for vote in page.read(_VOTES) if vote.state in _DECIDES and vote.submitted_at]
        newest: dict[str, _Vote] = {}
        for vote in sorted(votes, key=lambda one: (one.submitted_at or pull.updated_at, one.id)):
            if vote.user is not None and vote.user.type == "User":
                newest[vote.user.login] = vote
        return frozenset(
            login for login, vote in newest.items() if vote.state == "APPROVED" and vote.commit_id == pull.head.sha
        )

    def _makers(self, home: Home, pull: Seen) -> frozenset[str] | None:
        """Everybody whose own work this is, in small letters; None when a commit may be any reviewer's."""
        pages = self._line.pages(RIGHT, f"/repos/{home.full_name}/pulls/{pull.number}/commits")
        commits = [commit for page in pages for commit in page.read(_COMMITS)]
        people = [commit for commit in commits if not commit.by_us]
        of_a_person = pull.user is not None and pull.user.type == "User"
        unknown = any(commit.author is None for commit in people) and not of_a_person
        if unknown or len(commits) >= _COMMITS_SHOWN:
            return None
        author = {pull.user.login.lower()} if pull.user else set()
        return frozenset(author.union(*(commit.makers for commit in people)))

    def _may_write(self, home: Home, login: str) -> bool:
        """The live permission. Fails closed: a permission that cannot be read is none."""
        path = f"/repos/{home.full_name}/collaborators/{quote(login, safe='')}/permission"
        try:
            role = self._line.get("metadata: read", path, expect=frozenset({403, 404})).read(_ROLE)
        except Answered as answer:
            _log.warning("an approval does not count: no permission is shown", login=login, status=answer.status)
            return False
        return bool({role.permission, role.role_name} & _WRITERS)


def thread_of(body: str) -> str | None:
    """``owner/name#7`` of "asked in", as the bot writes it at the head of a pull request; None for other words."""
    found = _ASKED.search(body)
    return found.group(1) if found else None


def _made(pull: Seen, home: Home, commit: str) -> bool:
    """Whether the merge of this pull request into the default branch made the commit."""
    here = pull.base.repo is not None and pull.base.repo.id == home.id
    return bool(here and pull.merged_at and pull.base.ref == home.default_branch and pull.merge_commit_sha == commit)


def _ours_since(pull: Seen, home: Home, since: datetime) -> bool:
    ours = pull.at_home and pull.head.ref.startswith(PREFIX) and pull.base.ref == home.default_branch
    return ours and pull.merged_at is not None and pull.merged_at >= since
