"""Old rows go, unended ones stay; a backup is the same ledger again."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.edges.ledger import SqlLedger, open_ledger
from bot.errors import Code, Refused
from bot.model.job import AuditEntry
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import DONE, NOON, event, job, queued

DAY = 86_400.0


def test_pruning_takes_what_is_old_and_over(ledger: SqlLedger, clock: StoppedClock) -> None:
    old, unended, fresh = job(1), job(2, thread=2), job(3, thread=3)
    queued(ledger, old, unended)
    ledger.accept(event("unread"))
    ledger.end(old.id, DONE)
    ledger.note(AuditEntry(at=NOON, job=old.id, actor="a", repo="r", thread=1, action="end", decision="d"))
    clock.sleep(10 * DAY)
    queued(ledger, fresh)
    ledger.end(fresh.id, DONE)
    clock.sleep(1)
    assert ledger.prune(keep_days=10) == 3, "two events and a job"
    assert [one.order.comment_id for one in ledger.listing(limit=9)] == [3, 2]
    assert [one.delivery_id for one in ledger.unread(9)] == ["unread"]
    assert ledger.accept(event("delivery-1")) == "stored", "its id is forgotten"
    assert ledger.accept(event("delivery-3")) == "seen"
    assert len(ledger.entries(limit=9)) == 1
    assert ledger.outcomes() == {("/ai-provision", "pull-request", ""): 2}, "a counter never falls"
    assert ledger.prune(keep_days=10) == 0


def test_ids_are_kept_as_long_as_github_redelivers(ledger: SqlLedger, clock: StoppedClock) -> None:
    queued(ledger, job(1))
    ledger.end(job(1).id, DONE)
    clock.sleep(3 * DAY - 1)
    assert ledger.prune(keep_days=0) == 0
    assert ledger.accept(event("delivery-1")) == "seen"
    assert not ledger.settle("poll-1", job=job(1), note="dup")
    clock.sleep(2)
    assert ledger.prune(keep_days=0) == 2


def test_many_rows_are_pruned(ledger: SqlLedger, clock: StoppedClock) -> None:
    for future in [ledger.submit(event(f"d-{number}")) for number in range(1_100)]:
        future.result(30)
    with_body = "UPDATE aip_inbox SET settled_at = received_at, body = NULL"
    ledger._db.write(lambda connection: connection.exec_driver_sql(with_body).rowcount)
    clock.sleep(4 * DAY)
    assert ledger.prune(keep_days=3) == 1_100


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_backup_is_the_same_ledger(file: Path, tmp_path: Path, clock: StoppedClock) -> None:
    copy = tmp_path / "copy.sqlite"
    with open_ledger(f"sqlite:///{file}", clock=clock) as ledger:
        queued(ledger, job(1))
        ledger.accept(event("d-1", b"body"))
        with ledger._db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE of_the_queue AS SELECT 1 AS one")
        ledger.backup(str(copy))
        expected = (ledger.listing(limit=9), ledger.unread(9), ledger.backlog())
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT * FROM of_the_queue").fetchall() == [(1,)], "the whole file, not our tables alone"
    with open_ledger(f"sqlite:///{copy}", clock=clock) as restored:
        assert (restored.listing(limit=9), restored.unread(9), restored.backlog()) == expected


def test_a_backup_while_events_arrive_is_whole(file: Path, tmp_path: Path, clock: StoppedClock) -> None:
    copy, enough = tmp_path / "copy.sqlite", threading.Event()
    with open_ledger(f"sqlite:///{file}", clock=clock) as ledger:
        before = [f"before-{number}" for number in range(200)]
        for name in before:
            ledger.submit(event(name, b"x" * 5_000))
        ledger.accept(event("last"))

        def arrive() -> None:
            number = 0
            while not enough.is_set():
                ledger.accept(event(f"during-{number}", b"x" * 5_000))
                number += 1

        sender = threading.Thread(target=arrive)
        sender.start()
        ledger.backup(str(copy))
        enough.set()
        sender.join()
    with open_ledger(f"sqlite:///{copy}", clock=clock) as restored:
        names = [one.delivery_id for one in restored.unread(10_000)]
    assert names[:201] == [*before, "last"]
    assert names[201:] == [f"during-{number}" for number in range(len(names) - 201)], "a moment, with no hole before it"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_text("mine"), id="exists"),
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: path.symlink_to("/nonexistent"), id="dangling link"),
        pytest.param(lambda path: shutil.rmtree(path.parent), id="no folder"),
    ],
)
def test_a_backup_overwrites_nothing(
    file: Path, tmp_path: Path, clock: StoppedClock, spoil: Callable[[Path], object]
) -> None:
    target = tmp_path / "backups" / "copy.sqlite"
    target.parent.mkdir()
    spoil(target)
    with open_ledger(f"sqlite:///{file}", clock=clock) as ledger:
        with pytest.raises(Refused) as refused:
            ledger.backup(str(target))
        assert refused.value.refusal.code is Code.CONFIG
    if target.parent.exists():
        assert [path.name for path in target.parent.iterdir()] == ["copy.sqlite"]
        assert not target.is_file() or target.read_text() == "mine"


def test_postgres_has_a_better_tool(emptied: Callable[[], str], clock: StoppedClock, tmp_path: Path) -> None:
    with open_ledger(emptied(), clock=clock) as ledger, pytest.raises(Refused) as refused:
        ledger.backup(str(tmp_path / "copy"))
    assert "pg_dump" in refused.value.refusal.remedy
    assert not list(tmp_path.iterdir())
