"""All records together, opened.

In: a database URL and the clock. Out: one ledger that many threads and processes may use at once. Never: a ledger
whose schema this version does not know.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from bot.edges.ledger.books import SqlAudit, SqlMemory
from bot.edges.ledger.database import Database
from bot.edges.ledger.inbox import SqlInbox
from bot.edges.ledger.jobs import SqlJobs
from bot.edges.ledger.keeper import SqlKeeper
from bot.edges.ledger.lessons import SqlLessons, SqlSpending
from bot.edges.ledger.migrations import as_it_is, migrate
from bot.edges.ledger.workers import SqlWorkers
from bot.ports import Clock


class SqlLedger(SqlInbox, SqlJobs, SqlAudit, SqlMemory, SqlWorkers, SqlKeeper, SqlLessons, SqlSpending):
    """``bot.records.Ledger``, and ``Lessons`` and ``Spending`` of ``bot.counsel``, on SQLite or Postgres; a context
    manager that closes itself.
    """

    def close(self) -> None:
        """Store what was submitted, end the threads, give the leases back."""
        self._writer.close()
        self._locks.close()
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def open_ledger(url: str, *, clock: Clock, executor_id: str | None = None, upgrade: bool = True) -> SqlLedger:
    """The ledger at ``sqlite:///PATH`` or ``postgresql://…``, made where it is new.

    ``executor_id`` is the worker of this process, None where no command runs; without ``upgrade`` the records of
    another version are refused instead of changed. Raises Refused(config) for a URL, a login or a schema that only a
    person can mend, Unavailable(internal) for what time may mend.
    """
    database = Database(url)
    database.prepare(lambda connection: migrate(connection, now=clock.now()) if upgrade else as_it_is(connection))
    return SqlLedger(database, clock=clock, me=executor_id)
