"""The ports: what the belt needs from the world, two to six verbs each.

In and out: nouns only. Never: a client library's type. Every port has one real edge in ``bot.edges`` and one fake, held
to the same contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from pydantic import AwareDatetime, TypeAdapter

from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot
from bot.model.command import FolderTarget, RawEvent, RepoTarget, ThreadRef
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.outcome import OpenPull, PullRequest
from bot.model.refusal import Refusal
from bot.model.tree import Tree, Unread, YamlDocument

Permission = Literal["none", "read", "triage", "write", "maintain", "admin"]
Reaction = Literal["eyes", "rocket", "confused"]
Progress = Callable[[str], None]
T = TypeVar("T")


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


class Standing(Noun):
    """What has become of a command's thread since it was given.

    ``body_digest`` is ``bot.model.order.digest`` of the comment or description as it is now, None when it is deleted.
    ``fork``: the thread is a pull request from another repository. ``now`` is GitHub's own clock.
    """

    body_digest: str | None
    closed: bool
    locked: bool
    fork: bool
    now: AwareDatetime


class Forge(Protocol):
    """GitHub: permission, files of the infrastructure repository, one status comment, one pull request.

    Every verb raises ``Refused`` (github-auth, tls, config) for what a person must mend, and ``Unavailable`` (rate) for
    what time mends.
    """

    def standing(self, thread: ThreadRef, comment_id: int | None) -> Standing:
        """Read the command's thread once more, before anything is done."""

    def readable(self, target: RepoTarget, login: str) -> Refusal | None:
        """None when this person may have the repository read for them: it is public, or private and theirs to read.

        Else ``repo-unreachable``, the same words for a repository that does not exist.
        """

    def web_host(self) -> str:
        """The host of the web site, such as ``github.com``, with a port where it has one."""

    def open_pulls(self, repo: str) -> tuple[OpenPull, ...]:
        """The bot's own open pull requests of a repository (``owner/name``)."""

    def permission(self, thread: ThreadRef, login: str) -> Permission:
        """The live permission of a user on the thread's repository; ``none`` when unknown."""

    def file(self, repo: str, path: str, *, ref: str | None = None) -> str | None:
        """A file of a repository (``owner/name``) at a branch or commit, the default branch without one; or None."""

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


class FeedPage(Noun):
    """What happened in a repository since a cursor, as events of the same form as webhooks.

    Their ids begin with ``poll-`` and are the same whenever the same comment is read again.
    """

    events: tuple[RawEvent, ...]
    cursor: str


class Feed(Protocol):
    """GitHub read instead of listened to: where no public address exists, and to catch up after an outage."""

    def repositories(self) -> tuple[str, ...]:
        """Every repository (``owner/name``) that may hold commands."""

    def since(self, repo: str, cursor: str | None) -> FeedPage:
        """New comments and descriptions, by conditional requests. Without a cursor: those of the last hour."""


class Redeliveries(Protocol):
    """GitHub's own list of what it could not deliver."""

    def redeliver(self, cursor: str | None) -> str:
        """Ask for every failed delivery since the cursor once more; returns the next cursor."""


class Housekeeping(Protocol):
    """What keeps the repositories tidy and learns what people thought."""

    def thumbs(self, thread: ThreadRef, *, marker: str) -> tuple[tuple[str, Literal["up", "down"]], ...]:
        """Who gave a thumb under the status comment with this marker (login, value); bots do not count."""

    def tidy(self, repo: str, *, older_than: float) -> tuple[str, ...]:
        """Delete the bot's own branches that no open pull request uses and nobody else committed to, last touched more
        than so many seconds ago; returns their names.
        """


class Steps(Protocol):
    """Runs the arrows of the belt that touch the world, each at least once, each result remembered."""

    def run(self, name: str, work: Callable[[], T], form: TypeAdapter[T], *, always: bool = False) -> T:
        """The result of ``work``, or the one that an earlier attempt of this command remembered under its place.

        ``always``: run it also after somebody asked the command to stop (its visible end has to be written).

        Waits and tries again when it raises ``Unavailable(rate)``, within the patience of this runner. Raises what
        ``work`` raised (Refused, Unavailable), ``Cancelled`` when somebody asked the command to stop, and ``Broken``
        for a defect.
        """


class StepHooks(Protocol):
    """What durable steps ask and tell while they run. ``patience``: seconds that all tries of one step may last."""

    @property
    def patience(self) -> float:
        """Seconds."""

    def cancelled(self, job: str) -> str | None:
        """Who asked the job to stop."""

    def parked(self, job: str, step: str, seconds: float | None) -> None:
        """The job waits so many seconds for a limit; None: it goes on."""

    def stepped(self, step: str, seconds: float) -> None:
        """A step took so many seconds."""


class JobQueue(Protocol):
    """Runs each job that it is handed to its end, at least once, also when the process dies on the way."""

    def start(self) -> None:
        """Take up this worker's unfinished jobs, and begin. Raises Refused(config), Unavailable."""

    def hand(self, job: str, *, given: datetime, urgent: bool) -> None:
        """Queue a job once, however often it is handed over."""

    def recover(self, executor_id: str) -> int:
        """Take up the unfinished jobs of a worker that is gone; the caller holds its lease."""

    def revive(self, *, after: float) -> int:
        """Take up jobs of this worker that were cut off by a failing database so many seconds ago."""

    def prune(self, *, before: datetime) -> int:
        """Forget the steps of jobs that ended before then."""

    @property
    def active(self) -> int:
        """Jobs that run in this process now."""

    def stop(self, *, seconds: float) -> None:
        """Give running jobs so many seconds, then halt them at their next step."""
