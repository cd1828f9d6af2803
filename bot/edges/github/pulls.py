"""Pull requests, looked at before they are written.

In: a branch and the text to show. Out: the one pull request of that branch. Never: a second one for the same branch, a
reopened one, an edit that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from github.PullRequest import PullRequest as GithubPull
from github.Repository import Repository
from pydantic import TypeAdapter

from bot.edges.github.addresses import checked_name
from bot.edges.github.bodies import key_of
from bot.edges.github.calls import Answered, Calls
from bot.edges.github.line import Line, Loose
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.outcome import OpenPull
from bot.ports import Clock, PullText

RIGHT = "pull_requests: write"

PREFIX = "ai-provision/"
"""Where the bot's branches begin."""

_GENERATIONS = 200
_DELAYS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between looks after a write whose effect is not visible yet: GitHub's reads may lag behind its writes."""


class _Id(Loose):
    id: int


class _User(Loose):
    login: str
    type: str = "User"


class _End(Loose):
    ref: str
    sha: str
    repo: _Id | None = None


class Listed(Loose):
    """A pull request of a listing."""

    number: int
    html_url: str
    body: str | None = None
    user: _User | None = None
    head: _End
    base: _End

    @property
    def at_home(self) -> bool:
        """Whether its head lies in the repository itself and not in a fork."""
        return self.head.repo is not None and self.head.repo == self.base.repo


_LISTED = TypeAdapter(tuple[Listed, ...])


def listed(line: Line, repo: str) -> Iterator[Listed]:
    """Every open pull request whose head lies in the repository itself."""
    for page in line.pages(RIGHT, f"/repos/{checked_name(repo)}/pulls", parameters={"state": "open"}, remember=True):
        yield from (pull for pull in page.read(_LISTED) if pull.at_home)


def own(line: Line, repo: str, *, is_me: Callable[[str, str], bool]) -> tuple[OpenPull, ...]:
    """The bot's open pull requests, oldest first: its branch, its marker, written by it (login, account type)."""
    mine = [
        OpenPull(number=pull.number, url=pull.html_url, branch=pull.head.ref, head_sha=pull.head.sha, key=key)
        for pull in listed(line, repo)
        if pull.head.ref.startswith(PREFIX) and (key := key_of(pull.body or "", "pull")) and pull.user
        and is_me(pull.user.login, pull.user.type)
    ]  # fmt: skip
    return tuple(sorted(mine, key=lambda pull: pull.number))


@dataclass(frozen=True)
class Seen:
    """A pull request of the bot's branch as GitHub shows it."""

    number: int
    url: str
    state: Literal["open", "declined", "merged"]
    title: str
    body: str
    draft: bool
    handle: GithubPull


@dataclass(frozen=True)
class Place:
    """The branch to use and the open pull request that already stands on it."""

    branch: str
    open: Seen | None


