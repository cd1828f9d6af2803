"""What a failing database means: an outage that time mends, a setting that a person mends, or a defect of ours.

In: exceptions of SQLAlchemy, its drivers and the file system. Out: ``Unavailable``, ``Refused(config)``, or the same
again. Never: a URL, a parameter or a row in a message.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from typing import Final

from sqlalchemy import exc

from bot.errors import Code, Refusal, Refused, Unavailable

_RETRY_AFTER: Final = 5.0
_REMEDY: Final = (
    "See that the database runs, that AI_PROVISION_DATABASE_URL names it and a user who may log in, and that its disk "
    "has room."
)
_SILENT: Final = "The database does not answer."
_OUTAGES: Final[dict[int | str, str]] = {
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
"""By SQLite's primary code or Postgres' SQLSTATE."""
_SETTINGS: Final[dict[int | str, str]] = {
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    "42501": "its user may not create tables",  # in a schema it may not use, Postgres says 3F000
    "3F000": "its user may not create tables",
}
"""When it is opened, and only then, these are for a person."""
_RACES: Final = frozenset({"40001", "40P01"})
"""Postgres: serialization failure, deadlock."""
_DEFECTS: Final = (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError)
_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}


@contextlib.contextmanager
def outages() -> Iterator[None]:
    """Raises Unavailable for what is no defect of ours."""
    try:
        yield
    except exc.DBAPIError as problem:
        if _is_defect(problem):
            raise
        raise unavailable(_OUTAGES.get(_code(problem.orig), _SILENT)) from problem
    except sqlite3.Error as problem:
        raise unavailable(_OUTAGES.get(_code(problem), _SILENT)) from problem
    except exc.TimeoutError as problem:
        raise unavailable("Every connection to the database is in use.") from problem


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """Raises Refused(config) for what a person has to mend before anything can work, else as ``outages``."""
    try:
        with outages():
            yield
    except OSError as problem:
        if problem.errno in _DISK:
            raise unavailable("The disk of the database takes no file.") from problem
        raise Refused(_unusable(problem.strerror or "the file cannot be used")) from problem
    except (Unavailable, exc.DBAPIError) as stop:
        cause = _of_the_driver(stop)
        if why := _SETTINGS.get(_code(cause)):
            raise Refused(_unusable(why)) from cause
        raise


def unavailable(message: str) -> Unavailable:
    """The ledger does not take it now."""
    return Unavailable(Code.INTERNAL, message, remedy=_REMEDY, retry_after=_RETRY_AFTER)


def may_repeat(problem: exc.DBAPIError) -> bool:
    """The connection was lost, or two transactions stood in each other's way: the same work again may well go."""
    return problem.connection_invalidated or _code(problem.orig) in _RACES


def malformed() -> Refusal:
    """The database URL is none of ours. Not a word of it: it may hold a password."""
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


def _is_defect(problem: exc.DBAPIError) -> bool:
    """SQLite says "no such table" by the same class as "disk full"."""
    wrong_sql = _code(problem.orig) == sqlite3.SQLITE_ERROR
    return wrong_sql or (isinstance(problem, _DEFECTS) and not problem.connection_invalidated)


def _code(problem: BaseException | None) -> int | str:
    """SQLite's primary code (the driver gives the extended one) or Postgres' SQLSTATE, 0 when there is none."""
    number = getattr(problem, "sqlite_errorcode", None)
    if isinstance(number, int):
        return number & 0xFF
    state = getattr(problem, "sqlstate", None)
    return state if isinstance(state, str) else 0


def _of_the_driver(problem: BaseException | None) -> BaseException | None:
    """What sqlite3 or psycopg said, inside of what SQLAlchemy and we made of it."""
    while isinstance(problem, Unavailable | exc.DBAPIError):
        problem = problem.__cause__ if isinstance(problem, Unavailable) else problem.orig
    return problem
