"""One worker: reads what was stored, hands it to the durable queue in fair order, brings each job to its visible end.

In: the records, the queue, offices. Out: ended jobs. Never: a job that ends without a word in its record; a defect that
is retried.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from bot.errors import Broken, Code, Refused, Unavailable
from bot.flow.house import Office
from bot.handlers.dispatch import run_job
from bot.meters import Meters
from bot.model.job import AuditEntry, Job
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Clock, JobQueue, Progress, Steps
from bot.records import Ledger
from bot.rendering import status
from bot.work.intake import Intake
from bot.work.schedule import Schedule

_LOG: Final = structlog.get_logger("ai_provision.worker")
_EVENTS: Final = 200
"""Events settled before commands are handed over again."""

Offices = Callable[[Order, Steps], Office]
Ended = Callable[[Job, Published], None]


def unheard(_job: Job, _published: Published) -> None:
    """Nobody listens."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a worker stands on. ``concurrency``: commands that run at a time in this process."""

    ledger: Ledger
    offices: Offices
    intake: Intake
    clock: Clock
    meters: Meters
    concurrency: int = 4
    pause: float = 0.2
    ended: Ended = unheard
    progress: Progress | None = None


class Worker:
    """The loops of one process, and the hooks of its durable steps."""

    patience: Final = 3600.0

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._halt = threading.Event()
        self._threads: list[threading.Thread] = []
        self._queue: JobQueue | None = None

    def start(self, queue: JobQueue, schedules: Sequence[Schedule] = ()) -> None:
        """Begin to work. Raises Refused(config) or Unavailable when the queue cannot start."""
        queue.start()
        self._queue = queue
        loops: list[tuple[str, Callable[[], float]]] = [("intake", partial(self._turn, queue))]
        loops += [(f"schedule {one.name}", one.due) for one in schedules]
        self._threads = [
            threading.Thread(target=self._loop, args=(turn,), name=name, daemon=True) for name, turn in loops
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, *, seconds: float) -> None:
        """Take nothing new, give running commands so many seconds, leave the rest to the next start."""
        self._halt.set()
        for thread in self._threads:
            thread.join(timeout=seconds)
        if self._queue is not None:
            self._queue.stop(seconds=seconds)

    def _loop(self, turn: Callable[[], float]) -> None:
        """Repeat a turn, each after the seconds that it asks for."""
        while not self._halt.wait(self._survived(turn)):
            pass

    def _survived(self, turn: Callable[[], float]) -> float:
        log = _LOG.bind(thread=threading.current_thread().name)
        try:
            return turn()
        except (Refused, Unavailable) as stop:
            log.warning("a turn failed", code=stop.refusal.code, reason=stop.refusal.message)
            return stop.retry_after if isinstance(stop, Unavailable) else 60.0
        except Exception as defect:
            log.exception("defect", kind=type(defect).__name__)
            return 60.0

    def _turn(self, queue: JobQueue) -> float:
        """Settle what came in, hand over what is due; the seconds until the next turn."""
        desk = self._desk
        read = desk.intake.drain(_EVENTS)
        room = 2 * desk.concurrency - len(desk.ledger.listing(limit=2 * desk.concurrency, state="handed"))
        due = desk.ledger.due(room, per_repo=max(1, desk.concurrency // 2)) if room > 0 else ()
        for job in due:
            queue.hand(job.id, given=job.accepted_at, urgent=job.immediate)
            desk.ledger.hand(job.id)
        return 0.0 if read == _EVENTS else desk.pause

    def run(self, job_id: str, steps: Steps) -> None:
        """Bring one job to its end. Raises Unavailable when the records cannot be reached: it is run again later."""
        job = self._desk.ledger.get(job_id)
        if job is None or job.state == "ended":
            return
        with structlog.contextvars.bound_contextvars(job=job.order.job, command=job.name, repo=job.repo):
            published = self._end_of(job, steps)
            self._desk.ledger.end(job.id, published)
            self._desk.ledger.note(self._entry(job, published))
            _LOG.info("done", kind=published.kind, code=published.code)
        self._desk.ended(job, published)

    def _end_of(self, job: Job, steps: Steps) -> Published:
        """The end; a defect is answered with an apology, and not tried again."""
        log = _LOG.bind(by=job.order.actor.login)
        try:
            office = self._desk.offices(job.order, steps)
            return run_job(job, office, progress=self._desk.progress or _logged)
        except (Refused, Unavailable) as stop:  # GitHub takes no word of ours: there is nowhere to say it but here
            if isinstance(stop, Unavailable) and stop.code is Code.INTERNAL:
                raise  # our records, not GitHub: this run is no end
            log.warning("unsaid", code=stop.refusal.code, reason=stop.refusal.message)
            return Published(kind="failed", code=stop.refusal.code)
        except Broken as defect:
            log.exception("defect", why=str(defect))
        except Exception as defect:
            log.exception("defect", kind=type(defect).__name__)
        return self._apologise(job, steps)

    def _apologise(self, job: Job, steps: Steps) -> Published:
        """Say so, straight to the forge: what is remembered of this job is not to be trusted."""
        log = _LOG.bind(by=job.order.actor.login)
        try:
            forge = self._desk.offices(job.order, steps).forge
            url = forge.say(job.order.thread, marker=job.order.job, body=status.apology(job=job.order.job))
        except Exception as defect:
            log.exception("apology failed", kind=type(defect).__name__)
            return Published(kind="failed", code="internal")
        return Published(kind="failed", code="internal", comment_url=url)

    def _entry(self, job: Job, published: Published) -> AuditEntry:
        return AuditEntry(
            at=self._desk.clock.now(),
            job=job.id,
            actor=job.order.actor.login,
            repo=job.repo,
            thread=job.order.thread.number,
            action="end",
            decision=published.code or published.kind,
            detail=published.pull.url if published.pull else "",
        )

    def cancelled(self, job: str) -> str | None:
        """See ``bot.ports.StepHooks``."""
        found = self._desk.ledger.get(job)
        return found.cancelled_by if found is not None else None

    def parked(self, job: str, step: str, seconds: float | None) -> None:
        """See ``bot.ports.StepHooks``."""
        until = None if seconds is None else self._desk.clock.now() + timedelta(seconds=seconds)
        self._desk.ledger.park(job, until)
        if seconds is not None:
            self._desk.meters.waited(step, seconds)
            _LOG.info("parked", step=step, seconds=round(seconds))

    def stepped(self, step: str, seconds: float) -> None:
        """See ``bot.ports.StepHooks``."""
        self._desk.meters.step(step, seconds)


def _logged(step: str) -> None:
    _LOG.info("step", step=step)
