"""Locks that end with the process that holds them: no clock, no heartbeat.

In: names of workers. Out: whether we hold the lock now. Never: a lock that a child inherits, a wait.

On SQLite a lock is ``flock`` on a file beside the database: the kernel gives it back when the process is gone. On
Postgres it is an advisory lock of one session that stays open: the server gives it back when the session is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, NullPool, create_engine, exc

from bot.edges.ledger.database import Database, patience
from bot.edges.ledger.failures import outages


class Locks(Protocol):
    """Locks by name. A lock that we hold is taken again without effect."""

    def take(self, name: str) -> bool:
        """Whether we hold it now. Raises Unavailable."""

    def held(self, name: str) -> bool:
        """Whether a lock that we took is still ours. Raises Unavailable."""

    def give(self, name: str, *, forget: bool = False) -> None:
        """Give it back. ``forget``: nobody will ask for it again."""

    def close(self) -> None:
        """Give all back."""


class FileLocks:
    """Lock files in a folder, one for each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """See ``Locks``."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while not self.held(name):
            self.give(name)
            file = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._files[name] = file  # held() tells whether it was deleted between open and flock
        return True

    def held(self, name: str) -> bool:
        """See ``Locks``: also the file must still be the one that others would lock."""
        file = self._files.get(name)
        if file is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(file), self._path(name).stat())
        return False

    def give(self, name: str, *, forget: bool = False) -> None:
        """See ``Locks``."""
        if forget and self.held(name):
            self._path(name).unlink(missing_ok=True)
        file = self._files.pop(name, None)
        if file is not None:
            os.close(file)

    def close(self) -> None:
        """See ``Locks``."""
        for name in tuple(self._files):
            self.give(name)

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]


class AdvisoryLocks:
    """Session locks of Postgres on a connection of their own."""

    def __init__(self, database: Database) -> None:
        self._engine = create_engine(
            database.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=patience(database.url)
        )
        self._session: Connection | None = None
        self._names: set[str] = set()

    def take(self, name: str) -> bool:
        """See ``Locks``."""
        if self.held(name):
            return True
        if self._ask("SELECT pg_try_advisory_lock(%s)", _key(name)):
            self._names.add(name)
        return name in self._names

    def held(self, name: str) -> bool:
        """See ``Locks``: a session that answers still holds what it took."""
        return name in self._names and self._ask("SELECT true") and name in self._names

    def give(self, name: str, *, forget: bool = False) -> None:  # noqa: ARG002 - nothing is left to forget
        """See ``Locks``."""
        if name in self._names:
            self._names.discard(name)
            self._ask("SELECT pg_advisory_unlock(%s)", _key(name))

    def close(self) -> None:
        """See ``Locks``. Said aloud, because the server notices a closed session only a moment later."""
        if self._session is not None:
            with contextlib.suppress(exc.DBAPIError):
                self._session.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        self._drop()
        self._engine.dispose()

    def _ask(self, query: str, *values: int) -> bool:
        """One question, and once more in a new session when this one is gone; its locks are gone then, too."""
        with outages():
            if self._session is not None:
                try:
                    return bool(self._session.exec_driver_sql(query, values).scalar())
                except exc.DBAPIError:
                    self._drop()
            self._session = self._connected()
            return bool(self._session.exec_driver_sql(query, values).scalar())

    def _connected(self) -> Connection:
        """A session whose end the server notices within 25 seconds, also when our machine vanished."""
        session = self._engine.connect()
        for setting in ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 3"):
            session.exec_driver_sql(f"SET {setting}")
        return session

    def _drop(self) -> None:
        self._names.clear()
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(exc.DBAPIError):
                session.close()


def locks_of(database: Database) -> Locks:
    """The locks that fit the database."""
    return FileLocks(database.leases) if database.file else AdvisoryLocks(database)


def _key(name: str) -> int:
    """64 bits, so that neither two workers nor the durable queue's own locks ever meet."""
    return int.from_bytes(hashlib.sha256(b"aip_workers " + name.encode()).digest()[:8], signed=True)
