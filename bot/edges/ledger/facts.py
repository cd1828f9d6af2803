"""The audit log, small facts, and housekeeping.

In and out: nouns. Never: a change to an audit entry, a deletion of what is not finished.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.edges.ledger.database import Database, trouble
from bot.edges.ledger.schema import AUDIT, CURSORS, EVENTS, FEEDBACK, INSTALLATIONS, JOBS
from bot.errors import Code, Refusal, Refused
from bot.model.job import Answered, AuditEntry

_DAY: Final = 86_400.0
_REDELIVERY_DAYS: Final = 3.0
"""GitHub delivers again for three days, under the same id."""


class FactsTables:
    """``bot.records.Audit``, ``Memory`` and ``Keeper`` on a database."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def note(self, entry: AuditEntry) -> None:
        """See ``bot.records.Audit``."""
        row = {**entry.model_dump(), "at": entry.at.timestamp()}
        with self._db.write() as connection:
            connection.execute(self._insertion(AUDIT).values(**row).on_conflict_do_nothing())

    def entries(
        self, *, limit: int, actor: str | None = None, repo: str | None = None, since: datetime | None = None
    ) -> tuple[AuditEntry, ...]:
        """See ``bot.records.Audit``."""
        query = sa.select(*[column for column in AUDIT.c if column.name != "seq"])
        query = query.where(AUDIT.c.actor == actor) if actor is not None else query
        query = query.where(AUDIT.c.repo == repo) if repo is not None else query
        query = query.where(AUDIT.c.at >= since.timestamp()) if since is not None else query
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(AUDIT.c.seq.desc()).limit(limit)).mappings().all()
        return tuple(AuditEntry(**{**row, "at": datetime.fromtimestamp(row["at"], tz=UTC)}) for row in rows)

    def cursor(self, name: str) -> str | None:
        """See ``bot.records.Memory``."""
        with self._db.read() as connection:
            return connection.execute(sa.select(CURSORS.c.value).where(CURSORS.c.name == name)).scalar_one_or_none()

    def set_cursor(self, name: str, value: str) -> None:
        """See ``bot.records.Memory``."""
        self._put(CURSORS, {"name": name}, {"value": value})

    def installation_gone(self, installation: int) -> bool:
        """See ``bot.records.Memory``."""
        query = sa.select(INSTALLATIONS.c.gone).where(INSTALLATIONS.c.id == installation)
        with self._db.read() as connection:
            return bool(connection.execute(query).scalar_one_or_none())

    def set_installation(self, installation: int, *, gone: bool) -> None:
        """See ``bot.records.Memory``."""
        self._put(INSTALLATIONS, {"id": installation}, {"gone": gone})

    def feedback(self, answer: Answered) -> None:
        """See ``bot.records.Memory``."""
        facts = {"value": answer.value, "at": answer.at.timestamp()}
        self._put(FEEDBACK, {"job": answer.job, "login": answer.login}, facts)

    def thumbs(self) -> dict[str, int]:
        """See ``bot.records.Memory``."""
        query = sa.select(FEEDBACK.c.value, sa.func.count()).group_by(FEEDBACK.c.value)
        with self._db.read() as connection:
            counted = {row[0]: row[1] for row in connection.execute(query)}
        return {"up": counted.get("up", 0), "down": counted.get("down", 0)}

    def prune(self, *, keep_days: float) -> int:
        """See ``bot.records.Keeper``."""
        now = self._db.clock.now().timestamp()
        events = now - max(keep_days, _REDELIVERY_DAYS) * _DAY
        with self._db.write() as connection:
            ended = JOBS.delete().where(JOBS.c.state == "ended", JOBS.c.ended_at < now - keep_days * _DAY)
            settled = EVENTS.delete().where(EVENTS.c.note.is_not(None), EVENTS.c.received_at < events)
            return connection.execute(ended).rowcount + connection.execute(settled).rowcount

    def backup(self, path: str) -> None:
        """See ``bot.records.Keeper``. Raises Refused(config) for a file that exists, and on Postgres."""
        if self._db.path is None:
            raise Refused(_no_file())
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise Refused(_unwritable(path, error.strerror or "")) from None
        with trouble():
            _copy(self._db.path, path)

    def _put(self, table: sa.Table, key: dict[str, Any], facts: dict[str, Any]) -> None:
        """Insert the row, or change it."""
        insert = self._insertion(table).values(**key, **facts)
        with self._db.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=facts))

    def _insertion(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._db.is_sqlite else postgresql.insert(table)


def _copy(source: Path, target: str) -> None:
    """SQLite's online copy: consistent, while others write."""
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()


def _no_file() -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message="The records are kept by Postgres, which has its own backup.",
        remedy="Use pg_dump, as docs/operations.md shows.",
    )


def _unwritable(path: str, why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG, message=f"The backup {path} cannot be written: {why}.", remedy="Name a file that is new."
    )
