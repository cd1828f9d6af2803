"""What CI and deployments leave on a repository: statuses, deployments, environments, workflow runs.

In: records. Out: plain records. Never: HTTP, git.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.emulators.github.accounts import Account

StatusState = Literal["error", "failure", "pending", "success"]
DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
RunStatus = Literal["queued", "in_progress", "completed", "waiting", "requested", "pending"]
Conclusion = Literal["success", "failure", "cancelled", "timed_out", "neutral", "skipped", "action_required", "stale"]


@dataclass(frozen=True)
class CommitStatus:
    """One status of a commit; the newest of a context counts."""

    id: int
    sha: str
    state: StatusState
    context: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass(frozen=True)
class DeploymentStatus:
    """One status of a deployment, newest last."""

    id: int
    state: DeploymentState
    description: str
    environment: str
    environment_url: str
    log_url: str
    creator: Account
    created_at: datetime


@dataclass
class Deployment:
    """One deployment of a commit to an environment."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str | None
    payload: Any
    transient: bool
    production: bool
    creator: Account
    created_at: datetime
    updated_at: datetime
    statuses: list[DeploymentStatus] = field(default_factory=list)


@dataclass(frozen=True)
class Environment:
    """An environment and the logins that must agree before a job of it begins."""

    id: int
    name: str
    created_at: datetime
    reviewers: tuple[str, ...] = ()


@dataclass
class Run:
    """One run of a workflow; ``path`` is the workflow's file, ``pulls`` the numbers of its pull requests."""

    id: int
    number: int
    path: str
    name: str
    event: str
    branch: str
    sha: str
    actor: Account
    status: RunStatus
    conclusion: Conclusion | None
    created_at: datetime
    updated_at: datetime
    pulls: tuple[int, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass
class Work:
    """All of it, of one repository."""

    statuses: list[CommitStatus] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    workflows: dict[str, int] = field(default_factory=dict)

    def latest(self, sha: str) -> list[CommitStatus]:
        """The newest status of each context of a commit."""
        return list({item.context: item for item in self.statuses if item.sha == sha}.values())
