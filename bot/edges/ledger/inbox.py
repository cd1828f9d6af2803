"""The inbox: verified events on disk before they are acknowledged, read once by a worker.

In: raw events. Out: receipts, and later the events in order of arrival. Never: a second row for a delivery id; a body
that is kept after it was read.
"""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select, update

from bot.edges.ledger.database import Database
from bot.edges.ledger.failures import unavailable
from bot.edges.ledger.jobs import row_of
from bot.edges.ledger.shelf import Shelf, add
from bot.edges.ledger.tables import INBOX, JOBS, Moment
from bot.edges.ledger.writer import GroupWriter
from bot.model.command import RawEvent
from bot.model.job import Backlog, Job
from bot.ports import Clock
from bot.records import Receipt

_SQLITE: Final = (
    "INSERT INTO aip_inbox (delivery_id, event, body, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_POSTGRES: Final = """
INSERT INTO aip_inbox (delivery_id, event, body, received_at)
SELECT delivery_id, event, body, %s
FROM unnest(%s::text[], %s::text[], %b::bytea[]) WITH ORDINALITY AS given (delivery_id, event, body, place)
ORDER BY place
ON CONFLICT DO NOTHING RETURNING delivery_id
"""
_UNREAD: Final = INBOX.c.settled_at.is_(None)


class SqlInbox(Shelf):
    """``bot.records.Inbox`` and ``Intake``."""

    def __init__(self, database: Database, *, clock: Clock, me: str | None) -> None:
        super().__init__(database, clock=clock, me=me)
        self._writer = GroupWriter(self._store)

    def submit(self, event: RawEvent) -> Future[Receipt]:
        """See ``bot.records.Inbox``. Raises queue.Full at once when too many wait."""
        return self._writer.submit(event)

    def accept(self, event: RawEvent) -> Receipt:
        """See ``bot.records.Inbox``."""
        try:
            return self._writer.submit(event).result()
        except queue.Full:
            raise unavailable("Too many events wait to be stored.") from None

    def backlog(self) -> Backlog:
        """See ``bot.records.Inbox``. Ages are those of the first in line."""
        now = self._clock.now()

        def read(connection: Connection) -> Backlog:
            events = connection.execute(select(func.count()).where(_UNREAD)).scalar_one()
            received = select(INBOX.c.received_at).where(_UNREAD).order_by(INBOX.c.seq).limit(1)
            open_ = JOBS.c.state.in_(("queued", "handed", "admitted"))
            commands = connection.execute(select(func.count(), func.min(JOBS.c.seq)).where(open_)).one()
            accepted = select(JOBS.c.accepted_at).where(JOBS.c.seq == commands[1])
            return Backlog(
                events=events,
                event_age=_age(now, connection.execute(received).scalar()),
                commands=commands[0],
                command_age=_age(now, connection.execute(accepted).scalar()),
            )

        return self._db.read(read)

    def unread(self, limit: int) -> tuple[RawEvent, ...]:
        """See ``bot.records.Intake``."""
        query = select(INBOX.c.delivery_id, INBOX.c.event, INBOX.c.body).where(_UNREAD).order_by(INBOX.c.seq)
        rows = self._db.read(lambda connection: connection.execute(query.limit(limit)).all())
        return tuple(RawEvent(delivery_id=row.delivery_id, event=row.event, body=row.body) for row in rows)

    def settle(self, delivery_id: str, *, job: Job | None, note: str) -> bool:
        """See ``bot.records.Intake``. A repeat for the same delivery gives the same answer; False without a job."""
        now = self._clock.now()

        def settled(connection: Connection) -> bool:
            _drop_body(connection, delivery_id, note=note, now=now)
            if job is None or add(connection, JOBS, row_of(job, delivery_id)):
                return job is not None
            first = select(JOBS.c.delivery_id).where(JOBS.c.id == job.id)
            return bool(connection.execute(first).scalar_one() == delivery_id)

        return self._db.write(settled)

    def _store(self, events: Sequence[RawEvent]) -> list[Receipt]:
        """One transaction for all. Of two with one id in a group the first counts."""
        now = Moment().process_bind_param(self._clock.now(), self._db.engine.dialect)
        first: dict[str, RawEvent] = {}
        for event in events:
            first.setdefault(event.delivery_id, event)
        insert = _insert_sqlite if self._db.file else _insert_postgres
        known = self._db.write(lambda connection: insert(connection, list(first.values()), now))
        new = first.keys() - known.keys()
        return [_receipt(event, first[event.delivery_id], known.get(event.delivery_id), new) for event in events]


class _Stored(NamedTuple):
    """A row that was there before. ``digest`` is None until it is settled, ``body`` from then on."""

    seq: int
    body: bytes | None
    digest: bytes | None


Known = Mapping[str, _Stored]
"""By delivery id."""


def _insert_sqlite(connection: Connection, events: Sequence[RawEvent], now: int | None) -> Known:
    rows = [(event.delivery_id, event.event, event.body, now) for event in events]
    stored = connection.exec_driver_sql(_SQLITE, rows).rowcount
    if stored == len(rows):
        return {}
    newest = (
        connection.execute(select(func.max(INBOX.c.seq))).scalar_one() - stored
    )  # ours are the last, without a hole
    known = _known(connection, [event.delivery_id for event in events])
    return {key: row for key, row in known.items() if row.seq <= newest}


def _insert_postgres(connection: Connection, events: Sequence[RawEvent], now: int | None) -> Known:
    ids = [event.delivery_id for event in events]
    kinds, bodies = [event.event for event in events], [event.body for event in events]
    stored = set(connection.exec_driver_sql(_POSTGRES, (now, ids, kinds, bodies)).scalars())
    return _known(connection, [one for one in ids if one not in stored]) if len(stored) < len(ids) else {}


def _known(connection: Connection, ids: Sequence[str]) -> Known:
    query = select(INBOX.c.seq, INBOX.c.delivery_id, INBOX.c.body, INBOX.c.digest).where(INBOX.c.delivery_id.in_(ids))
    rows = connection.execute(query)
    return {row.delivery_id: _Stored(seq=row.seq, body=row.body, digest=row.digest) for row in rows}


def _receipt(event: RawEvent, first: RawEvent, known: _Stored | None, new: set[str]) -> Receipt:
    """``new``: ids that this group stored and nobody was told of yet."""
    if event.delivery_id in new:
        new.remove(event.delivery_id)
        return "stored"
    if known is None:
        same = event.body == first.body
    elif known.digest is not None:
        same = known.digest == _digest(event.body)
    else:
        same = known.body == event.body
    return "seen" if same else "altered"


def _drop_body(connection: Connection, delivery_id: str, *, note: str, now: datetime) -> None:
    """Keep the digest alone: taken here and not at the door, where it would cost the sender its time."""
    this = INBOX.c.delivery_id == delivery_id
    body = connection.execute(select(INBOX.c.body).where(this, _UNREAD)).scalar()
    if body is not None:
        values = {"body": None, "digest": _digest(body), "settled_at": now, "note": note}
        connection.execute(update(INBOX).where(this, _UNREAD).values(values))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _age(now: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
