"""A command on its way through the queue: from the stored delivery to the one visible end.

In: facts of the delivery and of what became of it. Out: immutable rows. Never: a secret, the text of a repository.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from bot.model.command import Command
from bot.model.noun import Noun
from bot.model.order import Order
from bot.model.outcome import Published
from bot.model.refusal import Refusal

JobState = Literal["queued", "handed", "admitted", "ended"]
"""``queued``: stored. ``handed``: a worker may run it. ``admitted``: its giver may command, and it holds its thread
where it needs to. ``ended``: one visible end stands in the thread."""


class Job(Noun):
    """One command. ``id`` is the order's key; ``name`` the command as people write it (``/ai-provision``).

    ``immediate`` commands (status, cancel, help, explain) wait for no other command of their thread and hold none.
    ``command`` is a ``Refusal`` when the text was not understood: the answer is due to somebody who may command.
    ``closed``: the thread was closed when the command was given.
    """

    id: str
    delivery_id: str
    name: str
    order: Order
    command: Command | Refusal
    immediate: bool = False
    closed: bool = False
    state: JobState = "queued"
    accepted_at: AwareDatetime
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    parked_until: AwareDatetime | None = None
    cancelled_by: str | None = None
    published: Published | None = None
    worker: str | None = None

    @property
    def repo(self) -> str:
        """``owner/name`` of the thread: the key of fairness and of limits."""
        return self.order.thread.full_name


class AuditEntry(Noun):
    """Who asked what, and what was decided: a reason code, or ``admitted``, ``pull-request`` and so on."""

    at: AwareDatetime
    job: str | None
    actor: str
    repo: str
    thread: int | None
    action: str
    decision: str
    detail: str = ""


class Backlog(Noun):
    """What waits: events not yet read, commands not yet ended; ages in seconds of the oldest of each (0 when none)."""

    events: int
    event_age: float
    commands: int
    command_age: float


class Answered(Noun):
    """What people thought of a finished command: a thumb under its status comment."""

    job: str
    login: str
    value: Literal["up", "down"]
    at: AwareDatetime


class WorkerRow(Noun):
    """A worker as it last reported: ``metrics`` is its Prometheus text, merged by the server's ``/metrics``."""

    id: str
    version: str
    seen_at: AwareDatetime
    metrics: str = ""
