"""The emulated site: its state and what may happen to it, without HTTP.

In: records. Out: changed records. Never: a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.emulators.github import gitstore
from bot.emulators.github.accounts import Account
from bot.emulators.github.answers import ApiError, CallRecord, invalid
from bot.emulators.github.faults import Faults
from bot.emulators.github.limits import Limits
from bot.emulators.github.state import Comment, Issue, Pull, Repository, Role, Token, World
from bot.ports import Clock


@dataclass(frozen=True)
class Outgoing:
    """A webhook that a call caused; it is sent once the call has let go of the state."""

    repo: Repository
    event: str
    payload: Mapping[str, Any]


@dataclass
class Site:
    """Everything behind the server."""

    clock: Clock
    world: World = field(default_factory=World)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    calls: list[CallRecord] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    outbox: list[Outgoing] = field(default_factory=list)

    def next_id(self) -> int:
        """A fresh id."""
        return next(self.world.ids)

    def token(self, value: str) -> Token | None:
        """A token that is still good: an installation's ends after an hour, and with the installation."""
        found = self.world.tokens.get(value)
        if found is None or found.installation is None:
            return found
        home = self.world.installations.get(found.installation)
        ended = found.expires_at is not None and self.clock.now() >= found.expires_at
        return None if home is None or home.suspended_at is not None or ended else found

    def covers(self, repo: Repository, token: Token) -> bool:
        """Whether an installation's token is for this repository; other tokens are not told apart here."""
        if token.covers is None or token.installation is None:
            return True
        return repo.id in token.covers & self.world.installations[token.installation].repositories

    def visible(self, repo: Repository, token: Token | None) -> bool:
        """Whether a token sees a repository at all."""
        if token is None or token.installation is not None:
            return not repo.private or (token is not None and self.covers(repo, token))
        if token.repositories is not None and repo.full_name not in token.repositories:
            return False
        return not repo.private or self.role(repo, token) != "none"

    @staticmethod
    def role(repo: Repository, token: Token) -> Role:
        """The role of a token's account; a CI job writes where it runs, as far as its permissions go."""
        if token.job is not None:
            return "write" if token.job == repo.full_name else "none"
        return repo.role(token.account.login)

    def store_comment(self, issue: Issue, account: Account, body: str) -> Comment:
        """Add a comment."""
        now = self.clock.now()
        item = Comment(self.next_id(), account, body, now, now)
        issue.comments.append(item)
        issue.updated_at = now
        return item

    def store_issue(self, repo: Repository, account: Account, title: str, body: str) -> Issue:
        """Add an issue."""
        now = self.clock.now()
        issue = Issue(repo.next_number(), self.next_id(), account, title, body, now, now)
        repo.issues[issue.number] = issue
        return issue

    def open_pull(
        self, repo: Repository, account: Account, *, title: str, body: str, head: str, base: str, draft: bool
    ) -> Issue:
        """Open a pull request. Raises ApiError(422) as GitHub does."""
        head_sha, base_sha = (gitstore.ref(repo.path, f"refs/heads/{name}") for name in (head, base))
        if head_sha is None:
            raise invalid("PullRequest", field_name="head", code="invalid")
        if base_sha is None:
            raise invalid("PullRequest", field_name="base", code="invalid")
        for other in repo.issues.values():
            same = other.pull and not other.pull.fork and (other.pull.head, other.pull.base) == (head, base)
            if same and other.state == "open":
                raise invalid("PullRequest", message=f"A pull request already exists for {repo.owner}:{head}.")
        common = gitstore.merge_base(repo.path, head_sha, base_sha)
        if common is None:
            raise invalid("PullRequest", message=f"The {head} branch has no history in common with {base}")
        if common == head_sha:
            raise invalid("PullRequest", message=f"No commits between {base} and {head}")
        issue = self.store_issue(repo, account, title, body)
        issue.pull = Pull(head=head, base=base, head_sha=head_sha, base_sha=base_sha, draft=draft)
        return issue

    @staticmethod
    def refreshed(repo: Repository, issue: Issue) -> Pull | None:
        """The pull request with the branch's present head while it is open."""
        pull = issue.pull
        if pull is not None and issue.state == "open" and pull.fork is None:
            pull.head_sha = gitstore.ref(repo.path, f"refs/heads/{pull.head}") or pull.head_sha
        return pull

    def diff(self, repo: Repository, issue: Issue) -> str:
        """What a pull request changes."""
        pull = self.refreshed(repo, issue)
        return gitstore.diff(repo.path, pull.base_sha, pull.head_sha) if pull else ""

    def fork_pull(
        self, repo: Repository, account: Account, files: Mapping[str, bytes | None], *, title: str, body: str, head: str
    ) -> Issue:
        """A pull request whose head lies in the account's own copy of the repository."""
        base_sha = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}") or ""
        issue = self.store_issue(repo, account, title, body)
        who = f"{account.login} <{account.login}@example.invalid> {gitstore.SEED_DATE}"
        where = f"refs/pull/{issue.number}/head"
        sha = gitstore.commit_at(repo.path, where, base_sha, files, who=who, message="A stranger's change\n")
        fork = Repository(f"{account.login}/{repo.name}", self.next_id(), repo.path, default_branch=repo.default_branch)
        issue.pull = Pull(head=head, base=repo.default_branch, head_sha=sha, base_sha=base_sha, fork=fork)
        return issue

    def delete_branch(self, repo: Repository, branch: str) -> str:
        """Delete a branch; returns where it was. Raises ApiError(422) as GitHub does."""
        before = gitstore.ref(repo.path, f"refs/heads/{branch}")
        if before is None:
            raise ApiError(422, "Reference does not exist")
        if branch == repo.default_branch or branch in repo.protected:
            raise ApiError(422, "Cannot delete this branch")
        gitstore.delete_ref(repo.path, f"refs/heads/{branch}")
        return before
