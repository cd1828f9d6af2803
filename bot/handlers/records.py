"""``/ai-status``, ``/ai-cancel`` and ``/ai-retry``: what they read and write is the record of the thread's commands.

In: an order with its office's books. Out: one answer, or the repeated command's own end. Never: a guess at what an
earlier command was; without books (the GitHub Action) each says so.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from pydantic import TypeAdapter

from bot.errors import Code, Refusal
from bot.flow.admission import admitted, record
from bot.flow.answer import answer, refuse, refuse_admitted, turn_away
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Cancel, Retry, Status
from bot.model.job import Job
from bot.model.outcome import Published
from bot.rendering import status

STATUS: Final = CommandSpec(
    name="/ai-status",
    usage="/ai-status",
    summary="says what the last commands of this thread are doing",
    available=True,
    remembers=True,
)
CANCEL: Final = CommandSpec(
    name="/ai-cancel",
    usage="/ai-cancel",
    summary="stops the running command of this thread at its next step",
    available=True,
    remembers=True,
)
RETRY: Final = CommandSpec(
    name="/ai-retry",
    usage="/ai-retry",
    summary="runs the last command of this thread again",
    available=True,
    immediate=False,
    remembers=True,
)
_SHOWN: Final = 5
_LOOKED_AT: Final = 50
_JOBS: Final[TypeAdapter[tuple[Job, ...]]] = TypeAdapter(tuple[Job, ...])
_NOTHING: Final[TypeAdapter[None]] = TypeAdapter(None)


def read_status(_written: Written) -> Status:
    """Nothing else is read."""
    return Status()


def read_cancel(_written: Written) -> Cancel:
    """Nothing else is read."""
    return Cancel()


def read_retry(_written: Written) -> Retry:
    """Nothing else is read."""
    return Retry()


def run_status(_command: Status, counter: Counter) -> Published:
    """The last commands with their states. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    if office.books is None:
        return refuse(order, _NO_BOOKS, office)
    return answer(order, office, status.report(_earlier(counter, _SHOWN), job=order.job))


def run_cancel(_command: Cancel, counter: Counter) -> Published:
    """Ask the running command to stop. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    if office.books is None:
        return refuse(order, _NO_BOOKS, office)
    running = [job for job in _earlier(counter, _LOOKED_AT) if job.state != "ended" and not job.immediate]
    if not running:
        return refuse(order, _nothing("is running in this thread"), office)
    jobs = office.books.jobs
    for job in running:
        office.steps.run("cancel", partial(jobs.cancel, job.id, order.actor.login), _NOTHING)
        record(order, office, "cancel", job.id[:12])
    return answer(order, office, status.cancelling(running, job=order.job))


def run_retry(_command: Retry, counter: Counter) -> Published:
    """The last command that did work, under this comment's own order. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    if office.books is None:
        return refuse_admitted(order, _NO_BOOKS, office)
    for job in _earlier(counter, _LOOKED_AT):
        if not job.immediate and not isinstance(job.command, Refusal | Retry):
            return counter.again(job.command, counter)
    return refuse_admitted(order, _nothing("was given in this thread before"), office)


def _earlier(counter: Counter, limit: int) -> tuple[Job, ...]:
    """The thread's other commands, newest first, as they stood when this step first ran."""
    books = counter.office.books
    if books is None:
        return ()
    return counter.office.steps.run("earlier-commands", lambda: books.jobs.of_thread(counter.order, limit), _JOBS)


def _nothing(what: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"No command {what}.",
        remedy="Comment /ai-provision with its two fields, or /ai-help for what can be written.",
    )


_NO_BOOKS: Final = Refusal(
    code=Code.SYNTAX,
    message="The GitHub Action keeps no record of earlier commands.",
    remedy="Look at the repository's Actions tab, or give the whole command again in a new comment.",
)
