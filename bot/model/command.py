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
    """``/ai-provision`` with its two fields.

    ``verb`` tells the stored commands apart, here and in every other one. ``wants``: an application of the repository,
    or machines and clusters in plain words (``target`` is then the infrastructure repository itself), or ``either``,
    where the infrastructure repository may hold an application as well.
    """

    verb: Literal["provision"] = "provision"

    target: Target
    app_description: str
    wants: Literal["application", "machines", "either"] = "application"


class Help(Noun):
    """``/ai-help``."""

    verb: Literal["help"] = "help"


class Status(Noun):
    """``/ai-status``: what the last command of this thread is doing."""

    verb: Literal["status"] = "status"


class Retry(Noun):
    """``/ai-retry``: the last command of this thread again."""

    verb: Literal["retry"] = "retry"


class Cancel(Noun):
    """``/ai-cancel``: stop the running command of this thread."""

    verb: Literal["cancel"] = "cancel"


class Explain(Noun):
    """``/ai-explain [file or value]``. ``about`` None asks for the whole plan."""

    verb: Literal["explain"] = "explain"

    about: str | None = None


class Change(Noun):
    """One ``key=value`` of ``/ai-refine``, as written; ``service`` None means every service."""

    key: str
    value: str
    service: str | None = None


class Refine(Noun):
    """``/ai-refine key=value …``: change the plan of the bot's open pull request.

    ``words`` are plain words that only a model reads, at most 1,000 characters; then there are no changes yet.
    """

    verb: Literal["refine"] = "refine"

    changes: tuple[Change, ...]
    words: str = ""


class Advice(Noun):
    """No command: somebody asked for changes in a review of the bot's pull request, and hears the next step."""

    verb: Literal["advice"] = "advice"


class Destroy(Noun):
    """``/ai-destroy NAME [data]``: take a folder below ``apps/`` or ``clusters/`` away, with its data disks or not."""

    verb: Literal["destroy"] = "destroy"

    app: str
    data: bool = False


class Later(Noun):
    """A command that a version before knew by name alone; jobs of that time may still hold it."""

    verb: Literal["later"] = "later"

    name: str


Command = Provision | Help | Status | Retry | Cancel | Explain | Refine | Advice | Destroy | Later


EventName = Literal["issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment"]


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
    """One accepted webhook event that may hold a command.

    ``review`` is the state of a review (``changes_requested``, …), None for everything else. ``closed`` and ``locked``
    are the thread's state when the event was sent.
    """

    id: str
    event: EventName
    action: str
    thread: ThreadRef
    actor: Actor
    comment_id: int | None
    body: str
    created_at: AwareDatetime
    installation: int | None = None
    review: str | None = None
    closed: bool = False
    locked: bool = False


class Notice(Noun):
    """A webhook event that holds no command but changes what the bot knows.

    ``kind``: ``installation-gone`` (deleted or suspended: no token is minted for it any more), ``installation-back``,
    ``pull-closed`` (``branch`` of the bot's pull request ``number``), ``default-pushed``, ``workflow-ended``.
    """

    id: str
    kind: Literal["installation-gone", "installation-back", "pull-closed", "default-pushed", "workflow-ended"]
    repo: str | None = None
    installation: int | None = None
    number: int | None = None
    branch: str | None = None
    merged: bool = False


class RawEvent(Noun):
    """A webhook delivery as it came, signature verified: headers of interest and the raw body."""

    delivery_id: str
    event: str
    body: bytes
