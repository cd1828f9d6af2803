"""The webhook behind a real server: big, slow and many requests, and an outside world that hangs."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.emulators.loopback import Loopback
from bot.meters import Meters
from bot.model.command import RawEvent
from bot.records import Receipt
from bot.web.arrivals import Arrivals
from bot.web.door import BODY_CAP, HELD_CAP, SECONDS, Door
from tests.fakes.ledger import MemoryLedger
from tests.web.kit import PATH, SECRET, Wire, app, signed

BODY = b'{"action": "created"}'
BIG = 30 * 1024 * 1024
GITHUB_WAITS = 10.0
ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def server(ledger: MemoryLedger) -> Iterator[str]:
    with Loopback(app(ledger, body_seconds=0.5)) as server:
        yield server.url


def test_w03_thirty_megabytes_are_413_before_they_came(server: str) -> None:
    with Wire(server) as wire:
        wire.head(**{**signed(b""), "Content-Length": str(BIG)})
        assert wire.answer().startswith(b"HTTP/1.1 413")


def test_w03_who_sends_thirty_megabytes_all_the_same_reads_the_413(server: str, ledger: MemoryLedger) -> None:
    reply = requests.post(server + PATH, data=b"x" * BIG, headers=signed(b""), timeout=20)
    assert (reply.status_code, reply.json()["error"]["code"], ledger.events) == (413, "size", {})


def test_w03_thirty_megabytes_in_chunks_are_413_and_memory_is_flat(server: str) -> None:
    piece = b"x" * 65536
    requests.post(server + PATH, data=BODY, headers=signed(BODY), timeout=20)
    tracemalloc.start()
    try:
        reply = requests.post(
            server + PATH, data=(piece for _ in range(BIG // len(piece))), headers=signed(b""), timeout=20
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reply.status_code == 413
    assert peak < 4 * BODY_CAP


def test_w03_one_byte_after_another_is_408(server: str) -> None:
    with Wire(server) as wire:
        wire.head(**{**signed(b""), "Content-Length": "1000"})
        began = time.monotonic()
        done = threading.Event()
        dripping = threading.Thread(target=_drip, args=(wire, done))
        dripping.start()
        answer = wire.answer()
        took = time.monotonic() - began
        done.set()
        dripping.join()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer
    assert 0.4 < took < 3


def _drip(wire: Wire, done: threading.Event) -> None:
    while not done.wait(0.1):
        try:
            wire.socket.sendall(b"x")
        except OSError:
            return


def test_a_sender_that_hangs_up_leaves_nothing(server: str, ledger: MemoryLedger) -> None:
    with Wire(server) as wire:
        wire.head(**{**signed(BODY), "Content-Length": "1000"})
        wire.socket.sendall(BODY)
    assert requests.post(server + PATH, data=BODY, headers=signed(BODY, delivery="d-2"), timeout=5).status_code == 202
    assert list(ledger.events) == ["d-2"]


def test_w06_fifty_times_at_once_is_202_and_stored_once(server: str, ledger: MemoryLedger) -> None:
    def knock(_number: int) -> int:
        return requests.post(server + PATH, data=BODY, headers=signed(BODY), timeout=20).status_code

    with ThreadPoolExecutor(50) as crowd:
        assert list(crowd.map(knock, range(50))) == [202] * 50
    assert len(ledger.events) == 1


def test_w09_202_within_a_second_while_the_pages_hang(ledger: MemoryLedger) -> None:
    """No worker runs, and every thread for pages waits in a ledger that does not come back."""
    hanging = Hanging()
    with Loopback(app(hanging)) as server, ThreadPoolExecutor(60) as readers:
        for _ in range(60):
            readers.submit(requests.get, server.url + "/readyz", timeout=30)
        assert hanging.entered.wait(5)
        began = time.monotonic()
        reply = requests.post(server.url + PATH, data=BODY, headers=signed(BODY), timeout=20)
        took = time.monotonic() - began
        hanging.leave.set()
    assert reply.status_code == 202
    assert took < 1


class Hanging(MemoryLedger):
    """Stores, and lets nobody read."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.leave = threading.Event()

    def backlog(self) -> None:  # type: ignore[override]
        self.entered.set()
        self.leave.wait(20)


class Silent(MemoryLedger):
    """Takes events and never says so."""

    def submit(self, event: RawEvent) -> Future[Receipt]:
        return Future()


def test_a_store_that_does_not_answer_is_503_before_github_gives_up() -> None:
    assert SECONDS < GITHUB_WAITS
    door = Door(Silent(), keys=[SECRET.encode()], meters=Meters(), seconds=0.3)
    with Loopback(door) as server:
        began = time.monotonic()
        reply = requests.post(server.url + PATH, data=BODY, headers=signed(BODY), timeout=20)
        took = time.monotonic() - began
    assert reply.status_code == 503
    assert 0.25 < took < 3


