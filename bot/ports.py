"""The ports: what the belt needs from the world, two to six verbs each.

In and out: nouns only. Never: a client library's type. Every port has one real edge in ``bot.edges`` and one fake, held
to the same contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, Protocol

from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot
from bot.model.command import FolderTarget, RawEvent, RepoTarget, ThreadRef
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.model.tree import Tree, Unread, YamlDocument

Permission = Literal["none", "read", "triage", "write", "maintain", "admin"]
Reaction = Literal["eyes", "rocket", "confused"]
Progress = Callable[[str], None]


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait. Seconds."""


class Repos(Protocol):
    """Reads an application repository as untrusted data; nothing of it is executed."""

    def read(self, target: RepoTarget | FolderTarget) -> Tree:
        """The survey set of a repository. Raises Refused (repo-*) or Unavailable (repo-unreachable, repo-timeout)."""


class YamlReader(Protocol):
    """Parses YAML that may be hostile, in a limited child process."""

    def read(self, files: Mapping[str, bytes]) -> tuple[dict[str, tuple[YamlDocument, ...]], tuple[Unread, ...]]:
        """Documents by path, and what could not be read. Never raises for the content of a file."""


class Inventory(Protocol):
    """Reads the clusters with read-only rights."""

    def read(self) -> ClusterSnapshot:
        """What the clusters hold now; what could not be read stands in ``missing``.

        Raises Refused (proxmox-auth, kubernetes-auth, tls) or Unavailable when a configured cluster gives nothing.
        """


class PullText(Noun):
    """What a pull request shows."""

    title: str
    body: str
    draft: bool = False


class Forge(Protocol):
    """GitHub: permission, files of the infrastructure repository, one status comment, one pull request."""

    def permission(self, thread: ThreadRef, login: str) -> Permission:
        """The live permission of a user on the thread's repository; ``none`` when unknown."""

    def file(self, repo: str, path: str) -> str | None:
        """A file of a repository's default branch (``owner/name``), or None."""

    def react(self, thread: ThreadRef, comment_id: int | None, reaction: Reaction) -> None:
        """Add a reaction to the command; adding it twice is the same as once."""

    def say(self, thread: ThreadRef, *, marker: str, body: str) -> str:
        """Create or edit the one comment that carries the hidden marker; returns its URL."""

    def publish(
        self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText, message: str, when: datetime
    ) -> PullRequest:
        """One branch, one commit, one pull request; looks before it writes. Raises Refused(conflict) after a human
        commit or for a declined pull request, Unavailable on rate limits.
        """


class Toolbox(Protocol):
    """Judges that a machine may lack (terraform). A missing tool is a ``note`` finding, never silence."""

    def judge(self, changes: ChangeSet) -> tuple[Finding, ...]:
        """Findings of ``terraform fmt -check`` and provider-free checks."""


class Inbox(Protocol):
    """Takes verified events, at once."""

    @property
    def waiting(self) -> int:
        """Events not yet begun."""

    def accept(self, event: RawEvent) -> bool:
        """Store an event; False when its delivery id was seen before. Raises queue.Full when no more fit."""
