"""Who works: leases that end with their process.

In: executor ids. Out: which of them are alive, and who takes over from the dead. Never: a decision by a clock of two
machines; two live workers under one id.

A lease is a lock (``locks``) and an ``epoch`` in the worker's row, a word that is new whenever somebody enlists it or
takes it over. The lock says who is alive; the epoch says whether somebody took over while the lock was lost, as it is
when Postgres restarts. So a worker that finds its old epoch goes on, and one that does not has to stop.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from typing import Final

from sqlalchemy import and_, delete, select, update

from bot.edges.ledger.database import Database
from bot.edges.ledger.locks import locks_of
from bot.edges.ledger.shelf import Shelf, put
from bot.edges.ledger.tables import WORKERS
from bot.errors import Unavailable
from bot.model.job import WorkerRow
from bot.ports import Clock

_PATIENCE: Final = 10.0
"""Seconds without proof after which a lease counts as lost: fewer than the 25 after which Postgres gives up a silent
session, so that nobody can have taken over from a worker that is merely cut off."""


class SqlWorkers(Shelf):
    """``bot.records.Workers``."""

    def __init__(self, database: Database, *, clock: Clock, me: str | None) -> None:
        super().__init__(database, clock=clock, me=me)
        self._locks = locks_of(database)
        self._turn = threading.RLock()
        self._epoch: str | None = None
        self._taken: dict[str, str] = {}
        self._proved = time.monotonic()

    def enlist(self, worker_id: str, version: str) -> bool:
        """See ``bot.records.Workers``."""
        with self._turn:
            if worker_id in self._taken or not self._locks.take(worker_id):
                return False
            self._me, epoch = worker_id, uuid.uuid4().hex
            row = {"id": worker_id, "version": version, "epoch": epoch, "metrics": ""}
            try:
                self._db.write(lambda connection: put(connection, WORKERS, row, key=["id"]))
            except Unavailable:
                self._locks.give(worker_id)
                raise
            self._epoch, self._proved = epoch, time.monotonic()
            return True

    def leading(self) -> bool:
        """Whether our lease is held. A worker that is told False has to stop: another may have taken over.

        A database that does not answer, or that still holds our lock for a session we lost, changes nothing for some
        seconds. Asked once a second or so.
        """
        with self._turn:
            if self._me is None or self._epoch is None:
                return False
            with contextlib.suppress(Unavailable):
                held = self._locks.take(self._me)  # before the epoch is read: who takes over marks it under the lock
                if self._epoch_of(self._me) != self._epoch:
                    self._epoch = None
                    self._locks.give(self._me)
                    return False
                if held:
                    self._proved = time.monotonic()
            return time.monotonic() - self._proved < _PATIENCE

    def report(self, row: WorkerRow) -> None:
        """See ``bot.records.Workers``."""
        self._db.write(lambda connection: put(connection, WORKERS, row.model_dump(), key=["id"]))

    def rows(self) -> tuple[WorkerRow, ...]:
        """See ``bot.records.Workers``."""
        columns = [WORKERS.c[name] for name in WorkerRow.model_fields]
        query = select(*columns).where(WORKERS.c.seen_at.is_not(None)).order_by(WORKERS.c.id)
        found = self._db.read(lambda connection: connection.execute(query).mappings().all())
        return tuple(WorkerRow.model_validate(dict(row)) for row in found)

    def dead(self) -> tuple[str, ...]:
        """See ``bot.records.Workers``. Never our own id."""
        query = select(WORKERS.c.id, WORKERS.c.epoch).where(WORKERS.c.epoch.is_not(None)).order_by(WORKERS.c.id)
        with self._turn:
            rows = self._db.read(lambda connection: connection.execute(query).all())
            return tuple(row.id for row in rows if row.id != self._me and self._take_over(row.id, row.epoch))

    def bury(self, worker_id: str) -> None:
        """See ``bot.records.Workers``. Nothing happens to a worker that we did not take over, or lost again."""
        with self._turn:
            epoch = self._taken.pop(worker_id, None)
            if epoch is not None:
                gone = delete(WORKERS).where(WORKERS.c.id == worker_id, WORKERS.c.epoch == epoch)
                forgotten = self._db.write(lambda connection: connection.execute(gone).rowcount)
                self._locks.give(worker_id, forget=forgotten == 1)

    def _take_over(self, worker: str, epoch: str) -> bool:
        """Whether the worker is gone and ours to look after. The epoch was read before the lock was asked for, so one
        that came back in between is left alone.
        """
        if self._taken.get(worker) == epoch and self._locks.held(worker):
            return True
        self._taken.pop(worker, None)
        if not self._locks.take(worker):
            return False
        mark = uuid.uuid4().hex
        same = and_(WORKERS.c.id == worker, WORKERS.c.epoch == epoch)
        change = update(WORKERS).where(same).values(epoch=mark)
        if self._db.write(lambda connection: connection.execute(change).rowcount) != 1:
            self._locks.give(worker)
            return False
        self._taken[worker] = mark
        return True

    def _epoch_of(self, worker: str) -> str | None:
        query = select(WORKERS.c.epoch).where(WORKERS.c.id == worker)
        return self._db.read(lambda connection: connection.execute(query).scalar())
