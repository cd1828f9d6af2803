"""The ports of an apply: what it needs from the world, beside the clusters' readings (``bot.ports.Inventory``).

In and out: nouns and folders. Never: a client library's type, a secret in a text that is returned. Every verb raises
``Refused`` for what a person must mend (with the exact next step as remedy) and ``Unavailable`` for what time mends.
Every port has one real edge and one fake, held to the same contract tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from bot.model.applied import Rollout, Url, WorkloadRef
from bot.model.changes import ChangeSet
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.model.stack import TerraformPlan
from bot.ports import PullText

Status = Literal["queued", "in_progress", "success", "failure", "error", "inactive"]


class Checkout(Protocol):
    """The infrastructure repository as git has it on this machine; nothing of it is executed."""

    def head(self) -> str:
        """The commit that is checked out."""

    def parent(self, commit: str) -> str | None:
        """The first parent: the default branch before a merge."""

    def changed(self, base: str | None, head: str) -> tuple[str, ...]:
        """Paths that differ between two commits; without a base every path of ``head``."""

    def paths(self, commit: str, root: str) -> tuple[str, ...]:
        """The files below a folder."""

    def text(self, commit: str, path: str) -> str | None:
        """A file, or None."""

    def export(self, commit: str, root: str, into: Path) -> None:
        """Write the regular files of a folder below ``into``; links are refused."""


class Terraform(Protocol):
    """The terraform program in one folder that holds a stack's ``*.tf`` files."""

    def plan(self, folder: Path, *, destroy: bool = False) -> TerraformPlan:
        """``init`` and ``plan`` against the real state; the plan is kept in the folder for ``apply``.

        Raises Refused(conflict) with the exact recovery text for a held lock, Refused(config) for a broken backend or
        configuration, Unavailable for a backend or cluster that does not answer.
        """

    def apply(self, folder: Path) -> None:
        """Apply exactly the plan that is kept. Raises Refused(conflict) when it went stale, or with what was half done;
        an unsaved state stays in the folder as ``errored.tfstate``.
        """

    def unsaved_state(self, folder: Path) -> Path | None:
        """``errored.tfstate``, where a state could not be saved."""


class Doors(Protocol):
    """Waits until machines answer."""

    def wait(self, address: str, *, port: int, seconds: float) -> float | None:
        """Seconds until the port answered with an SSH banner; None when it did not in time."""


class Playbooks(Protocol):
    """ansible-playbook in one folder."""

    def run(self, folder: Path, *, extra: Mapping[str, str]) -> str:
        """Run ``site.yml`` with ``inventory.yml``; returns its recap. ``extra`` goes by file, never by argument.

        Raises Refused(config) with the failed task and host.
        """


class Manifests(Protocol):
    """One Kubernetes cluster, by kubectl with the rights of the apply role."""

    def diff(self, folder: Path) -> str:
        """What a server-side apply would change, masked; empty when nothing."""

    def ensure_namespace(self, name: str) -> bool:
        """Create a missing namespace under Pod Security ``restricted``; True when it was created."""

    def apply(self, folder: Path) -> tuple[WorkloadRef, ...]:
        """Server-side apply of a kustomization, field manager ``ai-provision``; the workloads that it holds.

        Raises Refused(policy|capacity|conflict|kubernetes-auth).
        """

    def revisions(self, workloads: tuple[WorkloadRef, ...]) -> dict[str, int]:
        """The present revision of each workload that exists, by name."""

    def watch(self, workloads: tuple[WorkloadRef, ...], *, seconds: float) -> tuple[Rollout, ...]:
        """Wait for all of them; ``failed`` with the reason of their pods when the deadline passes."""

    def undo(self, workloads: tuple[WorkloadRef, ...], revisions: Mapping[str, int]) -> tuple[Rollout, ...]:
        """Return each to the revision it had; a workload that had none is scaled to nothing."""

    def delete(self, folder: Path, *, claims: bool) -> tuple[str, ...]:
        """Delete what a kustomization holds, and waits; ``kind/name`` of what went. PersistentVolumeClaims (and those
        that a StatefulSet made) stay unless ``claims``. What is gone already is no error.
        """

    def store_secret(self, namespace: str, name: str, values: Mapping[str, bytes]) -> None:
        """Create or replace an Opaque secret."""

    def nodes_ready(self, names: tuple[str, ...], *, seconds: float) -> tuple[int, str | None]:
        """How many of the nodes are Ready in time, and the version that they run."""

    def urls(self, namespace: str) -> tuple[Url, ...]:
        """The hosts of the namespace's Ingresses and what is known of their certificates."""


class Merged(Noun):
    """A merged pull request and who approved it. ``approved_by``: people with write permission, approvals of the last
    commit alone, without the author. ``key``: the bot's unseen marker, None for a pull request of somebody else.
    """

    number: int
    url: str
    branch: str
    head_sha: str
    merge_sha: str | None
    author: str
    merged_at: datetime | None = None
    approved_by: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    key: str | None = None
    thread: str | None = None
    body: str = ""


class Review(Protocol):
    """GitHub as CI sees it: what was merged and reviewed, and where the outcome is told."""

    def default_branch(self, repo: str) -> str:
        """Its name."""

    def merged(self, repo: str, commit: str) -> Merged | None:
        """The pull request whose merge made this commit of the default branch."""

    def opened(self, repo: str, number: int) -> Merged:
        """A pull request as it stands, merged or not."""

    def recently_merged(self, repo: str, *, since: datetime) -> tuple[Merged, ...]:
        """The bot's own pull requests that were merged since then, oldest first."""

    def told(self, repo: str, number: int, *, marker: str) -> str | None:
        """The body of our comment with this hidden marker, from an account that may write; None when there is none."""

    def tell(self, repo: str, number: int, *, marker: str, body: str) -> str:
        """Create or edit the one comment with this marker; returns its URL."""

    def label(self, repo: str, number: int, *, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Change labels; a label that does not exist yet is made. Soft: a missing right is not an error."""

    def deployment(self, repo: str, *, commit: str, environment: str, description: str) -> int | None:
        """A new deployment's id, None without the right."""

    def deployment_status(self, repo: str, deployment: int, state: Status, *, url: str | None, text: str) -> None:
        """Set its state. Soft, as labels are."""

    def propose(self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText) -> PullRequest:
        """A pull request with these files, idempotent like the bot's own."""
