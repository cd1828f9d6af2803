"""How fast the ledger stores events of ten kilobytes, and how long it takes to ask a long queue what is due.

Three senders on each database: one that waits for every event (one transaction each), 32 threads that do the same
(their events share transactions), and one that keeps many in flight, as the web server does. Everything is on disk
when it counts (SQLite: ``synchronous=FULL``; Postgres: ``fsync`` and ``synchronous_commit`` on). Postgres is left out,
and it says so, where its server programs are missing.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.peers.postgres import binaries, postgres
from bot.edges.clock import RealClock
from bot.edges.ledger import SqlLedger, open_ledger
from bot.model.command import Actor, Help, RawEvent, ThreadRef
from bot.model.job import Job
from bot.model.order import Order
from bot.records import Receipt

SECONDS: Final = 2.0
BODY: Final = 10 * 1024
THREADS: Final = 32
IN_FLIGHT: Final = 2_000
QUEUED: Final = 2_000
REPOSITORIES: Final = 100
ASKED: Final = 10


class Measured(NamedTuple):
    """Events in a second; milliseconds until a receipt; processor microseconds for an event."""

    rate: float
    p50: float
    p99: float
    cost: float


Send = Callable[[SqlLedger, Iterator[RawEvent]], list[float]]


def events() -> Iterator[RawEvent]:
    """Bodies that differ and do not compress."""
    bodies = [os.urandom(BODY) for _ in range(64)]
    for number in count():
        yield RawEvent(delivery_id=os.urandom(16).hex(), event="issue_comment", body=bodies[number % len(bodies)])


def one_by_one(ledger: SqlLedger, given: Iterator[RawEvent]) -> list[float]:
    waits: list[float] = []
    end = time.perf_counter() + SECONDS
    while (begun := time.perf_counter()) < end:
        ledger.accept(next(given))
        waits.append(time.perf_counter() - begun)
    return waits


def together(ledger: SqlLedger, _: Iterator[RawEvent]) -> list[float]:
    with ThreadPoolExecutor(THREADS) as pool:
        parts = pool.map(lambda given: one_by_one(ledger, given), [events() for _ in range(THREADS)])
        return [wait for part in parts for wait in part]


def in_flight(ledger: SqlLedger, given: Iterator[RawEvent]) -> list[float]:
    waits: list[float] = []
    flying: deque[Future[Receipt]] = deque()
    end = time.perf_counter() + SECONDS
    while (begun := time.perf_counter()) < end:
        future = ledger.submit(next(given))
        future.add_done_callback(partial(_landed, waits, begun))
        flying.append(future)
        while len(flying) >= IN_FLIGHT:
            flying.popleft().result()
    for future in flying:
        future.result()
    return waits


def _landed(waits: list[float], begun: float, _: object) -> None:
    waits.append(time.perf_counter() - begun)


SENDERS: Final[dict[str, Send]] = {
    "one transaction per event": one_by_one,
    f"{THREADS} threads, group commit": together,
    f"{IN_FLIGHT:,} in flight, group commit": in_flight,
}


def measured(ledger: SqlLedger, send: Send) -> Measured:
    begun, cost = time.perf_counter(), time.process_time()
    waits = sorted(send(ledger, events()))
    elapsed, cost = time.perf_counter() - begun, time.process_time() - cost
    p50, p99 = (waits[int(len(waits) * part)] * 1e3 for part in (0.5, 0.99))
    return Measured(rate=len(waits) / elapsed, p50=p50, p99=p99, cost=cost / len(waits) * 1e6)


def due(ledger: SqlLedger) -> float:
    """Milliseconds to ask for the next ten of a long queue, the median."""
    start = datetime.now(UTC)
    for number in range(QUEUED):
        thread = ThreadRef(owner="org", repo=f"r{number % REPOSITORIES}", number=number)
        at = start + timedelta(seconds=number)
        order = Order(thread=thread, actor=Actor(login="ada", id=1), comment_id=number, at=at, body_digest="b")
        job = Job(id=order.key, delivery_id=f"d{number}", name="/ai-help", order=order, command=Help(), accepted_at=at)
        ledger.settle(job.delivery_id, job=job, note="command")
    waits = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        ledger.due(10, per_repo=2)
        waits.append(time.perf_counter() - begun)
    return sorted(waits)[ASKED // 2] * 1e3


@contextmanager
def ledgers() -> Iterator[dict[str, SqlLedger]]:
    """By name of the database, each new."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ledger(f"sqlite:///{folder}/ledger.sqlite", clock=RealClock()) as sqlite,
    ):
        if binaries() is None:
            yield {"SQLite": sqlite}
            return
        with postgres(Path(folder)) as url, open_ledger(url, clock=RealClock()) as server:
            yield {"SQLite": sqlite, "Postgres": server}


def main() -> None:
    table = Table(title=f"events of {BODY // 1024} KB, {SECONDS} s each, on disk when acknowledged")
    for name in ("database", "sender", "events/s", "p50 ms", "p99 ms", "CPU µs/event"):
        table.add_column(name, justify="left" if name in {"database", "sender"} else "right")
    console = Console()
    with ledgers() as opened:
        if "Postgres" not in opened:
            console.print("Postgres is not on this computer: left out")
        for database, ledger in opened.items():
            for sender, send in SENDERS.items():
                found = measured(ledger, send)
                figures = (f"{found.rate:,.0f}", f"{found.p50:.1f}", f"{found.p99:.1f}", f"{found.cost:.0f}")
                table.add_row(database, sender, *figures)
        console.print(table)
        for database, ledger in opened.items():
            console.print(f"{database}: due of {QUEUED:,} queued commands takes {due(ledger):.1f} ms")


if __name__ == "__main__":
    main()