class Group(MemoryLedger):
    """Answers forty submitted events together from a thread of its own, as a group commit does."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[RawEvent, Future[Receipt]]] = []

    def submit(self, event: RawEvent) -> Future[Receipt]:
        future: Future[Receipt] = Future()
        self.waiting.append((event, future))
        if len(self.waiting) == 40:
            threading.Thread(target=self._commit).start()
        return future

    def _commit(self) -> None:
        for event, future in self.waiting:
            future.set_result(self.accept(event))


def test_a_group_that_is_stored_together_is_answered_together() -> None:
    ledger = Group()

    def knock(number: int) -> int:
        headers = signed(BODY, delivery=f"d-{number}")
        return requests.post(server.url + PATH, data=BODY, headers=headers, timeout=20).status_code

    with Loopback(app(ledger)) as server, ThreadPoolExecutor(40) as crowd:
        assert list(crowd.map(knock, range(40))) == [202] * 40
    assert len(ledger.events) == 40


def test_a_crowd_cannot_fill_the_memory() -> None:
    door = Door(MemoryLedger(), keys=[SECRET.encode()], meters=Meters())
    door._held = HELD_CAP
    with Loopback(door) as server:
        reply = requests.post(server.url + PATH, data=BODY, headers=signed(BODY), timeout=20)
        assert reply.status_code == 503
        door._held = 0
        assert requests.post(server.url + PATH, data=BODY, headers=signed(BODY), timeout=20).status_code == 202
    assert door._held == 0


def test_bodies_that_come_piece_by_piece_are_all_forgotten() -> None:
    door = Door(MemoryLedger(), keys=[SECRET.encode()], meters=Meters())
    body = b"x" * 400_000
    pieces = [body[start : start + 20_000] for start in range(0, len(body), 20_000)]

    def knock(number: int) -> int:
        headers = signed(body, delivery=f"d-{number}")
        return requests.post(server.url + PATH, data=iter(pieces), headers=headers, timeout=20).status_code

    with Loopback(door) as server, ThreadPoolExecutor(16) as crowd:
        assert list(crowd.map(knock, range(64))) == [202] * 64
        assert door._held == 0


def test_the_web_server_imports_nothing_heavy() -> None:
    heavy = {
        "dbos",
        "github",
        "git",
        "kubernetes",
        "proxmoxer",
        "sqlalchemy",
        "psycopg",
        "google",
        "pydantic_ai",
        "jinja2",
    }
    code = "import sys, bot.web; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    seen = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert set(seen.stdout.split()) & heavy == set()


class Counting(asyncio.SelectorEventLoop):
    """Counts how often another thread woke it."""

    woken = 0

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(*args, **kwargs)


class Later(MemoryLedger):
    """Stores when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[Future[Receipt]] = []

    def submit(self, event: RawEvent) -> Future[Receipt]:
        self.futures.append(Future())
        return self.futures[-1]


EVENT = RawEvent(delivery_id="d-1", event="issues", body=BODY)


def test_a_hundred_events_go_over_in_one_burst_and_come_back_with_one_wake_up() -> None:
    ledger = Later()
    arrivals = Arrivals(ledger)

    async def wait() -> tuple[list[Receipt], int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Counting)
        waiting = [arrivals.stored(EVENT) for _ in range(100)]
        assert ledger.futures == []
        await asyncio.sleep(0)
        for future in ledger.futures:
            future.set_result("stored")
        return await asyncio.gather(*waiting), loop.woken

    with asyncio.Runner(loop_factory=Counting) as runner:
        assert runner.run(wait()) == (["stored"] * 100, 1)


def test_one_event_that_is_refused_does_not_hold_up_its_neighbours() -> None:
    class Picky(MemoryLedger):
        def submit(self, event: RawEvent) -> Future[Receipt]:
            if event.event == "push":
                raise queue.Full
            return super().submit(event)

    async def wait() -> list[Receipt | BaseException]:
        arrivals = Arrivals(Picky())
        events = [EVENT, EVENT.model_copy(update={"event": "push"}), EVENT]
        return await asyncio.gather(*map(arrivals.stored, events), return_exceptions=True)

    first, second, third = asyncio.run(wait())
    assert (first, type(second), third) == ("stored", queue.Full, "seen")


def test_arrivals_outlive_a_loop() -> None:
    arrivals = Arrivals(MemoryLedger())
    assert [asyncio.run(_receipt(arrivals)) for _ in range(2)] == ["stored", "seen"]


async def _receipt(arrivals: Arrivals) -> Receipt:
    return await arrivals.stored(EVENT)


def test_a_receipt_for_a_loop_that_is_closed_is_nobodys() -> None:
    ledger = Later()
    arrivals = Arrivals(ledger)

    async def leave() -> None:
        arrivals.stored(EVENT)
        await asyncio.sleep(0)

    asyncio.run(leave())
    ledger.futures[0].set_result("stored")
    assert ledger.futures[0].result() == "stored"
