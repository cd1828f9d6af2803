"""Housekeeping: old rows and backups.

In: days, a path. Out: fewer rows, a copy. Never: an unended command or an audit entry deleted; a file overwritten.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select

from bot.edges.ledger.database import BUSY_SECONDS
from bot.edges.ledger.failures import outages
from bot.edges.ledger.shelf import Shelf
from bot.edges.ledger.tables import INBOX, JOBS
from bot.errors import Code, Refusal, Refused

_LEAST_DAYS: Final = 3.0
"""GitHub redelivers for three days, and what was done has to be known as long as that."""
_ROWS: Final = 500
"""Deleted in one transaction, so that arriving events wait for milliseconds and no longer."""


class SqlKeeper(Shelf):
    """``bot.records.Keeper``."""

    def prune(self, *, keep_days: float) -> int:
        """See ``bot.records.Keeper``. Three days are kept at least."""
        before = self._clock.now() - timedelta(days=max(keep_days, _LEAST_DAYS))
        ended = JOBS.c.ended_at < before
        return self._delete(INBOX, INBOX.c.settled_at < before) + self._delete(JOBS, ended)

    def backup(self, path: str) -> None:
        """See ``bot.records.Keeper``. Raises Refused(config) also for a path that exists; nothing half-made is left."""
        if self._db.file is None:
            raise Refused(_no_backup("a Postgres database is not a file", "Use pg_dump."))
        target = Path(path)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        if target.exists():
            raise Refused(_no_backup(f"{target.name} exists already", "Name a new file."))
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            with outages():
                _copy(self._db.file, part)
            os.link(part, target)
        except OSError as problem:
            raise Refused(_no_backup(problem.strerror or "it cannot be written", "Name a folder with room.")) from None
        finally:
            part.unlink(missing_ok=True)

    def _delete(self, table: Table, old: ColumnElement[bool]) -> int:
        some = select(table.c.seq).where(old).limit(_ROWS)
        statement = delete(table).where(table.c.seq.in_(some))
        total = 0
        while count := self._db.write(lambda connection: connection.execute(statement).rowcount):
            total += count
        return total


def _copy(source: Path, target: Path) -> None:
    """In one step: a copy in many would begin again after every write of another process."""
    with contextlib.closing(_opened(source)) as live, contextlib.closing(_opened(target)) as copy:
        live.backup(copy)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _no_backup(why: str, remedy: str) -> Refusal:
    return Refusal(code=Code.CONFIG, message=f"No backup: {why}.", remedy=remedy)
