"""The durable queue: DBOS keeps every job's steps in the database, so a job goes on where its process died.

In: ids of jobs and the function that runs one. Out: each job run to its end at least once, each finished step never
again. Never: a pickle in the database; a defect recorded as an end that the job's own record does not know.

One DBOS lives in a process. Rules that the rest relies on: the workflow's id is the job's id, so handing a job over
twice is handing it over once; checkpoints are JSON; a process that cannot reach its database leaves the job pending
(``Halted`` is no ``Exception``, so DBOS records nothing) and the watch of the worker takes it up again.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from dbos import DBOS, DBOSConfig, Serializer, SetEnqueueOptions, SetWorkflowID
from dbos import error as dbos_error
from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from bot.checkpoint import Checkpoint, attempt, opened
from bot.errors import Broken, Code, Refused, Unavailable
from bot.ports import StepHooks, Steps
from bot.runtime import unfit

T = TypeVar("T")

FLOW_VERSION: Final = "belt-1"
"""The order and names of the steps. A change that an old job could not follow needs a new version and a bridge; see
``docs/architecture.md``."""
QUEUE: Final = "commands"
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH: Final = 500
_LEAD: Final = 20.0
"""Seconds by which an urgent command counts as older: a crowd of them keeps no other one waiting for ever."""
_FLOORS: Final = ((10, 180.0), (3, 60.0), (0, 0.0))
"""After so many waits for one step, none is shorter than so many seconds: an hour holds less than 30 tries."""
_LONGEST_TRY: Final = 900.0
"""Seconds that one try counts at most: hours in which no process lived are not held against the command."""
_LOG: Final = structlog.get_logger("ai_provision.durable")


class Halted(BaseException):
    """The process stops, or lost its database: the job stays pending and goes on elsewhere or later."""


class _Json(Serializer):
    """Checkpoints as JSON text: a database must not be able to run code, and the next version must be able to read."""

    def serialize(self, data: Any) -> str:
        """JSON; an exception, which only a defect leaves here, as its words."""
        return json.dumps(f"{type(data).__name__}: {data}" if isinstance(data, BaseException) else data)

    def deserialize(self, serialized_data: str) -> Any:
        """What was written."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """The name that DBOS stores beside each value."""
        return "json"


class DurableSteps:
    """``bot.ports.Steps`` with memory. ``patience``: how long, in seconds, all tries and waits of one step may last."""

    def __init__(self, owner: Durable, *, job: str) -> None:
        self._owner = owner
        self._job = job

    def run(self, name: str, work: Callable[[], T], form: TypeAdapter[T], *, always: bool = False) -> T:
        """See ``bot.ports.Steps``. Raises Halted when this process stops."""
        outages, hooks = _Outages(), self._owner.hooks
        while True:
            self._owner.check()
            checkpoint = self._once(name, work, form, always=always)
            outage = checkpoint.outage
            if outage is None or outage.code is not Code.RATE:
                return opened(checkpoint, form)
            seconds = outages.wait(outage.retry_after)
            if outages.spent + seconds > hooks.patience:
                return opened(checkpoint, form)
            self._parked(name, seconds)
            outages.waited(seconds, until=self._sleep(seconds))
            self._parked(name, None)

    def _once(self, name: str, work: Callable[[], T], form: TypeAdapter[T], *, always: bool) -> Checkpoint:
        hooks = self._owner.hooks

        def step() -> str:
            began = time.monotonic()
            result = attempt(work, form, cancelled=_nobody if always else lambda: hooks.cancelled(self._job))
            hooks.stepped(name, time.monotonic() - began)
            if result.outage is not None and result.outage.code is Code.INTERNAL:
                raise Halted  # our records did not answer, which says nothing about this job
            return result.model_dump_json(exclude_none=True)

        return Checkpoint.model_validate_json(_remembered(name, step))

    def _parked(self, name: str, seconds: float | None) -> None:
        try:
            self._owner.hooks.parked(self._job, name, seconds)
        except Unavailable as stop:
            raise Halted from stop

    def _sleep(self, seconds: float) -> datetime:
        """A durable wait in short naps, so that a stopping process is not held by it, nor a clock that jumps.

        Returns the remembered moment of its end.
        """
        until = datetime.fromisoformat(_remembered("wait", partial(_later, seconds)))
        end = time.monotonic() + seconds
        while (left := min((until - datetime.now(UTC)).total_seconds(), end - time.monotonic())) > 0:
            self._owner.check()
            time.sleep(min(left, 0.5))
        return until


@dataclass
class _Outages:
    """The outages of one step so far: how long they lasted, and how long to wait after the next one.

    A job that is taken up again has to take the same decisions as before, or its steps would not be the remembered
    ones. So nothing here asks a clock: the seconds that an outage asks for stand in its checkpoint, and the moments at
    which waits end are remembered too. A try between two waits lasted from the end of the one to the begin of the
    other; the first and the latest try are not between two and do not count yet.
    """

    spent: float = 0.0
    _waits: int = 0
    _until: datetime | None = None

    def wait(self, told: float) -> float:
        """Seconds: as told, but ever longer where a short wait did not help, so that ``retry-after: 1`` does not make
        thousands of calls within the patience.
        """
        return max(told, next(floor for waits, floor in _FLOORS if self._waits >= waits))

    def waited(self, seconds: float, *, until: datetime) -> None:
        """Note a wait of so many seconds."""
        began = until - timedelta(seconds=seconds)
        tried = 0.0 if self._until is None else (began - self._until).total_seconds()
        self.spent += seconds + min(max(tried, 0.0), _LONGEST_TRY)
        self._waits, self._until = self._waits + 1, until


def _remembered(name: str, step: Callable[[], str]) -> str:
    """The step's text, from the database when it is there. What fails here is the database: the step itself cannot."""
    try:
        return DBOS.run_step({"name": name}, step)
    except dbos_error.DBOSUnexpectedStepError as error:
        raise Broken("the job was begun by a version whose steps this one does not know") from error
    except Exception as error:
        _LOG.exception("the database does not take a checkpoint", step=name, kind=type(error).__name__)
        raise Halted from error