class Pulls:
    """The pull requests of one infrastructure repository."""

    def __init__(
        self, repository: Repository, *, full_name: str, default_branch: str, calls: Calls, clock: Clock
    ) -> None:
        self._repository = repository
        self._full_name = full_name
        self._default_branch = default_branch
        self._calls = calls
        self._clock = clock

    def place(self, branch: str, *, marker: str) -> Place:
        """Where this application's change belongs: the open pull request's branch, else the first unused generation.

        A merged pull request ends a generation: the next change goes to ``<branch>-2`` and so on. Raises
        Refused(conflict) for a declined one, and for an open one that another request made.
        """
        for generation in range(1, _GENERATIONS):
            name = branch if generation == 1 else f"{branch}-{generation}"
            seen = self.look(name)
            if seen is None:
                return Place(name, None)
            if seen.state == "declined":
                raise _declined(seen)
            if seen.state == "open":
                _check_owner(seen, marker)
                return Place(name, seen)
        raise Refused(
            Refusal(
                code=Code.CONFLICT,
                message=f"`{branch}` was proposed and merged {_GENERATIONS} times.",
                remedy="Delete old branches of the bot, then repeat the command.",
            )
        )

    def look(self, branch: str) -> Seen | None:
        """The open pull request of a branch, else its newest one, else None."""
        owner = self._full_name.split("/", maxsplit=1)[0]
        seen = self._calls.read(RIGHT, lambda: self._list(owner, branch))
        return next((pull for pull in seen if pull.state == "open"), seen[0] if seen else None)

    def _list(self, owner: str, branch: str) -> list[Seen]:
        pulls = self._repository.get_pulls(state="all", head=f"{owner}:{branch}")
        mine = [pull for pull in pulls if pull.head.ref == branch and self._is_ours(pull)]
        return sorted(map(_seen, mine), key=lambda pull: -pull.number)

    def _is_ours(self, pull: GithubPull) -> bool:
        """A fork may use the same branch name."""
        label = pull.head.label or ""
        return ":" not in label or label.split(":")[0].lower() == self._full_name.split("/")[0].lower()

    def open(self, branch: str, text: PullText) -> Seen:
        """Create the pull request, or take the one that appeared meanwhile. Raises Refused(dup) or Unavailable."""
        draft = text.draft
        for delay in _DELAYS:
            try:
                return self._calls.write(
                    RIGHT,
                    partial(self._create, branch, text, draft=draft),
                    look=partial(self._look_open, branch),
                    expect=frozenset({422}),
                )
            except Answered as error:
                answer = error.message.lower()
            seen = self._look_open(branch)
            if seen is not None:
                return self.edit(seen, text)
            if "no commits between" in answer:
                raise _nothing_to_merge(self._default_branch)
            if "draft" in answer:
                draft = False
            else:
                self._clock.sleep(delay)
        raise Unavailable(
            Code.RATE,
            f"GitHub did not open the pull request of `{branch}`: {answer}.",
            remedy="Repeat the command in a minute.",
        )

    def _look_open(self, branch: str) -> Seen | None:
        seen = self.look(branch)
        return seen if seen is not None and seen.state == "open" else None

    def _create(self, branch: str, text: PullText, *, draft: bool) -> Seen:
        made = self._repository.create_pull(
            self._default_branch, branch, title=text.title, body=text.body, draft=draft, maintainer_can_modify=True
        )
        return _seen(made)

    def edit(self, seen: Seen, text: PullText) -> Seen:
        """Bring title and body up to date; no call when they are."""
        if seen.title == text.title and _same(seen.body, text.body):
            return seen
        self._calls.write(RIGHT, lambda: seen.handle.edit(title=text.title, body=text.body))
        return seen


def _same(left: str, right: str) -> bool:
    return left.replace("\r\n", "\n").strip() == right.strip()


def _seen(pull: GithubPull) -> Seen:
    merged = pull.merged_at is not None
    return Seen(
        number=pull.number,
        url=pull.html_url,
        state="open" if pull.state == "open" else "merged" if merged else "declined",
        title=pull.title,
        body=pull.body or "",
        draft=bool(pull.draft),
        handle=pull,
    )


def _check_owner(seen: Seen, marker: str) -> None:
    holder = key_of(seen.body, "pull")
    if holder is not None and holder != marker:
        raise Refused(
            Refusal(
                code=Code.CONFLICT,
                message=f"Another request already proposes this application in pull request {seen.number}.",
                remedy="Give the command where that pull request was asked for, or close it first.",
                link=seen.url,
            )
        )


def _declined(seen: Seen) -> Refused:
    return Refused(
        Refusal(
            code=Code.CONFLICT,
            message=f"Pull request {seen.number} for this application was declined.",
            remedy="Reopen it, then repeat the command.",
            link=seen.url,
        )
    )


def _nothing_to_merge(default_branch: str) -> Refused:
    return Refused(
        Refusal(
            code=Code.DUP,
            message=f"`{default_branch}` already holds exactly this plan.",
            remedy="Nothing to do. Change the description to get another plan.",
        )
    )
