"""GitHub as CI sees it, behind the port ``bot.deploy.Review``."""

from __future__ import annotations

from datetime import datetime

from bot.deploy import Merged, Status
from bot.edges.github.forge import GitHubForge
from bot.model.changes import ChangeSet
from bot.model.outcome import PullRequest
from bot.ports import Clock, PullText


class GitHubReview:
    """``bot.deploy.Review`` through a forge's credential and queue."""

    def __init__(self, forge: GitHubForge, *, clock: Clock) -> None:
        self._forge = forge
        self._clock = clock

    def default_branch(self, repo: str) -> str:
        raise NotImplementedError

    def merged(self, repo: str, commit: str) -> Merged | None:
        raise NotImplementedError

    def opened(self, repo: str, number: int) -> Merged:
        raise NotImplementedError

    def recently_merged(self, repo: str, *, since: datetime) -> tuple[Merged, ...]:
        raise NotImplementedError

    def told(self, repo: str, number: int, *, marker: str) -> str | None:
        raise NotImplementedError

    def tell(self, repo: str, number: int, *, marker: str, body: str) -> str:
        raise NotImplementedError

    def label(self, repo: str, number: int, *, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        raise NotImplementedError

    def deployment(self, repo: str, *, commit: str, environment: str, description: str) -> int | None:
        raise NotImplementedError

    def deployment_status(self, repo: str, deployment: int, state: Status, *, url: str | None, text: str) -> None:
        raise NotImplementedError

    def propose(self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText) -> PullRequest:
        raise NotImplementedError
