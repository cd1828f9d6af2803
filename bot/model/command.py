"""What people can say: a target repository, a description, and the comment it came from.

In: text that a parser understood. Out: typed commands. Never: raw text that runs anywhere.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from bot.model.noun import Noun


class RepoTarget(Noun):
    """An https repository, perhaps a part of a monorepo.

    ``tree`` is what follows ``/tree/`` in the URL, split at slashes and not yet divided into ref and path: a branch
    name may hold slashes, so only the remote's refs can tell (``edges.git`` divides it).
    """

    host: str
    owner: str
    name: str
    tree: tuple[str, ...] = ()

    @property
    def clone_url(self) -> str:
        """Where git reads it."""
        return f"https://{self.host}/{self.owner}/{self.name}.git"

    @property
    def url(self) -> str:
        """The address as a person writes it."""
        suffix = "/tree/" + "/".join(self.tree) if self.tree else ""
        return f"https://{self.host}/{self.owner}/{self.name}{suffix}"


class FolderTarget(Noun):
    """A folder on this computer, read as it lies on disk. Command line only."""

    folder: str

    @property
    def url(self) -> str:
        """The folder, as given."""
        return self.folder


Target = RepoTarget | FolderTarget


class Provision(Noun):
    """``/ai-provision`` with its two fields."""

    target: Target
    app_description: str


class Help(Noun):
    """``/ai-help``."""


class Later(Noun):
    """A command of the table that this version only answers with a plain sentence."""

    name: str


Command = Provision | Help | Later


class Actor(Noun):
    """Who acted. ``kind`` is GitHub's account type."""

    login: str
    id: int
    kind: Literal["User", "Bot", "Organization", "Mannequin"] = "User"


class ThreadRef(Noun):
    """An issue or pull request: where the command was given and where answers go."""

    owner: str
    repo: str
    number: int
    is_pull: bool = False

    @property
    def full_name(self) -> str:
        """``owner/repo``."""
        return f"{self.owner}/{self.repo}"


class Delivery(Noun):
    """One accepted webhook event that may hold a command."""

    id: str
    event: Literal["issue_comment", "issues", "pull_request"]
    action: str
    thread: ThreadRef
    actor: Actor
    comment_id: int | None
    body: str
    created_at: AwareDatetime


class RawEvent(Noun):
    """A webhook delivery as it came, signature verified: headers of interest and the raw body."""

    delivery_id: str
    event: str
    body: bytes