def _later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _nobody() -> None:
    """Nobody asked to stop."""


class Durable:
    """The queue of one worker process."""

    def __init__(
        self, url: str, *, executor_id: str, run: Callable[[str, Steps], None], hooks: StepHooks, concurrency: int
    ) -> None:
        self.hooks = hooks
        self._url = _checked(url)
        self._executor_id = executor_id
        self._run = run
        self._concurrency = concurrency
        self._active: dict[str, float] = {}
        self._lock = threading.Lock()
        self._halt = threading.Event()

    def start(self) -> None:
        """Open the database, create what is missing, take up this executor's unfinished jobs."""
        if self._url.startswith("sqlite:"):
            _write_ahead(self._url)
        if _RUNNERS:
            raise Broken("a process has one durable queue")
        with ExitStack() as undo:
            _RUNNERS.append(self)
            undo.callback(_RUNNERS.remove, self)
            DBOS(config=self._config())
            _quiet()
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=0.1)
            undo.pop_all()

    def _config(self) -> DBOSConfig:
        return {
            "name": "ai-provision",
            "system_database_url": self._url,
            "executor_id": self._executor_id,
            "application_version": FLOW_VERSION,
            "serializer": _Json(),
            "log_level": "WARNING",
            "sys_db_pool_size": self._concurrency + 6,
            "scheduler_polling_interval_sec": 3600.0,
        }

    def hand(self, job: str, *, given: datetime, urgent: bool) -> None:
        """Queue a job once, however often it is handed over. Older ones begin first; an urgent one counts as older."""
        lead = _LEAD if urgent else 0.0
        rank = max(1, int(((given - _EPOCH).total_seconds() - lead) * 10) % (2**31 - 1))
        with _reached(), SetWorkflowID(job), SetEnqueueOptions(priority=rank):
            DBOS.enqueue_workflow(QUEUE, _command, job)

    def recover(self, executor_id: str) -> int:
        """Take up the unfinished jobs of a worker that is gone. The caller holds that worker's lease."""
        with _reached():
            return self._resume(self._pending(executor_id))

    def revive(self, *, after: float) -> int:
        """Take up jobs of this executor that nobody runs: their run was cut off by a failing database.

        ``after``: seconds since DBOS last touched them.
        """
        with _reached():
            edge = (datetime.now(UTC) - timedelta(seconds=after)).timestamp() * 1000
            with self._lock:
                lost = [
                    job
                    for job, touched in self._pending(self._executor_id)
                    if job not in self._active and touched < edge
                ]
            return self._resume([(job, 0) for job in lost])

    def _pending(self, executor_id: str) -> list[tuple[str, int]]:
        rows = DBOS.list_workflows(
            status="PENDING", executor_id=executor_id, load_input=False, load_output=False, limit=10_000
        )
        return [(row.workflow_id, row.updated_at or 0) for row in rows]

    def _resume(self, jobs: Sequence[tuple[str, int]]) -> int:
        if jobs:
            DBOS.resume_workflows([job for job, _ in jobs], queue_name=QUEUE)
        return len(jobs)

    def prune(self, *, before: datetime) -> int:
        """Delete checkpoints of jobs that ended before then. Returns how many jobs."""
        gone = 0
        while rows := DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            end_time=before.isoformat(),
            limit=_BATCH,
            load_input=False,
            load_output=False,
        ):
            DBOS.delete_workflows([row.workflow_id for row in rows])
            gone += len(rows)
        return gone

    @property
    def active(self) -> int:
        """Jobs that run in this process now."""
        return len(self._active)

    def check(self) -> None:
        """Raises Halted when this process stops."""
        if self._halt.is_set():
            raise Halted

    def stop(self, *, seconds: float) -> None:
        """Give running jobs so many seconds, then halt them at their next step, and close."""
        deadline = time.monotonic() + seconds
        for event in ("finish", "halt"):
            while self._active and time.monotonic() < deadline:
                time.sleep(0.02)
            if event == "finish":
                self._halt.set()
                deadline = time.monotonic() + seconds
        DBOS.destroy(workflow_completion_timeout_sec=0)
        _RUNNERS.remove(self)

    def guarded(self, job: str) -> None:
        """One run of a job. Whatever escapes is a database that went away: halt, do not record an end."""
        with self._lock:
            self._active[job] = time.monotonic()
        try:
            self.check()
            self._run(job, DurableSteps(self, job=job))
        except Exception as error:
            _LOG.exception("a job was cut off", job=job[:12], kind=type(error).__name__)
            raise Halted from error
        finally:
            with self._lock:
                self._active.pop(job, None)


_RUNNERS: Final[list[Durable]] = []
"""The one queue of this process; DBOS knows workflows by module-level functions."""


@DBOS.workflow(name="command")
def _command(job: str) -> None:
    _RUNNERS[0].guarded(job)


@contextmanager
def _reached() -> Iterator[None]:
    """An outage of the database as such, for those who try again."""
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(
            Code.INTERNAL,
            f"The database of jobs does not take it ({type(error).__name__}).",
            remedy="Look at the disk and at the database server; nothing that was accepted is lost.",
            retry_after=5.0,
        ) from error


def _checked(url: str) -> str:
    """Raises Refused(config) where this Python cannot keep jobs there."""
    refusal = unfit(url)
    if refusal is not None:
        raise Refused(refusal)
    return url


def _write_ahead(url: str) -> None:
    """WAL is a property of the file and is set once; readers then never block the one writer."""
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


class _IntoOurs(logging.Handler):
    """DBOS's own log lines through our one exit, where secrets are redacted."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        _LOG.warning("dbos", said=record.getMessage()[:2000], level=record.levelname)


def _quiet() -> None:
    log = logging.getLogger("dbos")
    log.handlers[:] = [_IntoOurs()]
    log.propagate = False
