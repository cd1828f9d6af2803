"""The contract of the ledger is tested on both databases: ``url`` is a new SQLite file, then a new Postgres database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bot.edges.ledger import SqlLedger, open_ledger
from tests.fakes.clock import StoppedClock
from tests.postgres_server import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def emptied(postgres: PostgresServer) -> Callable[[], str]:
    """Empties one database again and again: a new one for each test would take a second and 7 MB."""
    url = postgres.database()

    def empty() -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return url

    return empty


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'ledger.sqlite'}"
    return request.getfixturevalue("emptied")()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def ledger(url: str, clock: StoppedClock) -> Iterator[SqlLedger]:
    with open_ledger(url, clock=clock, executor_id="worker-0") as opened:
        yield opened
