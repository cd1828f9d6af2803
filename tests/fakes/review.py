"""The port ``Review`` in memory: the same rules as the GitHub edge, no HTTP, no git.

``FakeHub`` is the site that several accounts share; a ``FakeReview`` is what one of them sees and does there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.deploy import Merged, Status
from bot.edges.github.bodies import hidden, key_of
from bot.edges.github.labels import LOOKS, PLAIN
from bot.edges.github.reviewed import thread_of
from bot.edges.github.told import unmarked, written
from bot.errors import Code, Refusal, Refused
from bot.model.changes import ChangeSet
from bot.model.outcome import PullRequest
from bot.ports import Permission, PullText

CI = "github-actions[bot]"
SERVER = "ai-provision[bot]"

State = Literal["approved", "changes_requested", "commented", "dismissed"]


def is_bot(login: str) -> bool:
    """Accounts of Apps carry this ending, and no person's can."""
    return login.endswith("[bot]")


@dataclass
class FakeVote:
    """One review of a commit."""

    login: str
    state: State
    commit: str


@dataclass
class FakePull:
    """One pull request. ``makers``: the account behind each commit, None for nobody known, the bot's own left out."""

    number: int
    branch: str
    author: str
    head: str
    base: str = "main"
    body: str = ""
    title: str = ""
    fork: bool = False
    merged_at: datetime | None = None
    merge_sha: str | None = None
    votes: list[FakeVote] = field(default_factory=list)
    makers: list[str | None] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass
class FakeComment:
    """One comment of a thread."""

    id: int
    login: str
    body: str


@dataclass
class FakeDeployment:
    """One deployment and its states, oldest first: state, URL, text."""

    id: int
    commit: str
    environment: str
    description: str
    states: list[tuple[Status, str | None, str]] = field(default_factory=list)


