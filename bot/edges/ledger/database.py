"""One engine for the ledger: transactions, what a failure means, and healing by itself.

In: a database URL. Out: transactions. Never: a password or a parameter in a message; ``synchronous`` below FULL; a
transaction that is tried again after something else than a lost connection or a deadlock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from bot.errors import Broken, Code, Refusal, Refused, Unavailable

T = TypeVar("T")

_BUSY_SECONDS: Final = 15.0
_CHECKPOINT_PAGES: Final = 4000
_WAL_BYTES: Final = 64 * 1024 * 1024
_RETRY_AFTER: Final = 5.0
_POSTGRES: Final[dict[str, str | int]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "ai-provision",
}
"""libpq's own names: a server that vanished is noticed within 25 seconds."""

_DEFECTS: Final = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
_RACES: Final = frozenset({"40001", "40P01"})
"""Postgres: serialization failure, deadlock."""
_NO_RIGHTS: Final = frozenset({"42501", "3F000"})
"""Postgres: may not create tables, has no schema to create them in."""
_UNUSABLE: Final = {
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
}
_WORDS: Final = {
    sqlite3.SQLITE_FULL: "The disk of the database is full.",
    sqlite3.SQLITE_READONLY: "The database takes no write.",
    sqlite3.SQLITE_BUSY: "The database is held by another process for too long.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_IOERR: "The database file cannot be read or written.",
    "53100": "The disk of the database is full.",
    "25006": "The database takes no write.",
    "53300": "The database has no connection left.",
}
_REMEDY: Final = (
    "See that the database runs, that AI_PROVISION_DATABASE_URL names it and a user who may log in, and that its disk has "
    "room."
)


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
        return self.file.with_name(f"{self.file.name}-leases")

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do the work on one consistent view. Raises Unavailable."""
        return _twice(self.engine, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction that is on disk when this returns. Raises Unavailable."""
        return _twice(self._writing, work)

    def prepare(self, work: Callable[[Connection], None]) -> None:
        """Make the file where it is new, and do the work that makes the schema. Raises Refused(config), Unavailable."""
        try:
            if self.file:
                _create(self.file)
                self.leases.mkdir(mode=0o700, exist_ok=True)
                _write_ahead(self.file, self.leases)
            self.write(work)
        except OSError as problem:
            raise Refused(_unusable(problem.strerror or "it cannot be used")) from problem
        except (Unavailable, exc.DBAPIError, sqlite3.Error) as stop:
            problem = _of_the_driver(stop)
            if why := _misconfigured(problem):
                raise Refused(_unusable(why)) from problem
            if isinstance(stop, sqlite3.Error):
                raise _unavailable(_said(stop)) from stop
            raise
        finally:
            self.engine.dispose()  # no connection is open when the caller forks

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextlib.contextmanager
def outages() -> Iterator[None]:
    """Raises Unavailable for what is no defect of ours."""
    try:
        yield
    except exc.DBAPIError as problem:
        if _is_defect(problem):
            raise
        raise _unavailable(_said(problem.orig)) from problem
    except exc.TimeoutError as problem:
        raise _unavailable("Every connection to the database is in use.") from problem


def unavailable(message: str) -> Unavailable:
    """The ledger does not take it now."""
    return _unavailable(message)


def _unavailable(message: str) -> Unavailable:
    return Unavailable(Code.INTERNAL, message, remedy=_REMEDY, retry_after=_RETRY_AFTER)


def _twice(engine: Engine, work: Callable[[Connection], T]) -> T:
    """The work once, and once more when the connection was lost or two transactions stood in each other's way."""
    with outages():
        try:
            with engine.begin() as connection:
                return work(connection)
        except exc.DBAPIError as problem:
            if not (problem.connection_invalidated or getattr(problem.orig, "sqlstate", None) in _RACES):
                raise
        with engine.begin() as connection:
            return work(connection)


def _is_defect(problem: exc.DBAPIError) -> bool:
    """SQLite says "no such table" by the same class as "disk full"."""
    wrong_sql = _sqlite_code(problem.orig) == sqlite3.SQLITE_ERROR
    return wrong_sql or (isinstance(problem, _DEFECTS) and not problem.connection_invalidated)


def _sqlite_code(problem: BaseException | None) -> int | None:
    """The primary code, such as SQLITE_FULL; the driver gives the extended one."""
    code = getattr(problem, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _said(problem: BaseException | None) -> str:
    key = _sqlite_code(problem) or getattr(problem, "sqlstate", None)
    return _WORDS.get(key, "The database does not answer.") if key else "The database does not answer."


def _of_the_driver(problem: BaseException | None) -> BaseException | None:
    """What sqlite3 or psycopg said, inside of what SQLAlchemy and we made of it."""
    while isinstance(problem, Unavailable | exc.DBAPIError):
        problem = problem.__cause__ if isinstance(problem, Unavailable) else problem.orig
    return problem


def _misconfigured(problem: BaseException | None) -> str | None:
    if getattr(problem, "sqlstate", None) in _NO_RIGHTS:
        return "its user may not create tables"
    return _UNUSABLE.get(_sqlite_code(problem) or 0)


def _parsed(url: str) -> URL:
    """The URL, with the driver named. Raises Refused(config) without a word of what was given: it holds a password."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise Refused(_malformed()) from None
    if parsed.drivername == "sqlite" and parsed.database not in {None, "", ":memory:"} and not parsed.query:
        return parsed
    if parsed.drivername in {"postgresql", "postgresql+psycopg"} and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    raise Refused(_malformed())


def _malformed() -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message="The database URL is neither an SQLite file nor a Postgres database.",
        remedy="Set AI_PROVISION_DATABASE_URL to sqlite:///PATH or postgresql://USER:PASSWORD@HOST:5432/DATABASE.",
        example="sqlite:///ai-provision.sqlite",
    )


def _unusable(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The database of AI_PROVISION_DATABASE_URL cannot be used: {why}.",
        remedy="Name a file in a folder that may be written, or a Postgres database with a user who may create tables.",
    )


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=8, connect_args={"timeout": _BUSY_SECONDS}
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
    """A file that its owner alone may read (it holds comments of private repositories), with a write-ahead log."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _write_ahead(file: Path, leases: Path) -> None:
    """Set once and kept in the file. One process at a time, because the change itself waits for nobody."""
    with (leases / "setup").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with contextlib.closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def patience(url: URL) -> dict[str, str | int]:
    """How long libpq waits, where the URL does not say it."""
    return {name: value for name, value in _POSTGRES.items() if name not in url.query}


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
