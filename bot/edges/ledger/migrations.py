"""The schema, step by step: forward only, each step once.

In: a database, perhaps empty. Out: the tables this version knows. Never: a change to a step that was released; a way
back; work on a database that a newer version made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Dialect, func, inspect, select

from bot.edges.ledger.tables import SCHEMA
from bot.errors import Code, Refusal, Refused

Step = Sequence[str]
"""Statements with ``{words}`` that the databases spell differently; ``postgresql:`` begins one for Postgres alone."""

_WORDS: Final = {
    "sqlite": {"key": "INTEGER PRIMARY KEY", "blob": "BLOB", "word": "TEXT"},
    "postgresql": {
        "key": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "blob": "BYTEA",
        "word": 'TEXT COLLATE "C"',
    },
}
_TURN: Final = 0x6169705F736368  # the letters "aip_sch": one process at a time changes the schema

_FIRST: Final[Step] = (
    """CREATE TABLE aip_inbox (
        seq {key}, delivery_id {word} NOT NULL UNIQUE, event TEXT NOT NULL, body {blob}, digest {blob},
        received_at BIGINT NOT NULL, settled_at BIGINT, note TEXT)""",
    # what is stored for a short time and compared at most once is not worth compressing
    "postgresql: ALTER TABLE aip_inbox ALTER COLUMN body SET STORAGE EXTERNAL",
    "CREATE INDEX aip_inbox_unread ON aip_inbox (seq) WHERE settled_at IS NULL",
    "CREATE INDEX aip_inbox_settled ON aip_inbox (settled_at) WHERE settled_at IS NOT NULL",
    """CREATE TABLE aip_jobs (
        seq {key}, id {word} NOT NULL UNIQUE, delivery_id {word} NOT NULL, name TEXT NOT NULL, repo {word} NOT NULL,
        thread {word} NOT NULL, login {word} NOT NULL, instant BOOLEAN NOT NULL, state {word} NOT NULL,
        accepted_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT, parked_until BIGINT, cancelled_by TEXT,
        published TEXT, worker TEXT, noun TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX aip_jobs_holder ON aip_jobs (thread) WHERE state = 'admitted' AND NOT instant",
    "CREATE INDEX aip_jobs_state ON aip_jobs (state, seq)",
    "CREATE INDEX aip_jobs_thread ON aip_jobs (thread, seq)",
    "CREATE INDEX aip_jobs_repo ON aip_jobs (repo, seq)",
    "CREATE INDEX aip_jobs_login ON aip_jobs (login, accepted_at)",
    "CREATE INDEX aip_jobs_ended ON aip_jobs (ended_at) WHERE ended_at IS NOT NULL",
    """CREATE TABLE aip_tally (
        name {word} NOT NULL, kind {word} NOT NULL, code {word} NOT NULL, ended BIGINT NOT NULL,
        PRIMARY KEY (name, kind, code))""",
    """CREATE TABLE aip_audit (
        seq {key}, at BIGINT NOT NULL, job {word}, actor TEXT NOT NULL, repo TEXT NOT NULL, thread BIGINT,
        action {word} NOT NULL, decision TEXT NOT NULL, detail TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX aip_audit_once ON aip_audit (job, action) WHERE job IS NOT NULL",
    "CREATE INDEX aip_audit_actor ON aip_audit (lower(actor), seq)",
    "CREATE INDEX aip_audit_repo ON aip_audit (lower(repo), seq)",
    "CREATE TABLE aip_cursors (name {word} NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE aip_installations_gone (installation BIGINT NOT NULL PRIMARY KEY)",
    """CREATE TABLE aip_feedback (
        job {word} NOT NULL, login {word} NOT NULL, value TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (job, login))""",
    """CREATE TABLE aip_workers (
        id {word} NOT NULL PRIMARY KEY, version TEXT NOT NULL, epoch TEXT, seen_at BIGINT, metrics TEXT NOT NULL)""",
)

_SECOND: Final[Step] = (
    """CREATE TABLE aip_lessons (
        id {word} NOT NULL PRIMARY KEY, kind {word} NOT NULL, repo TEXT, app {word}, namespace {word},
        title TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL, at BIGINT NOT NULL)""",
    "CREATE INDEX aip_lessons_kind ON aip_lessons (kind, at)",
    """CREATE TABLE aip_spending (
        day {word} NOT NULL PRIMARY KEY, calls BIGINT NOT NULL, input_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL, money BIGINT)""",
)

STEPS: Final[tuple[Step, ...]] = (_FIRST, _SECOND)


def migrate(connection: Connection, *, now: datetime, steps: Sequence[Step] = STEPS) -> None:
    """Bring the schema to the version of this program, inside the caller's transaction. Raises Refused(config)."""
    _wait_for_turn(connection)
    version = _version(connection)
    if version > len(steps):
        raise Refused(_newer(version, len(steps)))
    for number, step in enumerate(steps[version:], start=version + 1):
        for statement in _spelled(step, connection.dialect):
            connection.exec_driver_sql(statement)
        connection.execute(SCHEMA.insert().values(version=number, applied_at=now))


def as_it_is(connection: Connection, *, steps: Sequence[Step] = STEPS) -> None:
    """Nothing is changed. Raises Refused(config) unless the schema is the one of this program."""
    version = _stored(connection)
    if version > len(steps):
        raise Refused(_newer(version, len(steps)))
    if version < len(steps):
        raise Refused(_older(version, len(steps)))


def _wait_for_turn(connection: Connection) -> None:
    """Postgres only: SQLite's write transaction is such a turn by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(SCHEMA.name):
        connection.exec_driver_sql("CREATE TABLE aip_schema (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)")
    return _stored(connection)


def _stored(connection: Connection) -> int:
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return int(connection.execute(select(func.coalesce(func.max(SCHEMA.c.version), 0))).scalar_one())


def _spelled(step: Step, dialect: Dialect) -> list[str]:
    words, prefix = _WORDS[dialect.name], "postgresql: "
    kept = [one for one in step if dialect.name == "postgresql" or not one.startswith(prefix)]
    return [one.removeprefix(prefix).format_map(words) for one in kept]


def _newer(found: int, known: int) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The database was made by a newer version: its schema is {found}, this version knows {known}.",
        remedy="Run the newer version again, or restore the backup that was made before the upgrade.",
    )


def _older(found: int, known: int) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The database is of an earlier version: its schema is {found}, this version makes {known}.",
        remedy="Start the server or a worker of this version once; it brings the records up to date.",
    )
