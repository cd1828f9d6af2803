"""One engine for the ledger: transactions that heal by themselves.

In: a database URL. Out: transactions. Never: ``synchronous`` below FULL; a transaction that is tried again after
something else than a lost connection or a race.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from bot.edges.ledger.failures import malformed, may_repeat, opening, outages
from bot.errors import Broken, Refused

T = TypeVar("T")

BUSY_SECONDS: Final = 15.0
_PAGE: Final = 8192
"""Bytes. An event of ten kilobytes costs a quarter less processor time than with SQLite's own 4096."""
_CHECKPOINT_PAGES: Final = 2000
_WAL_BYTES: Final = 64 * 1024 * 1024
_POSTGRES: Final[dict[str, str | int]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "ai-provision",
}
"""libpq's own names: a server that vanished is noticed within 25 seconds."""


class Database:
    """Transactions on one database. ``file`` is None on Postgres."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.file = Path(self.url.database or "").absolute() if self.url.drivername == "sqlite" else None
        self.engine = _sqlite(self.url) if self.file else _postgres(self.url)
        self._writing = self.engine.execution_options(immediate=True)

    @property
    def leases(self) -> Path:
        """The folder of lock files beside the SQLite file."""
        if self.file is None:
            raise Broken("Postgres keeps leases itself")
        return _leases(self.file)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do the work on one consistent view. Raises Unavailable."""
        return _done(self.engine, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction that is on disk when this returns. Raises Unavailable."""
        return _done(self._writing, work)

    def prepare(self, work: Callable[[Connection], None]) -> None:
        """Make the file where it is new, and do the work that makes the schema. Raises Refused(config), Unavailable."""
        try:
            with opening():
                if self.file:
                    _create(self.file)
                    _write_ahead(self.file)
                self.write(work)
        finally:
            self.engine.dispose()  # no connection is open when the caller forks

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def patience(url: URL) -> dict[str, str | int]:
    """How long libpq waits, where the URL does not say it."""
    return {name: value for name, value in _POSTGRES.items() if name not in url.query}


def _done(engine: Engine, work: Callable[[Connection], T]) -> T:
    """The work, and once more when that may help. Every verb of the ledger is safe to repeat."""
    with outages():
        try:
            with engine.begin() as connection:
                return work(connection)
        except exc.DBAPIError as problem:
            if not may_repeat(problem):
                raise
        with engine.begin() as connection:
            return work(connection)


def _parsed(url: str) -> URL:
    """The URL, with the driver named. Raises Refused(config)."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise Refused(malformed()) from None
    if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"} and not parsed.query:
        return parsed
    if parsed.drivername in {"postgresql", "postgresql+psycopg"} and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    raise Refused(malformed())


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=8, connect_args={"timeout": BUSY_SECONDS}
    )
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: object) -> None:
    """Our own BEGIN, and every commit on disk: ``fullfsync`` is macOS's word for what Linux does by itself."""
    connection.isolation_level = None
    for pragma in (
        "synchronous=FULL",
        "fullfsync=ON",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        f"journal_size_limit={_WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at the start: one that read first could not wait for another (SQLITE_BUSY_SNAPSHOT)."""
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _create(file: Path) -> None:
    """A file that its owner alone may read, because it holds comments of private repositories."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _leases(file: Path) -> Path:
    return file.with_name(f"{file.name}-leases")


def _write_ahead(file: Path) -> None:
    """Log and page size, set once and kept in the file. One process at a time: the change itself waits for nobody."""
    with contextlib.closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        _leases(file).mkdir(mode=0o700, exist_ok=True)
        with (_leases(file) / "setup").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            connection.execute(f"PRAGMA page_size={_PAGE}")
            connection.execute("PRAGMA journal_mode=WAL")


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args=patience(url),
    )
    event.listen(engine, "connect", _tune_postgres)
    return engine


def _tune_postgres(connection: Any, _record: object) -> None:
    """A server that answers before it wrote would make every receipt a lie."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
