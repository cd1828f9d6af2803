"""Commands from queued to ended.

In: ids and facts. Out: jobs as nouns. Never: two commands that hold one thread; a second end; the clock as an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.edges.ledger.shelf import Shelf, add
from bot.edges.ledger.tables import JOBS, TALLY
from bot.errors import Broken
from bot.model.command import ThreadRef
from bot.model.job import Job, JobState
from bot.model.order import Order
from bot.model.outcome import Published

_PREFIX: Final = 12
_PASSED: Final = 100
"""Earlier commands that an instant one passes: a crowd of them keeps no other one waiting for ever."""
_UNENDED: Final[Sequence[JobState]] = ("queued", "handed", "admitted")
_BEFORE: Final[Sequence[JobState]] = ("queued", "handed")
_CHANGING: Final = ("state", "started_at", "ended_at", "parked_until", "cancelled_by", "worker")
"""Columns that say more than the noun of the row, which stays as it was queued."""


class SqlJobs(Shelf):
    """``bot.records.Jobs``."""

    def due(self, limit: int, *, per_repo: int) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``.

        Commands that were handed have had their turn: with two of a repository at work, its next is the third.
        """
        return self._all(_due(per_repo).limit(limit))

    def hand(self, job_id: str) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, ["queued"], {"state": "handed"})

    def admit(self, job_id: str) -> Job | None:
        """See ``bot.records.Jobs``. Raises Broken for a job that nobody queued."""
        facts = {"state": "admitted", "started_at": self._clock.now(), "worker": self._me}

        def admitted(connection: Connection) -> Job | None:
            job = _only(connection, job_id)
            holder = None if job.instant else _holder(connection, job)
            if holder is None and not _update(connection, job_id, _BEFORE, facts):
                _update(connection, job_id, ["admitted"], {"worker": self._me})
            return holder

        try:
            return self._db.write(admitted)
        except IntegrityError:  # another process took the thread between our look and our update (Postgres)
            return self._db.write(admitted)

    def park(self, job_id: str, until: datetime | None) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, _UNENDED, {"parked_until": until})

    def cancel(self, job_id: str, by: str) -> None:
        """See ``bot.records.Jobs``."""
        self._change(job_id, _UNENDED, {"cancelled_by": by})

    def end(self, job_id: str, published: Published) -> None:
        """See ``bot.records.Jobs``. Raises Broken for a job that nobody queued."""
        facts = {"state": "ended", "ended_at": self._clock.now(), "published": published.model_dump_json()}

        def ended(connection: Connection) -> None:
            job = _only(connection, job_id)
            if _update(connection, job_id, _UNENDED, facts):
                _count(connection, (job.name, published.kind, published.code or ""))

        self._db.write(ended)

    def get(self, job_id: str) -> Job | None:
        """See ``bot.records.Jobs``. None also when several keys begin so."""
        same: ColumnElement[bool] = JOBS.c.id == job_id
        if len(job_id) >= _PREFIX:
            same = and_(JOBS.c.id >= job_id, JOBS.c.id < job_id + "\U0010ffff")
        found = self._all(select(JOBS).where(same).order_by(JOBS.c.id).limit(2))
        exact = [job for job in found if job.id == job_id]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def of_thread(self, order: Order, limit: int) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``."""
        others = select(JOBS).where(JOBS.c.thread == _thread(order.thread), JOBS.c.id != order.key)
        return self._all(others.order_by(JOBS.c.seq.desc()).limit(limit))

    def listing(self, *, limit: int, state: JobState | None = None, repo: str | None = None) -> tuple[Job, ...]:
        """See ``bot.records.Jobs``."""
        query = select(JOBS).order_by(JOBS.c.seq.desc()).limit(limit)
        if state is not None:
            query = query.where(JOBS.c.state == state)
        if repo is not None:
            query = query.where(JOBS.c.repo == repo.lower())
        return self._all(query)

    def given(self, login: str, *, seconds: float) -> int:
        """See ``bot.records.Jobs``."""
        since = self._clock.now() - timedelta(seconds=seconds)
        query = select(func.count()).where(JOBS.c.login == login.lower(), JOBS.c.accepted_at >= since)
        return self._db.read(lambda connection: connection.execute(query).scalar_one())

    def outcomes(self) -> dict[tuple[str, str, str], int]:
        """See ``bot.records.Jobs``. Counted at the end of each, so pruning changes nothing."""
        rows = self._db.read(lambda connection: connection.execute(select(TALLY)).all())
        return {(row.name, row.kind, row.code): row.ended for row in rows}

    def _all(self, query: Select[Any]) -> tuple[Job, ...]:
        rows = self._db.read(lambda connection: connection.execute(query).all())
        return tuple(_job(row) for row in rows)

    def _change(self, job_id: str, when: Sequence[JobState], facts: Mapping[str, Any]) -> None:
        self._db.write(lambda connection: _update(connection, job_id, when, facts))


def row_of(job: Job, delivery_id: str) -> dict[str, Any]:
    """A job as it is queued. Names of GitHub are the same in any case."""
    return {
        "id": job.id,
        "delivery_id": delivery_id,
        "name": job.name,
        "repo": job.repo.lower(),
        "thread": _thread(job.order.thread),
        "login": job.order.actor.login.lower(),
        "instant": job.immediate,
        "accepted_at": job.accepted_at,
        "published": job.published.model_dump_json() if job.published else None,
        **{name: getattr(job, name) for name in _CHANGING},
        "noun": job.model_dump_json(),
    }


def _job(row: Row[Any]) -> Job:
    facts: dict[str, Any] = {name: getattr(row, name) for name in _CHANGING}
    facts["published"] = Published.model_validate_json(row.published) if row.published else None
    return Job.model_validate_json(row.noun).model_copy(update=facts)


def _thread(thread: ThreadRef) -> str:
    return f"{thread.full_name}#{thread.number}".lower()


def _only(connection: Connection, job_id: str) -> Row[Any]:
    row = connection.execute(select(JOBS).where(JOBS.c.id == job_id)).one_or_none()
    if row is None:
        raise Broken(f"no job {job_id} was queued")
    return row


def _holder(connection: Connection, job: Row[Any]) -> Job | None:
    """The command that holds the thread of this one, unless it is this one."""
    admitted = and_(JOBS.c.state == "admitted", not_(JOBS.c.instant))
    query = select(JOBS).where(JOBS.c.thread == job.thread, admitted, JOBS.c.id != job.id)
    row = connection.execute(query).one_or_none()
    return _job(row) if row is not None else None


def _update(connection: Connection, job_id: str, when: Sequence[JobState], facts: Mapping[str, Any]) -> bool:
    """Whether the job was in one of these states and has the facts now."""
    change = update(JOBS).where(JOBS.c.id == job_id, JOBS.c.state.in_(when)).values(**facts)
    return connection.execute(change).rowcount == 1


def _count(connection: Connection, key: tuple[str, str, str]) -> None:
    name, kind, code = key
    add(connection, TALLY, {"name": name, "kind": kind, "code": code, "ended": 0})
    this = and_(TALLY.c.name == name, TALLY.c.kind == kind, TALLY.c.code == code)
    connection.execute(update(TALLY).where(this).values(ended=TALLY.c.ended + 1))


def _due(per_repo: int) -> Select[Any]:
    """Three looks at the unended commands: facts of their thread and repository; who is ready; whose turn it is."""
    unended = select(JOBS.c.seq, JOBS.c.repo, JOBS.c.thread, JOBS.c.instant, JOBS.c.state)
    row = unended.where(JOBS.c.state.in_(_UNENDED)).cte("unended").c
    waiting = case((and_(not_(row.instant), row.state.in_(_BEFORE)), row.seq))
    working = case((and_(not_(row.instant), row.state != "queued"), 1), else_=0)
    first = func.min(waiting).over(partition_by=row.thread).label("first")
    busy = func.sum(working).over(partition_by=row.repo).label("busy")
    fact = select(row.seq, row.repo, row.instant, row.state, first, busy).cte("fact").c
    place = func.row_number().over(partition_by=(fact.repo, fact.instant), order_by=fact.seq)
    turn = (place + case((fact.instant, 0), else_=fact.busy)).label("turn")
    may = and_(fact.state == "queued", or_(fact.instant, fact.seq == fact.first))
    ready = select(fact.seq, fact.instant, turn).where(may).cte("ready").c
    whole = select(JOBS).join(ready.seq.table, ready.seq == JOBS.c.seq)
    rank = ready.seq - case((ready.instant, _PASSED), else_=0)
    return whole.where(or_(ready.instant, ready.turn <= per_repo)).order_by(ready.turn, rank)
