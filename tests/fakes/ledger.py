"""The ledger in memory: the protocols Inbox, Jobs, Audit, Memory and Workers of ``bot.records``, Lessons and Spending of
``bot.counsel``, nothing on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.counsel import Lesson
from bot.model.command import RawEvent
from bot.model.consultation import Spent
from bot.model.job import Answered, AuditEntry, Backlog, Job, JobState, WorkerRow
from bot.model.order import Order
from bot.model.outcome import Published
from bot.records import Receipt


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class MemoryLedger:
    """Every verb under one lock. ``stop`` is raised by every verb while it is set."""

    now: Callable[[], datetime] = _now
    stop: Exception | None = None
    events: dict[str, RawEvent] = field(default_factory=dict)
    arrived: dict[str, datetime] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    answers: dict[tuple[str, str], Answered] = field(default_factory=dict)
    leases: set[str] = field(default_factory=set)
    reports: dict[str, WorkerRow] = field(default_factory=dict)
    learnt: dict[str, Lesson] = field(default_factory=dict)
    spendings: dict[str, Spent] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def _open(self) -> threading.RLock:
        if self.stop is not None:
            raise self.stop
        return self._lock

    def submit(self, event: RawEvent) -> Future[Receipt]:
        future: Future[Receipt] = Future()
        try:
            future.set_result(self.accept(event))
        except Exception as problem:  # noqa: BLE001 - a future carries what its work raised
            future.set_exception(problem)
        return future

    def accept(self, event: RawEvent) -> Receipt:
        with self._open():
            there = self.events.get(event.delivery_id)
            if there is None:
                self.events[event.delivery_id] = event
                self.arrived[event.delivery_id] = self.now()
                return "stored"
            return "seen" if there.body == event.body else "altered"

    def backlog(self) -> Backlog:
        with self._open():
            waiting = [job.accepted_at for job in self.jobs.values() if job.state != "ended"]
            return Backlog(
                events=len(self.arrived),
                event_age=self._age(self.arrived.values()),
                commands=len(waiting),
                command_age=self._age(waiting),
            )

    def _age(self, moments: Iterable[datetime]) -> float:
        return max(0.0, (self.now() - min(moments, default=self.now())).total_seconds())

    def settle(self, delivery_id: str, *, job: Job | None, note: str) -> bool:
        with self._open():
            self.arrived.pop(delivery_id, None)
            return job is not None and self.jobs.setdefault(job.id, job) is job

    def due(self, limit: int, *, per_repo: int) -> tuple[Job, ...]:
        """The oldest of each repository, then the second of each …"""
        with self._open():
            turns: list[tuple[int, datetime, Job]] = []
            taken: dict[str, int] = {}
            for job in sorted(self.jobs.values(), key=lambda one: one.accepted_at):
                if job.state == "queued" and (job.immediate or self._room(job, taken, per_repo)):
                    taken[job.repo] = taken.get(job.repo, 0) + (not job.immediate)
                    turns.append((taken[job.repo], job.accepted_at, job))
            return tuple(job for _, _, job in sorted(turns, key=lambda turn: turn[:2]))[:limit]

    def _room(self, job: Job, taken: dict[str, int], per_repo: int) -> bool:
        others = [one for one in self.jobs.values() if not one.immediate and one.id != job.id]
        busy = sum(one.repo == job.repo and one.state in {"handed", "admitted"} for one in others)
        first = not any(
            one.order.thread == job.order.thread
            and one.state in {"queued", "handed"}
            and one.accepted_at < job.accepted_at
            for one in others
        )
        return first and busy + taken.get(job.repo, 0) < per_repo

    def _change(self, job_id: str, when: Iterable[JobState], **facts: Any) -> None:
        with self._open():
            job = self.jobs.get(job_id)
            if job is not None and job.state in set(when):
                self.jobs[job_id] = job.model_copy(update=facts)

    def hand(self, job_id: str) -> None:
        self._change(job_id, ["queued"], state="handed")

    def admit(self, job_id: str) -> Job | None:
        with self._open():
            job = self.jobs[job_id]
            for other in self.jobs.values():
                same = other.order.thread == job.order.thread and other.id != job_id
                if same and other.state == "admitted" and not (other.immediate or job.immediate):
                    return other
            self._change(job_id, ["queued", "handed"], state="admitted", started_at=self.now())
            return None

    def park(self, job_id: str, until: datetime | None) -> None:
        self._change(job_id, ["queued", "handed", "admitted"], parked_until=until)

    def cancel(self, job_id: str, by: str) -> None:
        self._change(job_id, ["queued", "handed", "admitted"], cancelled_by=by)

    def end(self, job_id: str, published: Published) -> None:
        self._change(job_id, ["queued", "handed", "admitted"], state="ended", ended_at=self.now(), published=published)

    def get(self, job_id: str) -> Job | None:
        with self._open():
            found = [job for key, job in self.jobs.items() if len(job_id) >= 12 and key.startswith(job_id)]
            return found[0] if len(found) == 1 else None

    def of_thread(self, order: Order, limit: int) -> tuple[Job, ...]:
        with self._open():
            same = [job for job in self._newest() if job.order.thread == order.thread and job.id != order.key]
            return tuple(same[:limit])

    def listing(self, *, limit: int, state: JobState | None = None, repo: str | None = None) -> tuple[Job, ...]:
        with self._open():
            found = [job for job in self._newest() if state in {None, job.state} and repo in {None, job.repo}]
            return tuple(found[:limit])

    def _newest(self) -> list[Job]:
        return sorted(self.jobs.values(), key=lambda job: job.accepted_at, reverse=True)

    def given(self, login: str, *, seconds: float) -> int:
        with self._open():
            since = self.now() - timedelta(seconds=seconds)
            return sum(job.order.actor.login == login and job.accepted_at >= since for job in self.jobs.values())

    def outcomes(self) -> dict[tuple[str, str, str], int]:
        with self._open():
            counts: dict[tuple[str, str, str], int] = {}
            for job in self.jobs.values():
                if job.published is not None:
                    key = (job.name, job.published.kind, job.published.code or "")
                    counts[key] = counts.get(key, 0) + 1
            return counts

    def note(self, entry: AuditEntry) -> None:
        with self._open():
            if entry.job is None or (entry.job, entry.action) not in {(one.job, one.action) for one in self.audit}:
                self.audit.append(entry)

    def entries(
        self, *, limit: int, actor: str | None = None, repo: str | None = None, since: datetime | None = None
    ) -> tuple[AuditEntry, ...]:
        with self._open():
            found = [
                entry
                for entry in sorted(self.audit, key=lambda one: one.at, reverse=True)
                if actor in {None, entry.actor} and repo in {None, entry.repo} and (since is None or entry.at >= since)
            ]
            return tuple(found[:limit])

    def cursor(self, name: str) -> str | None:
        with self._open():
            return self.cursors.get(name)

    def set_cursor(self, name: str, value: str) -> None:
        with self._open():
            self.cursors[name] = value

    def installation_gone(self, installation: int) -> bool:
        with self._open():
            return installation in self.gone

    def set_installation(self, installation: int, *, gone: bool) -> None:
        with self._open():
            (self.gone.add if gone else self.gone.discard)(installation)

    def feedback(self, answer: Answered) -> None:
        with self._open():
            self.answers[answer.job, answer.login] = answer

    def thumbs(self) -> dict[str, int]:
        with self._open():
            values = [answer.value for answer in self.answers.values()]
            return {"up": values.count("up"), "down": values.count("down")}

    def enlist(self, worker_id: str, version: str) -> bool:
        with self._open():
            if worker_id in self.leases:
                return False
            self.leases.add(worker_id)
            return True

    def report(self, row: WorkerRow) -> None:
        with self._open():
            self.reports[row.id] = row

    def rows(self) -> tuple[WorkerRow, ...]:
        with self._open():
            return tuple(self.reports[name] for name in sorted(self.reports))

    def dead(self) -> tuple[str, ...]:
        return ()

    def bury(self, worker_id: str) -> None:
        with self._open():
            self.leases.discard(worker_id)
            self.reports.pop(worker_id, None)

    def learn(self, lesson: Lesson) -> None:
        with self._open():
            self.learnt[lesson.id] = lesson

    def lessons(
        self, *, kind: str | None = None, repo: str | None = None, app: str | None = None, limit: int = 200
    ) -> tuple[Lesson, ...]:
        with self._open():
            found = [
                lesson
                for lesson in sorted(self.learnt.values(), key=lambda one: (-one.at.timestamp(), one.id))
                if kind in {None, lesson.kind}
                and (repo is None or (lesson.repo or "").lower() == repo.lower())
                and app in {None, lesson.app}
            ]
            return tuple(found[:limit])

    def replace(self, id: str, lessons: tuple[Lesson, ...]) -> int:  # noqa: A002 - the field's own name
        with self._open():
            gone = [key for key in self.learnt if key == id or key.startswith(f"{id}#")]
            for key in gone:
                del self.learnt[key]
            self.learnt |= {lesson.id: lesson for lesson in lessons}
            return len(gone)

    def spent_today(self, now: datetime) -> Spent:
        with self._open():
            return self.spendings.get(now.astimezone(UTC).date().isoformat(), Spent())

    def spend(self, spent: Spent, now: datetime) -> None:
        with self._open():
            before = self.spent_today(now)
            self.spendings[now.astimezone(UTC).date().isoformat()] = before.plus(
                spent.model_copy(update={"seconds": 0.0})
            )
