"""Who works: locks that the kernel or the database frees when their holder dies. No clock is asked.

In: executor ids. Out: held locks. Never: a lock that outlives its process, two live workers under one id.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from bot.edges.ledger.database import Database, trouble
from bot.edges.ledger.schema import WORKERS
from bot.errors import Unavailable
from bot.model.job import WorkerRow


class Locks(Protocol):
    """Locks by name, held by this process."""

    def take(self, name: str) -> bool:
        """Take it; False while another live process holds it. Taking one's own again is True."""

    def free(self, name: str) -> None:
        """Give it back."""

    def held(self, name: str) -> bool:
        """Whether it is still ours."""

    def close(self) -> None:
        """Give everything back."""


class FileLocks:
    """``flock`` on files beside the SQLite file."""

    def __init__(self, database: Path) -> None:
        self._base = database
        self._files: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """See ``Locks``."""
        if name in self._files:
            return True
        handle = os.open(self._path(name), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._files[name] = handle
        return True

    def free(self, name: str) -> None:
        """See ``Locks``."""
        handle = self._files.pop(name, None)
        if handle is not None:
            os.close(handle)

    def held(self, name: str) -> bool:
        """See ``Locks``."""
        return name in self._files

    def close(self) -> None:
        """See ``Locks``."""
        for name in list(self._files):
            self.free(name)

    def _path(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        return self._base.with_name(f"{self._base.name}.worker-{digest}.lock")


class ServerLocks:
    """Postgres' session locks, on one connection that stays open."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None
        self._names: set[str] = set()

    def take(self, name: str) -> bool:
        """See ``Locks``."""
        if name in self._names and self.held(name):
            return True
        taken = bool(self._ask(sa.func.pg_try_advisory_lock(_number(name))))
        if taken:
            self._names.add(name)
        return taken

    def free(self, name: str) -> None:
        """See ``Locks``."""
        if name in self._names:
            self._names.discard(name)
            self._ask(sa.func.pg_advisory_unlock(_number(name)))

    def held(self, name: str) -> bool:
        """See ``Locks``."""
        if name not in self._names:
            return False
        try:
            self._ask(sa.literal(1))
        except Unavailable:
            return False
        return name in self._names

    def close(self) -> None:
        """See ``Locks``."""
        self._drop()

    def _ask(self, question: sa.ColumnElement[object]) -> object:
        """One answer on the connection that holds the locks; when that is lost, so are they."""
        try:
            with trouble():
                if self._connection is None:
                    self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                return self._connection.execute(sa.select(question)).scalar()
        except Unavailable:
            self._drop()
            raise

    def _drop(self) -> None:
        self._names.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"ai-provision {name}".encode()).digest()[:8], "big", signed=True)


class WorkersTable:
    """``bot.records.Workers`` on a database."""

    def __init__(self, database: Database, *, executor_id: str | None) -> None:
        self._db = database
        self._own = executor_id
        self._lock = threading.Lock()
        self._locks: Locks = FileLocks(database.path) if database.path else ServerLocks(database.engine)

    def leading(self) -> bool:
        """See ``bot.records.Workers``."""
        with self._lock:
            return self._own is not None and self._locks.held(self._own)

    def enlist(self, worker_id: str, version: str) -> bool:
        """See ``bot.records.Workers``."""
        with self._lock:
            if not self._locks.take(worker_id):
                return False
        self._own = worker_id
        self.report(WorkerRow(id=worker_id, version=version, seen_at=self._db.clock.now()))
        return True

    def report(self, row: WorkerRow) -> None:
        """See ``bot.records.Workers``."""
        facts = {"version": row.version, "seen_at": row.seen_at.timestamp(), "metrics": row.metrics}
        with self._db.write() as connection:
            known = connection.execute(WORKERS.update().where(WORKERS.c.id == row.id).values(**facts)).rowcount
            if not known:
                connection.execute(WORKERS.insert().values(id=row.id, **facts))

    def rows(self) -> tuple[WorkerRow, ...]:
        """See ``bot.records.Workers``."""
        with self._db.read() as connection:
            rows = connection.execute(sa.select(WORKERS).order_by(WORKERS.c.id)).all()
        return tuple(
            WorkerRow(
                id=row.id,
                version=row.version,
                seen_at=datetime.fromtimestamp(row.seen_at, tz=UTC),
                metrics=row.metrics,
            )
            for row in rows
        )

    def dead(self) -> tuple[str, ...]:
        """See ``bot.records.Workers``."""
        others = [row.id for row in self.rows() if row.id != self._own]
        with self._lock:
            return tuple(name for name in others if self._locks.take(name))

    def bury(self, worker_id: str) -> None:
        """See ``bot.records.Workers``."""
        with self._db.write() as connection:
            connection.execute(WORKERS.delete().where(WORKERS.c.id == worker_id))
        with self._lock:
            self._locks.free(worker_id)

    def release(self) -> None:
        """Give every lease back."""
        with self._lock:
            self._locks.close()
