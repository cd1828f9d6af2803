"""The tables as the queries see them; ``migrations`` makes them.

In: nothing. Out: SQLAlchemy tables. Never: DDL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Dialect, LargeBinary, MetaData, Table, Text, TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """A time as microseconds since 1970, exact and the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Microseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """A time in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


METADATA: Final = MetaData()

SCHEMA: Final = Table(
    "aip_schema", METADATA, Column("version", BigInteger, primary_key=True), Column("applied_at", Moment)
)

INBOX: Final = Table(
    "aip_inbox",
    METADATA,
    Column("seq", BigInteger, primary_key=True),
    Column("delivery_id", Text),
    Column("event", Text),
    Column("body", LargeBinary),
    Column("digest", LargeBinary),
    Column("received_at", Moment),
    Column("settled_at", Moment),
    Column("note", Text),
)

JOBS: Final = Table(
    "aip_jobs",
    METADATA,
    Column("seq", BigInteger, primary_key=True),
    Column("id", Text),
    Column("delivery_id", Text),
    Column("name", Text),
    Column("repo", Text),
    Column("thread", Text),
    Column("login", Text),
    Column("instant", Boolean),
    Column("state", Text),
    Column("accepted_at", Moment),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("parked_until", Moment),
    Column("cancelled_by", Text),
    Column("published", Text),
    Column("worker", Text),
    Column("noun", Text),
)

TALLY: Final = Table(
    "aip_tally",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("ended", BigInteger),
)

AUDIT: Final = Table(
    "aip_audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True),
    Column("at", Moment),
    Column("job", Text),
    Column("actor", Text),
    Column("repo", Text),
    Column("thread", BigInteger),
    Column("action", Text),
    Column("decision", Text),
    Column("detail", Text),
)

CURSORS: Final = Table("aip_cursors", METADATA, Column("name", Text, primary_key=True), Column("value", Text))

GONE: Final = Table("aip_installations_gone", METADATA, Column("installation", BigInteger, primary_key=True))

FEEDBACK: Final = Table(
    "aip_feedback",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("login", Text, primary_key=True),
    Column("value", Text),
    Column("at", Moment),
)

WORKERS: Final = Table(
    "aip_workers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("version", Text),
    Column("epoch", Text),
    Column("seen_at", Moment),
    Column("metrics", Text),
)

LESSONS: Final = Table(
    "aip_lessons",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text),
    Column("repo", Text),
    Column("app", Text),
    Column("namespace", Text),
    Column("title", Text),
    Column("text", Text),
    Column("data", Text),
    Column("at", Moment),
)

SPENDING: Final = Table(
    "aip_spending",
    METADATA,
    Column("day", Text, primary_key=True),
    Column("calls", BigInteger),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("money", BigInteger),
)
"""``money`` in millionths of a US dollar, null while no price is known."""