@dataclass
class FakeHub:
    """GitHub as several accounts share it; everything by repository."""

    main: str = "main"
    roles: dict[tuple[str, str], Permission] = field(default_factory=dict)
    pulls: dict[str, list[FakePull]] = field(default_factory=dict)
    comments: dict[tuple[str, int], list[FakeComment]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    deployments: list[FakeDeployment] = field(default_factory=list)
    proposals: dict[tuple[str, str], ChangeSet] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    made: int = 0

    def next_id(self) -> int:
        self.made += 1
        return self.made

    def sha(self) -> str:
        """A fresh commit."""
        return hashlib.sha256(str(self.next_id()).encode()).hexdigest()[:40]

    def open(self, repo: str, branch: str, *, author: str = SERVER, base: str = "main", body: str = "") -> FakePull:
        """Somebody opens a pull request with one commit of their own."""
        makers: list[str | None] = [] if is_bot(author) else [author]
        pull = FakePull(self.next_id(), branch, author, self.sha(), base=base, body=body, makers=makers)
        self.pulls.setdefault(repo, []).append(pull)
        return pull

    def merge(self, pull: FakePull, at: datetime) -> str:
        """Somebody merges it; returns the commit."""
        pull.merged_at, pull.merge_sha = at, self.sha()
        return pull.merge_sha

    def pull(self, repo: str, number: int) -> FakePull | None:
        return next((one for one in self.pulls.get(repo, []) if one.number == number), None)


@dataclass
class FakeReview:
    """What one account sees. ``rights``: what its token may write; ``edits_others``: the comments of other accounts."""

    hub: FakeHub = field(default_factory=FakeHub)
    account: str = CI
    rights: frozenset[str] = frozenset({"comments", "labels", "deployments", "pulls"})
    edits_others: bool = True
    redact: Callable[[str], str] = str
    host: str = "github.com"

    def default_branch(self, repo: str) -> str:
        return self.hub.main

    def merged(self, repo: str, commit: str) -> Merged | None:
        for pull in self.hub.pulls.get(repo, []):
            if pull.merge_sha == commit and pull.merged_at and pull.base == self.hub.main:
                return self._noun(repo, pull, self._approved_by(repo, pull))
        return None

    def opened(self, repo: str, number: int) -> Merged:
        pull = self.hub.pull(repo, number)
        if pull is None:
            raise _refused("GitHub shows nothing there")
        return self._noun(repo, pull, self._approved_by(repo, pull))

    def recently_merged(self, repo: str, *, since: datetime) -> tuple[Merged, ...]:
        ours = [
            pull
            for pull in self.hub.pulls.get(repo, [])
            if pull.branch.startswith("ai-provision/") and not pull.fork and pull.base == self.hub.main
        ]
        nouns = [self._noun(repo, pull, ()) for pull in ours if pull.merged_at and pull.merged_at >= since]
        return tuple(sorted(nouns, key=lambda one: (one.merged_at or since, one.number)))

    def _noun(self, repo: str, pull: FakePull, approved_by: tuple[str, ...]) -> Merged:
        ours = pull.branch.startswith("ai-provision/") and not pull.fork
        return Merged(
            number=pull.number,
            url=self._url(repo, pull.number),
            branch=pull.branch,
            head_sha=pull.head,
            merge_sha=pull.merge_sha,
            author=pull.author,
            merged_at=pull.merged_at,
            approved_by=approved_by,
            labels=tuple(pull.labels),
            key=key_of(pull.body, "pull") if self._ours(pull.author) else None,
            thread=thread_of(pull.body) if ours else None,
            body=pull.body,
        )

    def _approved_by(self, repo: str, pull: FakePull) -> tuple[str, ...]:
        newest = {vote.login: vote for vote in pull.votes if vote.state != "commented" and not is_bot(vote.login)}
        if None in pull.makers and is_bot(pull.author):
            return ()
        own = {pull.author, *pull.makers}
        return tuple(
            sorted(
                login
                for login, vote in newest.items()
                if (vote.state, vote.commit) == ("approved", pull.head)
                and login not in own
                and self.hub.roles.get((repo, login), "none") in {"write", "maintain", "admin"}
            )
        )

    def _ours(self, login: str) -> bool:
        return is_bot(login) or login == self.account

    def told(self, repo: str, number: int, *, marker: str) -> str | None:
        mark = hidden(marker, "apply")
        found = self._newest(repo, number, mark)
        return None if found is None else unmarked(found.body, mark)

    def _newest(self, repo: str, number: int, mark: str) -> FakeComment | None:
        said = self.hub.comments.get((repo, number), [])
        return next((one for one in reversed(said) if self._ours(one.login) and one.body.startswith(mark)), None)

    def tell(self, repo: str, number: int, *, marker: str, body: str) -> str:
        if "comments" not in self.rights:
            raise _refused("The credential lacks the right `issues=write`")
        mark = hidden(marker, "apply")
        text = written(body, mark=mark, redact=self.redact)
        found = self._newest(repo, number, mark)
        if found is None or (found.login != self.account and not self.edits_others and found.body != text):
            found = FakeComment(self.hub.next_id(), self.account, text)
            self.hub.comments.setdefault((repo, number), []).append(found)
            self.hub.writes.append("comment")
        elif found.body != text:
            found.body = text
            self.hub.writes.append("edit comment")
        return f"https://{self.host}/{repo}/issues/{number}#issuecomment-{found.id}"

    def label(self, repo: str, number: int, *, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        pull = self.hub.pull(repo, number)
        if pull is None or "labels" not in self.rights:
            return
        known = self.hub.labels.setdefault(repo, {})
        wanted = [name for name in pull.labels if name not in remove] + [
            name for name in add if name not in pull.labels
        ]
        for name in wanted:
            known.setdefault(name, LOOKS.get(name, PLAIN)[0])
        if wanted != pull.labels:
            pull.labels[:] = wanted
            self.hub.writes.append("label")

    def deployment(self, repo: str, *, commit: str, environment: str, description: str) -> int | None:
        if "deployments" not in self.rights:
            return None
        made = FakeDeployment(self.hub.next_id(), commit, environment, self.redact(description)[:140])
        self.hub.deployments.append(made)
        self.hub.writes.append("deployment")
        return made.id

    def deployment_status(self, repo: str, deployment: int, state: Status, *, url: str | None, text: str) -> None:
        found = next((one for one in self.hub.deployments if one.id == deployment), None)
        if found is not None and "deployments" in self.rights:
            found.states.append((state, url, self.redact(text)[:140]))
            self.hub.writes.append("deployment status")

    def propose(self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText) -> PullRequest:
        if "pulls" not in self.rights:
            raise _refused("The branch is pushed, but GitHub Actions may not open pull requests in this repository.")
        pulls = self.hub.pulls.setdefault(repo, [])
        known = next((one for one in pulls if one.branch == branch and one.merged_at is None), None)
        pull = known or self.hub.open(repo, branch, author=self.account)
        if self.hub.proposals.get((repo, branch)) != changes:
            pull.head = self.hub.sha() if known else pull.head
            self.hub.proposals[repo, branch] = changes
            self.hub.writes.append("push")
        pull.title, pull.body = self.redact(text.title), f"{self.redact(text.body)}\n\n{hidden(marker, 'pull')}"
        return PullRequest(
            number=pull.number,
            url=self._url(repo, pull.number),
            branch=branch,
            head_sha=pull.head,
            draft=text.draft,
            created=known is None,
        )

    def _url(self, repo: str, number: int) -> str:
        return f"https://{self.host}/{repo}/pull/{number}"


def _refused(message: str) -> Refused:
    return Refused(Refusal(code=Code.GITHUB_AUTH, message=message, remedy="Give the token the right."))
