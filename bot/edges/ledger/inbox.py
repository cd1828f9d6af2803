"""Events on disk: many in one transaction, each once, known by id and by the hash of its body.

In: verified events. Out: receipts, given when the event is on disk. Never: a receipt before that, an event twice.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final, cast

import sqlalchemy as sa

from bot.edges.ledger.database import Database
from bot.edges.ledger.schema import EVENTS, JOBS
from bot.errors import Code, Unavailable
from bot.model.command import RawEvent
from bot.model.job import Backlog
from bot.records import Receipt

_GROUP: Final = 256
"""Events of one transaction at most; more wait for the next."""
_WAITING: Final = 10_000
_COLUMNS: Final = ("delivery_id", "event", "body", "digest", "received_at")

_Entry = tuple[RawEvent, "Future[Receipt]"]


class InboxTable:
    """``bot.records.Inbox`` on a database, with one thread that writes groups."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._queue: queue.Queue[_Entry | None] = queue.Queue(maxsize=_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._sql: dict[int, str] = {}

    def submit(self, event: RawEvent) -> Future[Receipt]:
        """See ``bot.records.Inbox``. Raises queue.Full when 10,000 wait."""
        future: Future[Receipt] = Future()
        if self._thread is None:
            self._start()
        self._queue.put_nowait((event, future))
        return future

    def accept(self, event: RawEvent) -> Receipt:
        """See ``bot.records.Inbox``. Raises Unavailable."""
        return self._store([event])[0]

    def backlog(self) -> Backlog:
        """See ``bot.records.Inbox``."""
        now = self._db.clock.now().timestamp()
        with self._db.read() as connection:
            events, first = _waiting(connection, EVENTS.c.received_at, EVENTS.c.note.is_(None))
            commands, oldest = _waiting(connection, JOBS.c.accepted_at, JOBS.c.state != "ended")
        return Backlog(
            events=events,
            event_age=max(0.0, now - first) if first else 0.0,
            commands=commands,
            command_age=max(0.0, now - oldest) if oldest else 0.0,
        )

    def flush(self) -> None:
        """Store what was submitted, and end the thread."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise Unavailable(Code.INTERNAL, "The ledger is closed.", remedy="Redeliver later.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            group, last = self._group()
            if group:
                self._serve(group)
            if last:
                return

    def _group(self) -> tuple[list[_Entry], bool]:
        """What waits, at least one entry; whether it was the last."""
        group: list[_Entry] = []
        entry = self._queue.get()
        while entry is not None:
            group.append(entry)
            if len(group) == _GROUP:
                return group, False
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _serve(self, group: Sequence[_Entry]) -> None:
        try:
            receipts = self._store([event for event, _ in group])
        except Exception as problem:  # noqa: BLE001 - each waiter hears what its write raised
            for _, future in group:
                future.set_exception(problem)
            return
        for (_, future), receipt in zip(group, receipts, strict=True):
            future.set_result(receipt)

    def _store(self, events: Sequence[RawEvent]) -> list[Receipt]:
        """One transaction for all; the receipt of each."""
        now = self._db.clock.now().timestamp()
        digests = [hashlib.sha256(event.body).digest() for event in events]
        first: dict[str, tuple[Any, ...]] = {}
        for event, digest in zip(events, digests, strict=True):
            first.setdefault(event.delivery_id, (event.delivery_id, event.event, event.body, digest, now))
        with self._db.write() as connection:
            new = self._insert(connection, list(first.values()))
            known = self._known(connection, [name for name in first if name not in new])
        receipts: list[Receipt] = []
        for event, digest in zip(events, digests, strict=True):
            name = event.delivery_id
            fresh = name in new and first[name][3] == digest
            receipts.append("stored" if fresh else _again(known.get(name, cast("bytes", first[name][3])), digest))
            if fresh:
                new.discard(name)
        return receipts

    def _insert(self, connection: sa.Connection, rows: list[tuple[Any, ...]]) -> set[str]:
        """The ids that were not there before. Plain SQL: compiling an expression of this size costs too much."""
        statement = self._sql.get(len(rows))
        if statement is None:
            mark = "?" if self._db.is_sqlite else "%s"
            row = f"({', '.join([mark] * len(_COLUMNS))})"
            statement = self._sql[len(rows)] = (
                f"INSERT INTO {EVENTS.name} ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * len(rows))} "  # noqa: S608
                "ON CONFLICT (delivery_id) DO NOTHING RETURNING delivery_id"
            )
        result = connection.exec_driver_sql(statement, tuple(value for row in rows for value in row))
        return {name for (name,) in result}

    def _known(self, connection: sa.Connection, names: list[str]) -> dict[str, bytes]:
        if not names:
            return {}
        rows = connection.execute(
            sa.select(EVENTS.c.delivery_id, EVENTS.c.digest).where(EVENTS.c.delivery_id.in_(names))
        )
        return {name: bytes(digest) for name, digest in rows}


def _again(known: bytes, digest: bytes) -> Receipt:
    return "seen" if known == digest else "altered"


def _waiting(
    connection: sa.Connection, moment: sa.Column[float], open_: sa.ColumnElement[bool]
) -> tuple[int, float | None]:
    count, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(moment)).where(open_)).one()
    return int(count), oldest
