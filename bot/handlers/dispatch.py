"""From a delivery to its visible end: parse it into a job, then run the job by the command's row of the table.

In: a delivery, or a job that was queued before, and the office. Out: a ``Job``, or ``Published``. Never: a write for
prose, a job for the bot's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.errors import Refusal
from bot.flow.answer import refuse_admitted
from bot.flow.house import Office
from bot.handlers.command import Counter
from bot.handlers.grammar import parse_comment
from bot.handlers.table import COMMANDS, run, spec_of
from bot.model.command import Advice, Command, Delivery
from bot.model.job import Job
from bot.model.order import Order, digest
from bot.model.outcome import Published
from bot.ports import Progress

_MISREAD: Final = "(not understood)"


def handle(delivery: Delivery, office: Office, *, progress: Progress) -> Published | None:
    """Parse and run at once; None when the text was no command. Raises Broken (a defect), Unavailable."""
    job = job_of(delivery, hosts=office.git_hosts, login=office.login, now=office.house.clock.now())
    return run_job(job, office, progress=progress) if job is not None else None


def job_of(delivery: Delivery, *, hosts: Sequence[str], login: str | None, now: datetime) -> Job | None:
    """The job of a delivery, None when it holds no command. ``login`` is the bot's own account, when known."""
    command: Command | Refusal | None = parse_comment(delivery.body, hosts=hosts)
    if command is None and delivery.review == "changes_requested":
        command = Advice()
    if command is None or delivery.actor.login == login:
        return None
    order = order_of(delivery)
    spec = None if isinstance(command, Refusal) else spec_of(command)
    return Job(
        id=order.key,
        delivery_id=delivery.id,
        name=spec.name if spec else _MISREAD,
        order=order,
        command=command,
        immediate=spec.immediate if spec else True,
        closed=delivery.closed,
        accepted_at=now,
    )


def run_job(job: Job, office: Office, *, progress: Progress) -> Published:
    """Bring a job to its visible end. Raises Broken (a defect), and Unavailable when GitHub takes no word."""
    if office.barred is not None:
        return refuse_admitted(job.order, office.barred, office)
    if isinstance(job.command, Refusal):
        return refuse_admitted(job.order, job.command, office)
    return run(job.command, Counter(order=job.order, office=office, progress=progress, specs=COMMANDS, again=run))


def order_of(delivery: Delivery) -> Order:
    """The order of a delivery: its keys depend on the comment alone."""
    return Order(
        thread=delivery.thread,
        actor=delivery.actor,
        comment_id=delivery.comment_id,
        at=delivery.created_at,
        body_digest=digest(delivery.body),
        installation=delivery.installation,
    )
