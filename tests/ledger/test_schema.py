"""Opening: new, again, by many at once, of another version, and by a wrong URL."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect

from bot.edges.ledger import open_ledger
from bot.edges.ledger.database import Database
from bot.edges.ledger.migrations import STEPS, migrate
from bot.edges.ledger.tables import METADATA
from bot.errors import Code, Refused, Unavailable
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import NOON, child, event

OPENER = """
import sys
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.model.command import RawEvent
sys.stdin.readline()
with open_ledger(sys.argv[1], clock=RealClock()) as ledger:
    print(ledger.accept(RawEvent(delivery_id=sys.argv[2], event="ping", body=b"{}")), flush=True)
"""


@pytest.mark.long
def test_four_processes_open_a_new_database_at_once(url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(child(OPENER, url, f"d-{number}")) for number in range(4)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        assert [process.communicate(timeout=60)[0] for process in processes] == [b"stored\n"] * 4
    with open_ledger(url, clock=clock) as ledger:
        assert len(ledger.unread(10)) == 4


def test_the_tables_of_the_queries_are_those_of_the_database(url: str, clock: StoppedClock) -> None:
    open_ledger(url, clock=clock).close()
    database = Database(url)
    with closing(database), database.engine.connect() as connection:
        found = inspect(connection)
        tables = {name: [one["name"] for one in found.get_columns(name)] for name in found.get_table_names()}
    assert tables == {name: list(table.columns.keys()) for name, table in METADATA.tables.items()}
    assert all(name.startswith("aip_") for name in tables)


def test_a_newer_schema_is_refused(url: str, clock: StoppedClock) -> None:
    open_ledger(url, clock=clock).close()
    database = Database(url)
    with closing(database):
        newer = (*STEPS, ("ALTER TABLE aip_inbox ADD COLUMN colour TEXT",))
        database.write(lambda connection: migrate(connection, now=NOON, steps=newer))
    with pytest.raises(Refused) as refused:
        open_ledger(url, clock=clock)
    assert refused.value.refusal.code is Code.CONFIG
    assert f"schema is {len(newer)}, this version knows {len(STEPS)}" in refused.value.refusal.message


def test_records_of_an_earlier_version_are_left_alone_by_a_process_that_only_reads(
    url: str, clock: StoppedClock
) -> None:
    database = Database(url)
    with closing(database):
        database.prepare(lambda connection: migrate(connection, now=NOON, steps=STEPS[:1]))
    with pytest.raises(Refused) as stop:
        open_ledger(url, clock=clock, upgrade=False)
    assert stop.value.refusal.code == Code.CONFIG
    assert "earlier version" in stop.value.refusal.message
    with closing(database):
        assert not database.read(lambda connection: inspect(connection).has_table("aip_lessons"))
    with open_ledger(url, clock=clock):
        pass
    with open_ledger(url, clock=clock, upgrade=False) as ledger:
        assert ledger.lessons() == ()


def test_a_step_is_taken_once_and_rows_stay(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as ledger:
        ledger.accept(event("d-1"))
    steps = (*STEPS, ("ALTER TABLE aip_inbox ADD COLUMN colour TEXT", "UPDATE aip_inbox SET colour = 'blue'"))
    database = Database(url)
    with closing(database):
        for _ in range(2):
            database.write(lambda connection: migrate(connection, now=NOON, steps=steps))
        rows = database.read(lambda c: c.exec_driver_sql("SELECT delivery_id, colour FROM aip_inbox").all())
    assert [tuple(row) for row in rows] == [("d-1", "blue")]


def test_a_step_that_fails_leaves_nothing(url: str, clock: StoppedClock) -> None:
    database = Database(url)
    open_ledger(url, clock=clock).close()
    steps = (*STEPS, ("CREATE TABLE aip_half (a TEXT)", "CREATE TABLE aip_half (a TEXT)"))
    with closing(database):
        with pytest.raises(Exception, match="already exists"):
            database.write(lambda connection: migrate(connection, now=NOON, steps=steps))
        assert "aip_half" not in database.read(lambda connection: inspect(connection).get_table_names())
    open_ledger(url, clock=clock).close()


def test_the_file_is_its_owners_alone(tmp_path: Path, clock: StoppedClock) -> None:
    before = os.umask(0)
    try:
        with open_ledger(f"sqlite:///{tmp_path / 'a' / 'b' / 'ledger.sqlite'}", clock=clock, executor_id="w") as ledger:
            ledger.accept(event("d-1"))
            ledger.enlist("w", "1")
            found = [path for path in tmp_path.rglob("*") if path.name not in {"a", "setup"}]
            assert len(found) == 6, "the folder, the file, its log and index, the leases and one lease"
            assert {path.stat().st_mode & 0o077 for path in found} == {0}
    finally:
        os.umask(before)


def test_every_commit_is_on_disk_before_it_returns(tmp_path: Path, clock: StoppedClock) -> None:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=clock) as ledger:
        for _ in range(2):
            with ledger._db.engine.connect() as one, ledger._db.engine.connect() as two:
                for connection in (one, two):
                    assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                    assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "CANARY",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file.db?mode=CANARY",
        "mysql://ada:CANARY@localhost/db",
        "postgres://ada:CANARY@localhost/db",
        "postgresql://ada:CANARY@localhost",
        "postgresql://ada:CANARY@localhost:99x/db",
        "postgresql+asyncpg://ada:CANARY@localhost/db",
    ],
)
def test_r06_a_wrong_url_is_refused_without_its_password(url: str, clock: StoppedClock) -> None:
    with pytest.raises(Refused) as refused:
        open_ledger(url, clock=clock)
    assert refused.value.refusal.code is Code.CONFIG
    assert "AI_PROVISION_DATABASE_URL" in refused.value.refusal.remedy
    assert "CANARY" not in f"{refused.value.refusal} {refused.value!r} {refused.value.__cause__!r}"


def test_a_server_that_does_not_answer_is_an_outage_without_its_password(clock: StoppedClock) -> None:
    with pytest.raises(Unavailable) as outage:
        open_ledger("postgresql://ada:CANARY@127.0.0.1:1/db", clock=clock)
    assert outage.value.code is Code.INTERNAL
    assert outage.value.retry_after > 0
    assert "CANARY" not in f"{outage.value} {outage.value.remedy} {outage.value.__cause__!r}"


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, clock: StoppedClock) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 200)
    with pytest.raises(Refused, match="no SQLite database"):
        open_ledger(f"sqlite:///{path}", clock=clock)
    assert path.read_text().startswith("Dear Ada")


@pytest.mark.parametrize("path", ["{tmp}", "/dev/null/x/ledger.sqlite", "/proc/ledger.sqlite"])
def test_a_place_that_cannot_hold_a_file_is_refused(path: str, tmp_path: Path, clock: StoppedClock) -> None:
    with pytest.raises(Refused) as refused:
        open_ledger(f"sqlite:///{path.format(tmp=tmp_path)}", clock=clock)
    assert refused.value.refusal.code is Code.CONFIG


def test_a_user_who_may_not_create_tables_is_told(emptied: Callable[[], str], clock: StoppedClock) -> None:
    url = emptied()
    with psycopg.connect(url) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(Refused, match="may not create tables"):
        open_ledger(url.replace("postgres@", "guest@"), clock=clock)
