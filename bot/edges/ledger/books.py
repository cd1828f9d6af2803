"""Small records: the audit log, and facts that outlive a process.

In: entries and values. Out: the same. Never: an audit entry that is changed or deleted.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from bot.edges.ledger.shelf import Shelf, add, put
from bot.edges.ledger.tables import AUDIT, CURSORS, FEEDBACK, GONE
from bot.model.job import Answered, AuditEntry


class SqlAudit(Shelf):
    """``bot.records.Audit``."""

    def note(self, entry: AuditEntry) -> None:
        """See ``bot.records.Audit``."""
        self._db.write(lambda connection: add(connection, AUDIT, entry.model_dump()))

    def entries(
        self, *, limit: int, actor: str | None = None, repo: str | None = None, since: datetime | None = None
    ) -> tuple[AuditEntry, ...]:
        """See ``bot.records.Audit``."""
        columns = [AUDIT.c[name] for name in AuditEntry.model_fields]
        query = select(*columns).order_by(AUDIT.c.seq.desc()).limit(limit)
        if actor is not None:
            query = query.where(func.lower(AUDIT.c.actor) == actor.lower())
        if repo is not None:
            query = query.where(func.lower(AUDIT.c.repo) == repo.lower())
        if since is not None:
            query = query.where(AUDIT.c.at >= since)
        rows = self._db.read(lambda connection: connection.execute(query).mappings().all())
        return tuple(AuditEntry.model_validate(dict(row)) for row in rows)


class SqlMemory(Shelf):
    """``bot.records.Memory``."""

    def cursor(self, name: str) -> str | None:
        """See ``bot.records.Memory``."""
        query = select(CURSORS.c.value).where(CURSORS.c.name == name)
        return self._db.read(lambda connection: connection.execute(query).scalar())

    def set_cursor(self, name: str, value: str) -> None:
        """See ``bot.records.Memory``."""
        self._db.write(lambda connection: put(connection, CURSORS, {"name": name, "value": value}, key=["name"]))

    def installation_gone(self, installation: int) -> bool:
        """See ``bot.records.Memory``."""
        query = select(GONE.c.installation).where(GONE.c.installation == installation)
        return self._db.read(lambda connection: connection.execute(query).first() is not None)

    def set_installation(self, installation: int, *, gone: bool) -> None:
        """See ``bot.records.Memory``."""
        if gone:
            self._db.write(lambda connection: add(connection, GONE, {"installation": installation}))
        else:
            back = delete(GONE).where(GONE.c.installation == installation)
            self._db.write(lambda connection: connection.execute(back).rowcount)

    def feedback(self, answer: Answered) -> None:
        """See ``bot.records.Memory``."""
        self._db.write(lambda connection: put(connection, FEEDBACK, answer.model_dump(), key=["job", "login"]))

    def thumbs(self) -> dict[str, int]:
        """See ``bot.records.Memory``."""
        query = select(FEEDBACK.c.value, func.count().label("people")).group_by(FEEDBACK.c.value)
        found = self._db.read(lambda connection: connection.execute(query).all())
        return {"up": 0, "down": 0} | {row.value: row.people for row in found}
