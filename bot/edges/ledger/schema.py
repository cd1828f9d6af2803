"""The tables of the records, and the steps from one version of them to the next.

In: a connection. Out: tables that are there. Never: a change of a step that a release has made; a table of DBOS, which
lives in the same database under other names.

Nouns are kept as JSON beside the columns that are searched. A reader of the next version reads rows of this one, so a
new field of ``Job`` and of what it holds needs a default.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from bot.errors import Code, Refusal, Refused

VERSION: Final = 1
_META: Final = sa.MetaData()
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite counts up by itself only in a column of exactly this type."""

VERSIONS: Final = sa.Table("aip_schema", _META, sa.Column("version", sa.Integer, primary_key=True))
EVENTS: Final = sa.Table(
    "aip_events",
    _META,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("delivery_id", sa.String(100), nullable=False, unique=True),
    sa.Column("event", sa.String(60), nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("received_at", sa.Double, nullable=False),
    sa.Column("note", sa.String(20)),
    sqlite_autoincrement=True,
)
UNREAD: Final = sa.Index(
    "aip_events_unread",
    EVENTS.c.seq,
    sqlite_where=EVENTS.c.note.is_(None),
    postgresql_where=EVENTS.c.note.is_(None),
)
JOBS: Final = sa.Table(
    "aip_jobs",
    _META,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("repo", sa.String(200), nullable=False),
    sa.Column("thread", sa.String(220), nullable=False),
    sa.Column("login", sa.String(120), nullable=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("immediate", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("kind", sa.String(20)),
    sa.Column("code", sa.String(40)),
    sa.Column("accepted_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("ended_at", sa.Double),
    sa.Column("parked_until", sa.Double),
    sa.Column("cancelled_by", sa.String(120)),
    sa.Column("published", sa.Text),
    sa.Column("noun", sa.Text, nullable=False),
    sa.Index("aip_jobs_state", "state", "seq"),
    sa.Index("aip_jobs_thread", "thread", "seq"),
    sa.Index("aip_jobs_login", "login", "accepted_at"),
    sqlite_autoincrement=True,
)
HOLDS: Final = sa.Table(
    "aip_holds",
    _META,
    sa.Column("thread", sa.String(220), primary_key=True),
    sa.Column("job", sa.String(64), nullable=False),
)
AUDIT: Final = sa.Table(
    "aip_audit",
    _META,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("job", sa.String(64)),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("repo", sa.String(200), nullable=False),
    sa.Column("thread", sa.Integer),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("decision", sa.String(80), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.UniqueConstraint("job", "action"),
    sqlite_autoincrement=True,
)
CURSORS: Final = sa.Table(
    "aip_cursors",
    _META,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
INSTALLATIONS: Final = sa.Table(
    "aip_installations",
    _META,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("gone", sa.Boolean, nullable=False),
)
FEEDBACK: Final = sa.Table(
    "aip_feedback",
    _META,
    sa.Column("job", sa.String(64), primary_key=True),
    sa.Column("login", sa.String(120), primary_key=True),
    sa.Column("value", sa.String(4), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
WORKERS: Final = sa.Table(
    "aip_workers",
    _META,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("metrics", sa.Text, nullable=False),
)
_LOCK: Final = 7_240_121
"""The number of the Postgres lock under which tables are made."""


def migrate(connection: sa.Connection) -> None:
    """Make what is missing, inside the caller's transaction. Raises Refused(config) for tables of a later version."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    VERSIONS.create(connection, checkfirst=True)
    found = connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar()
    if found is not None and found > VERSION:
        raise Refused(_from_the_future(found))
    if found is None:
        _META.create_all(connection, checkfirst=True)
        connection.execute(VERSIONS.insert().values(version=VERSION))


def _from_the_future(found: int) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The database was made by a later version (records {found}, known {VERSION}).",
        remedy="Start that version again, or restore the backup from before the upgrade.",
    )
