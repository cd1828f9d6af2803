"""What the durable queue remembers of one job's steps, read without touching it.

In: a database URL and a job's key. Out: the last checkpoint of each step, by its name. Never: a write, a lock that a
worker would wait for, a database made where there is none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import URL, Engine, column, create_engine, inspect, make_url, select, table
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.checkpoint import Checkpoint
from bot.errors import Code, Refusal, Refused, Unavailable

_TABLE: Final = "operation_outputs"
_SCHEMA: Final = "dbos"
"""Where DBOS keeps its tables on Postgres; in an SQLite file they stand beside ours."""
_SECONDS: Final = 10


def has_records(url: str) -> bool:
    """Whether there can be records at all: an SQLite file that is not there would be made by asking it."""
    parsed = _parsed(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


def read_checkpoints(url: str, job: str) -> Mapping[str, Checkpoint]:
    """The last checkpoint of each step of a job; empty when the job never ran or was pruned.

    Raises Refused(config) for a URL that names no database, Unavailable(internal) when the database does not answer,
    and Refused(syntax) for checkpoints of a version that this one does not know.
    """
    with _engine(_parsed(url)) as engine:
        rows = _rows(engine, job)
    try:
        return {name: Checkpoint.model_validate_json(json.loads(output)) for name, output in rows if name != "wait"}
    except (ValidationError, ValueError, TypeError) as error:
        raise Refused(_unknown(job)) from error


def _rows(engine: Engine, job: str) -> list[tuple[str, str]]:
    """Name and output of each finished step in their order; a step that was tried again stands there twice."""
    schema = None if engine.dialect.name == "sqlite" else _SCHEMA
    outputs = table(
        _TABLE,
        column("workflow_uuid"),
        column("function_id"),
        column("function_name"),
        column("output"),
        schema=schema,
    )
    query = select(outputs.c.function_name, outputs.c.output).where(
        outputs.c.workflow_uuid == job, outputs.c.output.is_not(None)
    )
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(_TABLE, schema=schema):
                return []
            return [(row[0], row[1]) for row in connection.execute(query.order_by(outputs.c.function_id))]
    except SQLAlchemyError as error:
        raise Unavailable(
            Code.INTERNAL,
            f"The database of jobs cannot be read ({type(error).__name__}).",
            remedy="Look at AI_PROVISION_DATABASE_URL, the disk and the database server.",
            retry_after=5.0,
        ) from error


@contextmanager
def _engine(url: URL) -> Iterator[Engine]:
    """An engine whose connections can only read."""
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _sqlite(url: URL) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(url.database or "", timeout=_SECONDS)
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA query_only=ON")
        return connection

    return create_engine("sqlite://", creator=connect, hide_parameters=True)


def _postgres(url: URL) -> Engine:
    options: dict[str, Any] = {"connect_timeout": _SECONDS, "application_name": "ai-provision replay"}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        connect_args={name: value for name, value in options.items() if name not in url.query},
        execution_options={"postgresql_readonly": True},
    )


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise Refused(
            Refusal(
                code=Code.CONFIG,
                message="AI_PROVISION_DATABASE_URL names no database.",
                remedy="Give sqlite:///PATH or postgresql://user@host/name.",
            )
        ) from None


def _unknown(job: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"The steps of job {job[:12]} were recorded by a version that this one does not know.",
        remedy="Replay it with the version that ran it.",
    )
