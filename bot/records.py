"""The ports of the records: what is stored so that no command is lost and none is done twice.

In and out: nouns. One edge (``bot.edges.ledger``) keeps all of them in one database, an SQLite file or Postgres. Every
verb is one transaction, is safe to repeat, and raises ``Unavailable(internal)`` when the database does not take it.
"""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import Literal, Protocol

from bot.model.command import RawEvent
from bot.model.job import Answered, AuditEntry, Backlog, Job, JobState, WorkerRow
from bot.model.order import Order
from bot.model.outcome import Published

Receipt = Literal["stored", "seen", "altered"]
"""``seen``: the same delivery again. ``altered``: its id with another body, which is an attack or a defect."""


class Inbox(Protocol):
    """Takes verified events; an event is on disk before its receipt is given."""

    def submit(self, event: RawEvent) -> Future[Receipt]:
        """Store an event together with others that wait (group commit)."""

    def accept(self, event: RawEvent) -> Receipt:
        """Store one event and wait for it."""

    def backlog(self) -> Backlog:
        """What waits, for ``/readyz`` and ``/metrics``."""


class Intake(Protocol):
    """The worker's side of the inbox."""

    def unread(self, limit: int) -> tuple[RawEvent, ...]:
        """Events that were stored and not yet settled, in order of arrival."""

    def settle(self, delivery_id: str, *, job: Job | None, note: str) -> bool:
        """Mark an event as read, drop its body, and queue its job; False when that job exists already (``dup``).

        ``note`` says in a word what it was: ``command``, ``prose``, ``notice``, ``dup``, ``unreadable``.
        """


class Jobs(Protocol):
    """Every command from queued to ended."""

    def due(self, limit: int, *, per_repo: int) -> tuple[Job, ...]:
        """Queued commands that may begin now, fairest first.

        Repositories take turns (the oldest command of each, then the second of each …); at most ``per_repo`` handed or
        admitted commands of one repository at a time (``immediate`` ones neither count nor wait); a command waits
        while an earlier one of its thread is queued or handed and not yet admitted.
        """

    def hand(self, job_id: str) -> None:
        """It was given to the durable queue. No-op when it is past that."""

    def admit(self, job_id: str) -> Job | None:
        """Its giver may command. Takes the thread for it; None, or the unended job that holds the thread already.

        The same job may ask again. ``immediate`` commands take nothing.
        """

    def park(self, job_id: str, until: datetime | None) -> None:
        """It waits for a rate limit until then; None: it goes on."""

    def cancel(self, job_id: str, by: str) -> None:
        """Ask it to stop at its next step. No-op when it ended."""

    def end(self, job_id: str, published: Published) -> None:
        """One visible end; releases the thread. The first end stays."""

    def get(self, job_id: str) -> Job | None:
        """A job by its key, or by a prefix of at least 12 digits."""

    def of_thread(self, order: Order, limit: int) -> tuple[Job, ...]:
        """The commands of the order's thread, newest first, the order's own left out."""

    def listing(self, *, limit: int, state: JobState | None = None, repo: str | None = None) -> tuple[Job, ...]:
        """Newest first."""

    def given(self, login: str, *, seconds: float) -> int:
        """How many commands this person gave in the last so many seconds, all repositories together."""

    def outcomes(self) -> dict[tuple[str, str, str], int]:
        """Ended commands by (command name, kind, code or ""), for ``/metrics``."""


class Audit(Protocol):
    """The record of who asked what and what was decided; only ever added to."""

    def note(self, entry: AuditEntry) -> None:
        """Add an entry; the same one (job, action) again changes nothing."""

    def entries(
        self, *, limit: int, actor: str | None = None, repo: str | None = None, since: datetime | None = None
    ) -> tuple[AuditEntry, ...]:
        """Newest first."""


class Memory(Protocol):
    """Small facts that outlive a process."""

    def cursor(self, name: str) -> str | None:
        """Where a poll or a sweep stopped."""

    def set_cursor(self, name: str, value: str) -> None:
        """Remember where it stopped."""

    def installation_gone(self, installation: int) -> bool:
        """Whether the App was removed there."""

    def set_installation(self, installation: int, *, gone: bool) -> None:
        """Remember that the App was removed, or came back."""

    def feedback(self, answer: Answered) -> None:
        """A thumb; the last one of a person counts."""

    def thumbs(self) -> dict[str, int]:
        """How many ``up`` and ``down``."""


class Workers(Protocol):
    """Who works: leases that end with the process that holds them, without a clock."""

    def leading(self) -> bool:
        """Whether the lease that ``enlist`` took is still ours; a worker that lost it has to stop."""

    def enlist(self, worker_id: str, version: str) -> bool:
        """Take the lease of this executor id; False while another live process holds it."""

    def report(self, row: WorkerRow) -> None:
        """A sign of life, with the worker's metrics."""

    def rows(self) -> tuple[WorkerRow, ...]:
        """Every worker that ever reported and was not buried."""

    def dead(self) -> tuple[str, ...]:
        """Enlisted ids whose process is gone; the caller holds their leases until ``bury``."""

    def bury(self, worker_id: str) -> None:
        """Its jobs are in good hands: give its lease back and forget it."""


class Keeper(Protocol):
    """Housekeeping."""

    def prune(self, *, keep_days: float) -> int:
        """Delete settled events and ended jobs older than that; returns how many rows went. Audit entries stay."""

    def backup(self, path: str) -> None:
        """A consistent copy of the SQLite file while everything runs. Refused(config) on Postgres: use pg_dump."""


class Ledger(Inbox, Intake, Jobs, Audit, Memory, Workers, Keeper, Protocol):
    """All records together."""

    def close(self) -> None:
        """Store what was submitted, end the threads, give the leases back."""
