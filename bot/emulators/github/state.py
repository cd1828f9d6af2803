"""What the emulated GitHub holds: accounts, tokens, repositories, issues, comments, pull requests.

In: commands of the emulator. Out: plain records. Never: HTTP.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bot.emulators.github.accounts import Account
from bot.emulators.github.workstate import Work

Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")

JOB = {
    "metadata": "read",
    "contents": "read",
    "deployments": "write",
    "issues": "write",
    "pull_requests": "write",
}
"""What the apply job of the product asks for in its ``permissions:``."""

EVERYTHING = {"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write"}

PERSON = {
    **EVERYTHING,
    **dict.fromkeys(("actions", "checks", "deployments", "environments", "statuses", "workflows"), "write"),
    "administration": "read",
}
"""What a person's own token (``ghp_…``) may do."""


def at_least(role: Role, needed: Role) -> bool:
    """Whether a role is as high as another."""
    return ROLES.index(role) >= ROLES.index(needed)


@dataclass(frozen=True)
class Token:
    """A bearer token: who it is, what it may do, and where (None: every repository).

    A token of an App's installation also has the installation's number, the ids of the private repositories that it is
    good for, and an end. ``job`` is the repository whose CI job holds it (``GITHUB_TOKEN``).
    """

    account: Account
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None = None
    installation: int | None = None
    covers: frozenset[int] | None = None
    expires_at: datetime | None = None
    job: str | None = None

    @property
    def spender(self) -> str:
        """Whose limits its calls are charged to."""
        if self.job is not None:
            return f"jobs of {self.job}"
        return self.account.login if self.installation is None else f"installation {self.installation}"

    def allows(self, name: str, level: str) -> bool:
        """Whether the token holds a permission, ``write`` including ``read``."""
        held = self.permissions.get(name)
        return held == "write" or (held is not None and held == level)


@dataclass
class Reaction:
    """One reaction of one account."""

    id: int
    account: Account
    content: str


@dataclass
class Comment:
    """One comment of an issue or pull request."""

    id: int
    account: Account
    body: str
    created_at: datetime
    updated_at: datetime
    reactions: list[Reaction] = field(default_factory=list)


ReviewState = Literal["approved", "changes_requested", "commented", "dismissed", "pending"]


@dataclass
class Review:
    """One submitted review of a pull request."""

    id: int
    account: Account
    state: ReviewState
    body: str
    submitted_at: datetime
    commit_sha: str = ""


@dataclass
class Pull:
    """What makes an issue a pull request. ``fork`` is the repository that the head lies in when it is another one;
    ``fork_gone``: its owner deleted it. ``landed_on`` is the base before the merge, ``landed`` what was put on it.
    """

    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merge_sha: str | None = None
    merged_by: Account | None = None
    landed_on: str = ""
    landed: tuple[str, ...] = ()
    fork: Repository | None = None
    fork_gone: bool = False
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[Comment] = field(default_factory=list)
    reviewers: list[Account] = field(default_factory=list)


@dataclass(frozen=True)
class Label:
    """A label of a repository; ``color`` is six hexadecimal digits."""

    id: int
    name: str
    color: str
    description: str | None = None


@dataclass
class Issue:
    """An issue, or a pull request when ``pull`` is set."""

    number: int
    id: int
    account: Account
    title: str
    body: str
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    locked: bool = False
    pull: Pull | None = None
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class Hook:
    """A webhook of a repository."""

    url: str
    secret: str
    events: tuple[str, ...] = (
        "issue_comment",
        "issues",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "push",
        "deployment",
        "deployment_status",
        "status",
        "workflow_run",
    )


MergeMethod = Literal["merge", "squash", "rebase"]


@dataclass(frozen=True)
class Protection:
    """What a protected branch asks for. ``approvals`` None: changes need no pull request; 0: one without approval."""

    approvals: int | None = None
    dismiss_stale: bool = False
    checks: tuple[str, ...] = ()
    strict: bool = False
    enforce_admins: bool = False


@dataclass
class Repository:
    """A repository; its git data lies in ``path``. ``jobs_open_pulls``: CI's own token may open and approve pull
    requests (GitHub's setting, off by default).
    """

    full_name: str
    id: int
    path: Path
    private: bool = False
    default_branch: str = "main"
    roles: dict[str, Role] = field(default_factory=dict)
    associations: dict[str, str] = field(default_factory=dict)
    protected: dict[str, Protection] = field(default_factory=dict)
    merge_methods: frozenset[MergeMethod] = frozenset({"merge", "squash", "rebase"})
    jobs_open_pulls: bool = False
    labels: dict[str, Label] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    issues: dict[int, Issue] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """The part before the slash."""
        return self.full_name.split("/", maxsplit=1)[0]

    @property
    def name(self) -> str:
        """The part after the slash."""
        return self.full_name.split("/", maxsplit=1)[1]

    def role(self, login: str) -> Role:
        """The role of a login: the owner is admin; anybody reads a public repository."""
        if login.lower() == self.owner.lower():
            return "admin"
        return self.roles.get(login.lower(), "none" if self.private else "read")

    def next_number(self) -> int:
        """The number of the next issue or pull request."""
        return max(self.issues, default=0) + 1


@dataclass
class App:
    """A GitHub App: its key, what it asks for at most, and where its webhooks go."""

    id: int
    slug: str
    account: Account
    public_key: str
    permissions: Mapping[str, str]
    long_tokens: bool = True
    hook: Hook | None = None


@dataclass
class Installation:
    """An App where an owner installed it; ``repositories`` holds ids."""

    id: int
    app: App
    owner: Account
    permissions: Mapping[str, str]
    repositories: set[int]
    created_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True)
class HookAttempt:
    """One try to deliver a webhook of an App."""

    id: int
    guid: str
    at: datetime
    app: App
    event: str
    payload: Mapping[str, Any]
    code: int
    redelivery: bool

    @property
    def status(self) -> str:
        """GitHub's word for how it went."""
        if self.code == 0:
            return "failed to connect to host"
        return "OK" if self.code < 300 else f"Invalid HTTP Response: {self.code}"


@dataclass(frozen=True)
class Minted:
    """One installation token that was given out, and the body that asked for it."""

    installation: int
    body: Mapping[str, Any]
    token: str
    expires_at: datetime


@dataclass
class World:
    """Everything."""

    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    attempts: list[HookAttempt] = field(default_factory=list)
    minted: list[Minted] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_001))

    def repository(self, full_name: str) -> Repository | None:
        """A repository by name, without case."""
        return self.repositories.get(full_name.lower())

    def comment(self, repository: Repository, comment_id: int) -> tuple[Issue, Comment] | None:
        """A comment of a repository with its issue."""
        for issue in repository.issues.values():
            for comment in issue.comments:
                if comment.id == comment_id:
                    return issue, comment
        return None

    def review_comment(self, repository: Repository, comment_id: int) -> tuple[Issue, Comment] | None:
        """A comment on the lines of a pull request, with its pull request."""
        for issue in repository.issues.values():
            for comment in issue.pull.review_comments if issue.pull else ():
                if comment.id == comment_id:
                    return issue, comment
        return None
