"""From the stored event to a queued job: parse once, settle once.

In: raw events, signature verified. Out: jobs in the records, notices remembered. Never: an answer, an outside call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from pydantic_core import from_json

from bot.counsel import Lesson, Lessons
from bot.flow.open_plan import app_of
from bot.handlers.delivery import read_delivery, read_notice
from bot.handlers.dispatch import job_of
from bot.model.command import Notice, RawEvent
from bot.model.job import AuditEntry, Job
from bot.ports import Clock
from bot.records import Ledger

_LOG: Final = structlog.get_logger("ai_provision.intake")


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Reads what the door stored. ``login`` is the bot's own account, when known; ``lessons``: what was declined."""

    ledger: Ledger
    clock: Clock
    hosts: Sequence[str]
    login: str | None = None
    lessons: Lessons | None = None

    def drain(self, limit: int) -> int:
        """Settle events in order of arrival, at most so many; how many there were. Raises Unavailable."""
        events = self.ledger.unread(limit)
        for event in events:
            self._settle(event)
        return len(events)

    def _settle(self, event: RawEvent) -> None:
        """One event that cannot be read must not keep the others waiting."""
        known, payload = _parsed(event)
        try:
            if known:
                self._read(event, payload)
                return
        except (ValueError, OverflowError, RecursionError) as error:
            _LOG.exception("unreadable event", delivery=event.delivery_id, kind=type(error).__name__)
        self.ledger.settle(event.delivery_id, job=None, note="unreadable")

    def _read(self, event: RawEvent, payload: object) -> None:
        notice = read_notice(event.event, event.delivery_id, payload)
        if notice is not None:
            self._remember(notice)
        job = self._job(event, payload)
        new = self.ledger.settle(event.delivery_id, job=job, note=_note(job, notice))
        if job is not None:
            _LOG.info("command" if new else "dup", job=job.order.job, command=job.name, by=job.order.actor.login)
        if job is not None and new:
            self.ledger.note(_asked(job))

    def _job(self, event: RawEvent, payload: object) -> Job | None:
        delivery = read_delivery(event.event, event.delivery_id, payload)
        if delivery is None:
            return None
        return job_of(delivery, hosts=self.hosts, login=self.login, now=self.clock.now())

    def _remember(self, notice: Notice) -> None:
        if notice.installation is not None and notice.kind in {"installation-gone", "installation-back"}:
            self.ledger.set_installation(notice.installation, gone=notice.kind == "installation-gone")
        declined = _declined(notice, at=self.clock.now())
        if declined is not None and self.lessons is not None:
            self.lessons.learn(declined)
        _LOG.info("notice", kind=notice.kind, repo=notice.repo, installation=notice.installation)


def _declined(notice: Notice, *, at: datetime) -> Lesson | None:
    """What is learnt of a pull request of ours that was closed without a merge: the plan was not wanted."""
    app = app_of(notice.branch or "")
    if notice.kind != "pull-closed" or notice.merged or notice.repo is None or app is None:
        return None
    return Lesson(
        id=f"outcome:{notice.repo}/pulls/{notice.number}",
        kind="outcome",
        repo=notice.repo,
        app=app,
        title=f"Outcome of {app}",
        text=f"abandoned: pull request {notice.number} was closed without a merge",
        data={"kind": "abandoned", "pull": notice.number},
        at=at,
    )


def _note(job: Job | None, notice: Notice | None) -> str:
    if job is not None:
        return "command"
    return "notice" if notice is not None else "prose"


def _asked(job: Job) -> AuditEntry:
    thread = job.order.thread
    return AuditEntry(
        at=job.accepted_at,
        job=job.id,
        actor=job.order.actor.login,
        repo=thread.full_name,
        thread=thread.number,
        action=job.name,
        decision="asked",
    )


def _parsed(event: RawEvent) -> tuple[bool, object]:
    """Whether the body is JSON that can be stored again (no half surrogates, no NaN, no endless depth); its value."""
    try:
        return True, from_json(event.body, allow_inf_nan=False)
    except ValueError:
        _LOG.warning("unreadable payload", delivery=event.delivery_id)
        return False, None
