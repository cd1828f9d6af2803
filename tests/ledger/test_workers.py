"""Leases end with their process, on both databases, whatever the clock says."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from bot.edges.ledger import SqlLedger, open_ledger
from bot.edges.ledger.locks import FileLocks
from bot.model.job import WorkerRow
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import child, later
from tests.postgres_server import PostgresServer

HOLDER = """
import sys
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
ledger = open_ledger(sys.argv[1], clock=RealClock(), executor_id=sys.argv[2])
print(ledger.enlist(sys.argv[2], "1"), flush=True)
sys.stdin.read()
"""

Open = Callable[[str], SqlLedger]


@pytest.fixture
def opened(url: str, clock: StoppedClock) -> Iterator[Open]:
    """Workers by name on one database; each ``open_ledger`` is as a process of its own."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(open_ledger(url, clock=clock, executor_id=name))


def until(done: Callable[[], bool], *, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_one_live_worker_for_an_id(opened: Open) -> None:
    one, other = opened("a"), opened("a")
    assert not one.leading(), "nothing was enlisted"
    assert one.enlist("a", "1")
    assert one.enlist("a", "1"), "again by the same"
    assert not other.enlist("a", "1")
    assert (one.leading(), other.leading()) == (True, False)
    one.close()
    assert other.enlist("a", "1")


def test_the_living_and_ourselves_are_not_dead(opened: Open) -> None:
    one, other = opened("a"), opened("b")
    one.enlist("a", "1")
    other.enlist("b", "1")
    assert one.dead() == ()
    assert other.dead() == ()


def test_one_of_the_living_takes_over_from_the_dead(opened: Open) -> None:
    gone, one, other = opened("gone"), opened("a"), opened("b")
    for name, worker in [("gone", gone), ("a", one), ("b", other)]:
        worker.enlist(name, "1")
    gone.close()
    assert one.dead() == ("gone",)
    assert one.dead() == ("gone",), "until it is buried"
    assert other.dead() == ()
    back = opened("gone")
    assert not back.enlist("gone", "1"), "its jobs are just being taken over"
    one.bury("gone")
    assert one.dead() == ()
    assert back.enlist("gone", "2")
    assert one.dead() == ()


def test_who_takes_over_may_die_as_well(opened: Open) -> None:
    gone, one, other = opened("gone"), opened("a"), opened("b")
    gone.enlist("gone", "1")
    one.enlist("a", "1")
    gone.close()
    assert one.dead() == ("gone",)
    one.close()
    assert other.dead() == ("a", "gone")


def test_a_worker_that_came_back_is_not_taken_over(opened: Open) -> None:
    """Between the look at the table and the lock it came back, did something, and went again."""
    first, other = opened("a"), opened("b")
    first.enlist("a", "1")
    seen = first._epoch
    first.close()
    again = opened("a")
    again.enlist("a", "1")
    again.close()
    assert seen is not None
    assert not other._take_over("a", seen)
    assert other.dead() == ("a",), "by its present epoch"


def test_burying_the_living_changes_nothing(opened: Open) -> None:
    one, other = opened("a"), opened("b")
    one.enlist("a", "1")
    other.bury("a")
    other.bury("nobody")
    assert one.leading()
    assert not other.enlist("a", "1")


def test_a_worker_that_is_killed_frees_its_lease(url: str, opened: Open) -> None:
    watcher = opened("watcher")
    watcher.enlist("watcher", "1")
    with child(HOLDER, url, "victim") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert watcher.dead() == ()
        assert not watcher.enlist("victim", "1")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert until(lambda: watcher.dead() == ("victim",))
    watcher.bury("victim")
    assert watcher.dead() == ()


def test_a_child_does_not_inherit_a_lease(url: str, opened: Open) -> None:
    one, other = opened("a"), opened("b")
    one.enlist("a", "1")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as heir:
        try:
            one.close()
            assert other.dead() == ("a",)
        finally:
            heir.kill()


def test_a_clock_that_jumps_changes_no_lease(opened: Open, clock: StoppedClock) -> None:
    one, other = opened("a"), opened("b")
    one.enlist("a", "1")
    for jump in (3600, -7200, 3600):
        clock.sleep(jump)
        assert one.leading()
        assert other.dead() == ()


def test_rows_are_those_that_reported_and_were_not_buried(opened: Open) -> None:
    one, other = opened("a"), opened("b")
    one.enlist("a", "1")
    other.enlist("b", "1")
    assert one.rows() == ()
    reports = [
        WorkerRow(id=name, version="1", seen_at=later(minutes=n), metrics=f"m{n}\n") for n, name in enumerate("ba")
    ]
    for row in reports:
        one.report(row)
    newer = reports[0].model_copy(update={"seen_at": later(hours=1)})
    other.report(newer)
    assert one.rows() == (reports[1], newer)
    assert one.leading(), "a report touches no lease"
    other.close()
    assert one.dead() == ("b",)
    one.bury("b")
    assert one.rows() == (reports[1],)


def test_an_id_is_any_text(opened: Open) -> None:
    one, other = opened("../a/b c\n"), opened("b")
    assert one.enlist("../a/b c\n", "1")
    assert one.leading()
    one.close()
    assert other.dead() == ("../a/b c\n",)
    other.bury("../a/b c\n")


def test_a_lock_file_that_was_deleted_is_no_lease(tmp_path: Path) -> None:
    one, other = FileLocks(tmp_path), FileLocks(tmp_path)
    assert one.take("a")
    for path in tmp_path.iterdir():
        path.unlink()
    assert not one.held("a")
    assert other.take("a")
    assert not one.take("a")
    other.give("a", forget=True)
    assert not list(tmp_path.iterdir())
    assert one.take("a")
    one.close()
    other.close()


@pytest.fixture
def server_url(postgres: PostgresServer, emptied: Callable[[], str]) -> str:
    return emptied()


def cut(url: str) -> None:
    """End every session of the database, as a restart or a firewall would."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lost_session_is_noticed_and_the_lease_taken_back(server_url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(open_ledger(server_url, clock=clock, executor_id=name)) for name in "ab")
        one.enlist("a", "1")
        cut(server_url)
        assert one.leading(), "nobody took over meanwhile"
        assert other.dead() == ()


def test_a_worker_whose_jobs_were_taken_over_leads_no_more(server_url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(open_ledger(server_url, clock=clock, executor_id=name)) for name in "ab")
        one.enlist("a", "1")
        cut(server_url)
        assert other.dead() == ("a",)
        assert not one.leading()
        other.bury("a")
        assert not one.leading(), "for good, until it enlists again"
        assert one.enlist("a", "1")
        assert one.leading()


def test_a_takeover_that_was_cut_off_leaves_a_trace(server_url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(open_ledger(server_url, clock=clock, executor_id=name)) for name in "ab")
        one.enlist("a", "1")
        cut(server_url)
        assert other.dead() == ("a",)
        cut(server_url)
        assert not one.leading(), "the lock is free, but somebody began to take over"
        assert other.dead() == ("a",)


def test_who_lost_a_dead_workers_lease_buries_it_no_more(server_url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        gone, other = (stack.enter_context(open_ledger(server_url, clock=clock, executor_id=name)) for name in "ab")
        gone.enlist("a", "1")
        gone.close()
        assert other.dead() == ("a",)
        cut(server_url)
        back = stack.enter_context(open_ledger(server_url, clock=clock, executor_id="a"))
        assert back.enlist("a", "2")
        other.bury("a")
        assert back.leading()
        assert other.dead() == ()


def test_a_session_that_we_lost_and_the_server_did_not_is_waited_for(server_url: str, clock: StoppedClock) -> None:
    with ExitStack() as stack:
        one, ghost = (stack.enter_context(open_ledger(server_url, clock=clock, executor_id="a")) for _ in range(2))
        assert one.enlist("a", "1")
        one._locks.close()
        assert ghost._locks.take("a"), "as our own old session would"
        assert one.leading(), "nobody took over as far as anybody can tell"
        one._proved -= 11
        assert not one.leading(), "but not for long"
        ghost._locks.close()
        assert one.leading()
