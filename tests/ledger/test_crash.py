"""What was acknowledged is there afterwards: kill -9, a full disk, a database that goes away."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.edges.ledger import SqlLedger, open_ledger
from bot.errors import Unavailable
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import DONE, child, event, job, queued
from tests.postgres_server import PostgresServer, postgres_server

SENDER = """
import sys
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.model.command import RawEvent
ledger = open_ledger(sys.argv[1], clock=RealClock())
names = iter(range(10**9))
waiting = []
while True:
    while len(waiting) < 200:
        name = f"{sys.argv[2]}-{next(names)}"
        waiting.append((name, ledger.submit(RawEvent(delivery_id=name, event="issues", body=name.encode() * 500))))
    name, future = waiting.pop(0)
    print(name, future.result(), flush=True)
"""


def test_h01_what_a_killed_process_acknowledged_is_on_disk(url: str, clock: StoppedClock) -> None:
    acknowledged: set[str] = set()
    for life in range(3):
        with child(SENDER, url, f"life{life}") as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(300 + 150 * life)]
            os.kill(process.pid, signal.SIGKILL)
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        acknowledged |= {line.split()[0].decode() for line in lines}
        assert all(line.split()[1] == b"stored" for line in lines)
    with open_ledger(url, clock=clock) as ledger:
        stored = {one.delivery_id: one.body for one in ledger.unread(1_000_000)}
    assert len(acknowledged) >= 1350
    assert acknowledged <= stored.keys()
    assert all(body == name.encode() * 500 for name, body in stored.items()), "nothing half-written"


FILLER = """
import resource, sys
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.errors import Unavailable
from bot.model.command import RawEvent

def event(name):
    return RawEvent(delivery_id=name, event="issues", body=b"x" * 10_000)

ledger = open_ledger(sys.argv[1], clock=RealClock())
ledger.accept(event("before"))
soft = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
number = 0
try:
    while number < 1_000:
        print(f"full-{number}", ledger.accept(event(f"full-{number}")), flush=True)
        number += 1
except Unavailable as stop:
    print("unavailable", stop.code, stop.retry_after > 0, flush=True)
try:
    ledger.set_cursor("a", "b" * 100_000)
except Unavailable as stop:
    print("unavailable", stop.code, stop.retry_after > 0, flush=True)
print("readable", len(ledger.unread(5_000)) - 1 == number, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("after", ledger.accept(event("after")), flush=True)
ledger.close()
"""


def test_h01_a_full_disk_is_an_outage_that_heals(tmp_path: Path, clock: StoppedClock) -> None:
    file = tmp_path / "ledger.sqlite"
    with child(FILLER, f"sqlite:///{file}", str(2 * 1024 * 1024)) as process:
        lines = process.communicate(timeout=60)[0].decode().splitlines()
    stored = [line.split()[0] for line in lines if line.endswith(" stored")]
    said = [line for line in lines if not line.endswith(" stored")]
    assert said == ["unavailable internal True", "unavailable internal True", "readable True"]
    assert stored[-1] == "after"
    assert len(stored) > 20
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with open_ledger(f"sqlite:///{file}", clock=clock) as ledger:
        assert [one.delivery_id for one in ledger.unread(5_000)] == ["before", *stored]


def test_a_file_that_takes_no_write_is_an_outage_that_heals(tmp_path: Path, clock: StoppedClock) -> None:
    file = tmp_path / "ledger.sqlite"
    with open_ledger(f"sqlite:///{file}", clock=clock) as ledger:
        with ledger._db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(Unavailable, match="takes no write"):
            ledger.set_cursor("a", "b")
        ledger._db.engine.dispose()
        ledger.set_cursor("a", "c")
        assert ledger.cursor("a") == "c"


def test_a_connection_lost_in_the_middle_is_no_outage(emptied: Callable[[], str], clock: StoppedClock) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> int:
        attempts.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        if len(attempts) == 1:
            with psycopg.connect(url) as killer:
                killer.execute("SELECT pg_terminate_backend(%s)", attempts)
        return connection.exec_driver_sql("SELECT 7").scalar_one()

    url = emptied()
    with open_ledger(url, clock=clock) as ledger:
        assert ledger._db.write(work) == 7
    assert len(set(attempts)) == len(attempts) == 2


def test_what_fails_for_another_reason_is_not_tried_again(ledger: SqlLedger) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        connection.exec_driver_sql("SELECT 1 FROM no_such_table")

    with pytest.raises(DBAPIError):
        ledger._db.write(work)
    assert attempts == [1]


def test_a_defect_is_no_outage(ledger: SqlLedger) -> None:
    with pytest.raises(Exception, match="no_such_table") as defect:
        ledger._db.read(lambda connection: connection.exec_driver_sql("SELECT 1 FROM no_such_table").scalar())
    assert not isinstance(defect.value, Unavailable)


@pytest.fixture
def own_server() -> PostgresServer:
    with postgres_server() as server:
        yield server


class Sender(threading.Thread):
    """Submits until it is told to stop, and keeps what was acknowledged and how often it was refused."""

    def __init__(self, ledger: SqlLedger) -> None:
        super().__init__()
        self.ledger = ledger
        self.enough = threading.Event()
        self.acknowledged: list[str] = []
        self.refused = 0
        self.other: list[BaseException] = []

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            number += 1
            try:
                self.ledger.accept(event(f"d-{number}", b"x" * 2_000))
                self.acknowledged.append(f"d-{number}")
            except Unavailable:
                self.refused += 1
                time.sleep(0.01)
            except Exception as problem:  # noqa: BLE001 - the test looks at it
                self.other.append(problem)
                return

    def grown(self, by: int) -> None:
        aim, end = len(self.acknowledged) + by, time.monotonic() + 30
        while len(self.acknowledged) < aim and not self.other:
            assert time.monotonic() < end, "it does not heal"
            time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
def test_h01_postgres_is_restarted_in_the_middle(
    own_server: PostgresServer, clock: StoppedClock, how: signal.Signals
) -> None:
    with open_ledger(own_server.database(), clock=clock, executor_id="a") as ledger:
        assert ledger.enlist("a", "1")
        queued(ledger, job(1))
        sender = Sender(ledger)
        sender.start()
        try:
            sender.grown(50)
            own_server.stop(how)
            with pytest.raises(Unavailable):
                ledger.listing(limit=1)
            assert ledger.leading(), "an outage of some seconds takes no lease away"
            while not sender.refused:
                time.sleep(0.01)
            ledger._proved -= 11
            assert not ledger.leading(), "an outage that lasts does: others may be able to reach the database"
            own_server.start()
            sender.grown(50)
        finally:
            sender.enough.set()
            sender.join()
        assert sender.other == []
        assert set(sender.acknowledged) <= {one.delivery_id for one in ledger.unread(1_000_000)}
        assert ledger.leading(), "nobody took over meanwhile"
        ledger.end(job(1).id, DONE)
        assert ledger.outcomes() == {("/ai-provision", "pull-request", ""): 1}
