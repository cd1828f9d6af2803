"""Commands from queued to ended, in one table; who may begin is one query.

In: jobs. Out: jobs. Never: two jobs of one comment, two holders of one thread, a second end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.edges.ledger.database import Database
from bot.edges.ledger.schema import EVENTS, HOLDS, JOBS
from bot.model.command import RawEvent
from bot.model.job import Job, JobState
from bot.model.order import Order
from bot.model.outcome import Published

_PREFIX: Final = 12
_OPEN: Final = ("queued", "handed", "admitted")


class JobsTable:
    """``bot.records.Intake`` and ``bot.records.Jobs`` on a database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def unread(self, limit: int) -> tuple[RawEvent, ...]:
        """See ``bot.records.Intake``."""
        columns = sa.select(EVENTS.c.delivery_id, EVENTS.c.event, EVENTS.c.body)
        with self._db.read() as connection:
            rows = connection.execute(columns.where(EVENTS.c.note.is_(None)).order_by(EVENTS.c.seq).limit(limit)).all()
        return tuple(RawEvent(delivery_id=name, event=event, body=bytes(body or b"")) for name, event, body in rows)

    def settle(self, delivery_id: str, *, job: Job | None, note: str) -> bool:
        """See ``bot.records.Intake``."""
        with self._db.write() as connection:
            new = job is not None and _opened(connection, job)
            written = "dup" if job is not None and not new else note
            mine = EVENTS.c.delivery_id == delivery_id
            connection.execute(EVENTS.update().where(mine, EVENTS.c.note.is_(None)).values(note=written, body=None))
        return new

    def due(self, limit: int, *, per_repo: int) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``."""
        if limit <= 0:
            return ()
        with self._db.read() as connection:
            return _read(connection.execute(_due(per_repo).limit(limit)))

    def hand(self, job_id: str) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, ("queued",), state="handed")

    def admit(self, job_id: str) -> Job | None:
        """See ``bot.records.Jobs``."""
        with self._db.write() as connection:
            job = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id).with_for_update()).one_or_none()
            if job is None or job.state == "ended":
                return None
            holder = None if job.immediate else _taken(connection, job.thread, job_id)
            if holder is not None:
                return _one(connection, JOBS.c.id == holder)
            connection.execute(
                JOBS.update()
                .where(JOBS.c.id == job_id)
                .values(state="admitted", started_at=sa.func.coalesce(JOBS.c.started_at, self._now()))
            )
        return None

    def park(self, job_id: str, until: datetime | None) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, _OPEN, parked_until=until.timestamp() if until else None)

    def cancel(self, job_id: str, by: str) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, _OPEN, cancelled_by=by)

    def end(self, job_id: str, published: Published) -> None:
        """See ``bot.records.Jobs``."""
        facts = {"kind": published.kind, "code": published.code, "published": published.model_dump_json()}
        with self._db.write() as connection:
            mine = (JOBS.c.id == job_id, JOBS.c.state != "ended")
            connection.execute(
                JOBS.update().where(*mine).values(state="ended", ended_at=self._now(), parked_until=None, **facts)
            )
            connection.execute(HOLDS.delete().where(HOLDS.c.job == job_id))

    def get(self, job_id: str) -> Job | None:
        """See ``bot.records.Jobs``."""
        if len(job_id) < _PREFIX or not job_id.isalnum():
            return None
        with self._db.read() as connection:
            found = _read(connection.execute(sa.select(JOBS).where(JOBS.c.id.startswith(job_id)).limit(2)))
        return found[0] if len(found) == 1 else None

    def of_thread(self, order: Order, limit: int) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``."""
        others = (JOBS.c.thread == _thread(order), JOBS.c.id != order.key)
        with self._db.read() as connection:
            return _read(connection.execute(sa.select(JOBS).where(*others).order_by(JOBS.c.seq.desc()).limit(limit)))

    def listing(self, *, limit: int, state: JobState | None = None, repo: str | None = None) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``."""
        query = sa.select(JOBS).order_by(JOBS.c.seq.desc()).limit(limit)
        query = query.where(JOBS.c.state == state) if state is not None else query
        query = query.where(JOBS.c.repo == repo) if repo is not None else query
        with self._db.read() as connection:
            return _read(connection.execute(query))

    def given(self, login: str, *, seconds: float) -> int:
        """See ``bot.records.Jobs``."""
        recent = (JOBS.c.login == login, JOBS.c.accepted_at >= self._now() - seconds)
        with self._db.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(*recent)).scalar_one())

    def outcomes(self) -> dict[tuple[str, str, str], int]:
        """See ``bot.records.Jobs``."""
        key = (JOBS.c.name, JOBS.c.kind, sa.func.coalesce(JOBS.c.code, ""))
        with self._db.read() as connection:
            rows = connection.execute(sa.select(*key, sa.func.count()).where(JOBS.c.state == "ended").group_by(*key))
            return {(name, kind, code): count for name, kind, code, count in rows}

    def _change(self, job_id: str, states: tuple[str, ...], **facts: Any) -> None:
        with self._db.write() as connection:
            connection.execute(JOBS.update().where(JOBS.c.id == job_id, JOBS.c.state.in_(states)).values(**facts))

    def _now(self) -> float:
        return self._db.clock.now().timestamp()


def _due(per_repo: int) -> sa.Select[Any]:
    """Queued jobs that may begin, turn by turn: the oldest of each repository, then the second of each."""
    earlier, busy = JOBS.alias(), JOBS.alias()
    blocked = sa.exists().where(
        earlier.c.thread == JOBS.c.thread,
        earlier.c.seq < JOBS.c.seq,
        earlier.c.state.in_(("queued", "handed")),
        sa.not_(earlier.c.immediate),
    )
    running = (
        sa.select(sa.func.count())
        .where(busy.c.repo == JOBS.c.repo, busy.c.state.in_(("handed", "admitted")), sa.not_(busy.c.immediate))
        .scalar_subquery()
    )
    turn = sa.func.row_number().over(partition_by=(JOBS.c.repo, JOBS.c.immediate), order_by=JOBS.c.seq)
    may = (
        sa.select(JOBS, turn.label("turn"), running.label("running"))
        .where(JOBS.c.state == "queued", sa.or_(JOBS.c.immediate, sa.not_(blocked)))
        .subquery()
    )
    room = sa.or_(may.c.immediate, may.c.turn + may.c.running <= per_repo)
    return sa.select(may).where(room).order_by(may.c.turn, may.c.seq)


def _opened(connection: sa.Connection, job: Job) -> bool:
    """Queue it; False when it exists."""
    there = connection.execute(sa.select(JOBS.c.id).where(JOBS.c.id == job.id)).first()
    if there is None:
        connection.execute(
            JOBS.insert().values(
                id=job.id,
                repo=job.repo,
                thread=_thread(job.order),
                login=job.order.actor.login,
                name=job.name,
                immediate=job.immediate,
                state=job.state,
                accepted_at=job.accepted_at.timestamp(),
                noun=job.model_dump_json(exclude_none=True),
            )
        )
    return there is None


def _taken(connection: sa.Connection, thread: str, job_id: str) -> str | None:
    """Take the thread; None, or who holds it."""
    insert = "INSERT INTO aip_holds (thread, job) VALUES (:thread, :job) ON CONFLICT (thread) DO NOTHING"
    connection.execute(sa.text(insert), {"thread": thread, "job": job_id})
    holder = connection.execute(sa.select(HOLDS.c.job).where(HOLDS.c.thread == thread)).scalar_one()
    return None if holder == job_id else str(holder)


def _thread(order: Order) -> str:
    return f"{order.thread.full_name}#{order.thread.number}"


def _one(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Job | None:
    return next(iter(_read(connection.execute(sa.select(JOBS).where(where)))), None)


def _read(rows: Iterable[sa.Row[Any]]) -> tuple[Job, ...]:
    """The noun as it was queued, with what became of it since."""
    return tuple(
        Job.model_validate_json(row.noun).model_copy(
            update={
                "state": row.state,
                "started_at": _moment(row.started_at),
                "ended_at": _moment(row.ended_at),
                "parked_until": _moment(row.parked_until),
                "cancelled_by": row.cancelled_by,
                "published": Published.model_validate_json(row.published) if row.published else None,
            }
        )
        for row in rows
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
