"""What is done every so often, by one worker of all: sweeps, polls, housekeeping.

In: the records and the ports. Out: work done, cursors moved. Never: a lock. Two workers whose
clocks disagree may do the same sweep twice, which is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.applying.reconcile import Watch, reconcile
from bot.errors import Refusal, Refused, Unavailable
from bot.meters import Meters
from bot.model.job import Answered, Job, WorkerRow
from bot.ports import Clock, Feed, Housekeeping, JobQueue, Redeliveries
from bot.records import Ledger

_LOG: Final = structlog.get_logger("ai_provision.schedule")
_DAY: Final = 86_400.0
_STALE_BRANCH: Final = 14 * _DAY
_OPINION_DAYS: Final = 7
_OPINIONS: Final = 50


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Work that is due every ``every`` seconds. ``ledger`` None: every worker does it for itself."""

    name: str
    every: float
    work: Callable[[], None]
    clock: Clock
    ledger: Ledger | None = None

    def due(self) -> float:
        """Do it when nobody did it in this span; the seconds until the next look."""
        if self._mine():
            self.work()
        return self.every

    def _mine(self) -> bool:
        if self.ledger is None:
            return True
        last, now = self.ledger.cursor(f"done {self.name}"), self.clock.now()
        if last is not None and 0 <= (now - datetime.fromisoformat(last)).total_seconds() < self.every * 0.9:
            return False
        self.ledger.set_cursor(f"done {self.name}", now.isoformat())
        return True


def report(ledger: Ledger, clock: Clock, meters: Meters, *, worker: str, version: str) -> None:
    """A sign of life."""
    ledger.report(WorkerRow(id=worker, version=version, seen_at=clock.now(), metrics=meters.text()))


def watch(ledger: Ledger, queue: JobQueue, meters: Meters, *, after: float = 60.0) -> None:
    """Take up the jobs of workers that are gone, and those of our own that a failing database cut off.

    ``after``: seconds since one of our own was last touched.
    """
    for worker in ledger.dead():
        count = queue.recover(worker)
        ledger.bury(worker)
        _LOG.warning("a worker is gone", worker=worker, jobs=count)
        meters.recovered(count)
    revived = queue.revive(after=after)
    if revived:
        _LOG.warning("jobs taken up again", jobs=revived)
        meters.recovered(revived)


def redeliver(ledger: Ledger, redeliveries: Redeliveries) -> None:
    """Ask GitHub again for what it could not deliver."""
    ledger.set_cursor("redeliveries", redeliveries.redeliver(ledger.cursor("redeliveries")))


def poll(ledger: Ledger, feed: Feed) -> None:
    """Read what webhooks may have missed, or what no webhook brings. A cursor moves when its events are stored."""
    for repo in feed.repositories():
        try:
            page = feed.since(repo, ledger.cursor(f"feed {repo}"))
        except (Refused, Unavailable) as stop:
            _LOG.warning("a repository was not polled", repo=repo, code=stop.refusal.code, reason=stop.refusal.message)
            continue
        for event in page.events:
            ledger.accept(event)
        ledger.set_cursor(f"feed {repo}", page.cursor)


def opinions(ledger: Ledger, clock: Clock, housekeeping: Callable[[Job], Housekeeping]) -> None:
    """Store the thumbs under the answers of the last days."""
    since = clock.now() - timedelta(days=_OPINION_DAYS)
    recent = [
        job
        for job in ledger.listing(limit=_OPINIONS, state="ended")
        if job.published is not None and job.published.pull is not None and job.ended_at and job.ended_at > since
    ]
    for job in recent:
        for login, value in housekeeping(job).thumbs(job.order.thread, marker=job.order.job):
            ledger.feedback(Answered(job=job.id, login=login, value=value, at=clock.now()))


def tidy(repositories: Iterable[str], housekeeping: Callable[[str], Housekeeping]) -> None:
    """Delete branches of ours that no pull request uses any more."""
    for repo in repositories:
        gone = housekeeping(repo).tidy(repo, older_than=_STALE_BRANCH)
        if gone:
            _LOG.info("branches deleted", repo=repo, branches=list(gone))


def reconciled(repositories: Iterable[str], watch_of: Callable[[str], Watch | Refusal]) -> None:
    """Say what was merged and not applied, and look at what was applied ten minutes before."""
    for repo in repositories:
        try:
            watch = watch_of(repo)
            said = (watch.message,) if isinstance(watch, Refusal) else reconcile(watch, repo)
        except (Refused, Unavailable) as stop:
            _LOG.warning("merges were not looked at", repo=repo, code=stop.refusal.code, reason=stop.refusal.message)
            continue
        for sentence in said:
            _LOG.info("reconciled", repo=repo, said=sentence)


def prune(ledger: Ledger, queue: JobQueue, clock: Clock, *, keep_days: float) -> None:
    """Delete old rows."""
    rows = ledger.prune(keep_days=keep_days)
    jobs = queue.prune(before=clock.now() - timedelta(days=keep_days))
    _LOG.info("pruned", rows=rows, jobs=jobs)
