"""What every part of the ledger stands on.

In: a database and the clock. Out: the same to each part. Never: a connection that stays open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from bot.edges.ledger.database import Database
from bot.ports import Clock


class Shelf:
    """``me``: the executor id of this process, None for one that runs no commands."""

    def __init__(self, database: Database, *, clock: Clock, me: str | None) -> None:
        self._db = database
        self._clock = clock
        self._me = me


def add(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; whether it went in."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return connection.execute(insert(table).values(**row).on_conflict_do_nothing()).rowcount == 1


def put(connection: Connection, table: Table, row: Mapping[str, Any], *, key: Sequence[str]) -> None:
    """Insert a row, or change the one with its key."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rest = {name: value for name, value in row.items() if name not in key}
    connection.execute(insert(table).values(**row).on_conflict_do_update(index_elements=list(key), set_=rest))
