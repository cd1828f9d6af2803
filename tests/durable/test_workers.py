"""Several workers on one Postgres: one that dies for good, a database that restarts, two under one name.

The end must equal the undisturbed one: each command ends once, with one answer.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.demo import APPLICATION, INFRA, examples
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.errors import Code, Refused
from bot.settings import read_settings
from bot.workshop import open_shop
from tests.durable.rig import SMALL, Life, World, as_json, job_ends, run_worker, start_worker, world
from tests.postgres_server import PostgresServer, postgres_server

SECOND = "myorg/supermarket-prices"
QUESTIONS = 18
WATCHFUL = Life(chores=True, watch_every=0.5)
SLOW = "0.25"
"""Each worker writes four times a second at most, so that there is a middle to be killed in."""
DOWN = 1.5
"""Seconds that the database is away."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query.encode()).fetchall()]


def until(met: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def held_by(here: World, worker: str) -> int:
    """Commands that a worker runs, as the durable queue knows it."""
    if rows(here.url, "SELECT to_regclass('dbos.workflow_status')") == [None]:
        return 0
    query = f"SELECT workflow_uuid FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = '{worker}'"  # noqa: S608
    return len(rows(here.url, query))


def answers(here: World, number: int) -> list[str]:
    return [said.body for said in here.github.comments(INFRA, number) if said.account.login == "ai-provision"]


def asked(here: World) -> list[int]:
    """Two commands of the belt and many questions, each in a thread of its own."""
    here.github.add_repository(SECOND, examples() / "supermarket-inventory")
    numbers = [here.command(SMALL), here.command(SMALL.replace(APPLICATION, SECOND))]
    return [*numbers, *(here.command("/ai-help") for _ in range(QUESTIONS))]


def test_h01_one_of_three_workers_is_gone_for_good(
    postgres: PostgresServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with world(tmp_path, database=postgres.database()) as here:
        numbers = asked(here)
        lives = {
            name: start_worker(here, life=WATCHFUL, AI_PROVISION_EXECUTOR_ID=name, AI_PROVISION_WRITE_PAUSE=SLOW)
            for name in ("two", "one", "three")
        }
        victim = lives["two"][0]
        until(lambda: set(rows(here.url, "SELECT id FROM aip_workers")) == {"one", "two", "three"}, "three workers")
        until(lambda: held_by(here, "two"), "the second worker took no command")
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        orphans = held_by(here, "two")
        for name in ("one", "three"):
            process, told = lives[name]
            process.join(60)
            assert process.exitcode == 0, name
            assert told.get(timeout=5)[0] == "done"
        ends = job_ends(here)
        with open_ledger(here.url, clock=RealClock()) as ledger:
            counted = sum(ledger.outcomes().values())
        workers = set(rows(here.url, "SELECT id FROM aip_workers"))
        said = {number: answers(here, number) for number in numbers}
        pulls = [pull.title for pull in here.github.pulls(INFRA)]
    assert orphans > 0, "the second worker held nothing when it died"
    assert sorted(ends) == sorted([("pull-request", None)] * 2 + [("answered", None)] * QUESTIONS)
    assert counted == len(numbers), "a command ended twice"
    assert [len(one) for one in said.values()] == [1] * len(numbers)
    assert len(pulls) == len(set(pulls)) == 2
    assert "two" not in workers
    record_property(
        "points", f"one of three workers gone with {orphans} commands: {len(ends)} of {len(numbers)} end once"
    )


def undisturbed(root: Path, database: str) -> tuple[dict[str, Any], int]:
    with world(root, database=database) as here:
        number = here.command(SMALL)
        here.gate.calls.clear()
        run_worker(here)
        return here.end_state(number), len(here.gate.calls)


def served_through(here: World, seconds: float = 50.0) -> int:
    """Start the worker, and again whenever it stopped for its lease, until all is done; the number of its lives."""
    end = time.monotonic() + seconds
    for life in range(1, 6):
        process, told = start_worker(here, life=WATCHFUL)
        process.join(max(0.0, end - time.monotonic()))
        assert process.exitcode == 0, f"the worker ended with {process.exitcode}"
        word = told.get(timeout=5)[0]
        assert word in {"done", "lease"}, word
        if word == "done":
            return life
    raise AssertionError("the worker lost its lease again and again")


def restarted(server: PostgresServer, how: signal.Signals) -> tuple[Callable[[], None], list[threading.Thread]]:
    """What stops the database at a call and brings it back a moment later."""
    threads: list[threading.Thread] = []

    def back() -> None:
        time.sleep(DOWN)
        server.start()

    def strike() -> None:
        server.stop(how)
        threads.append(threading.Thread(target=back))
        threads[0].start()

    return strike, threads


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
def test_h01_a_restart_of_postgres_while_a_command_runs_changes_nothing(
    how: signal.Signals, postgres: PostgresServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    expected, calls = undisturbed(tmp_path / "undisturbed", postgres.database())
    admission, work = range(1, 6, 2), range(calls // 4, calls, calls // 4)
    points, lives = admission if how is signal.SIGINT else work, []
    for at in points:
        with world(tmp_path / f"{at}", database=postgres.database()) as here:
            number = here.command(SMALL)
            here.gate.calls.clear()
            here.gate.at, (here.gate.strike, threads) = at, restarted(postgres, how)
            lives.append(served_through(here))
            threads[0].join()
            assert job_ends(here) == [("pull-request", None)], at
            end = here.end_state(number)
            assert end == expected, f"{at}: {as_json(end)}"
    record_property(
        "points", f"Postgres gone for {DOWN} s ({how.name}) at {len(points)} of {calls} calls: same end, lives {lives}"
    )


def test_two_workers_under_one_id_are_one_too_many(postgres: PostgresServer, tmp_path: Path) -> None:
    with world(tmp_path, database=postgres.database()) as here:
        number = here.command("/ai-help")
        process, told = start_worker(here, AI_PROVISION_WRITE_PAUSE=SLOW)
        until(lambda: "one" in rows(here.url, "SELECT id FROM aip_workers"), "the first worker")
        with pytest.raises(Refused) as stop, open_shop(read_settings(here.environment), lease=0.3):
            pass
        process.join(30)
        assert told.get(timeout=5)[0] == "done"
        assert len(answers(here, number)) == 1
    assert stop.value.refusal.code is Code.CONFIG
    assert stop.value.refusal.message.startswith("Another worker runs as one;")
    assert "AI_PROVISION_EXECUTOR_ID" in stop.value.refusal.remedy
