"""An event is on disk before its receipt, once, whoever sends it and however often."""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from bot.edges.ledger import SqlLedger, open_ledger
from bot.edges.ledger.writer import GroupWriter
from bot.errors import Unavailable
from bot.model.command import RawEvent
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import event, job, later


def test_an_event_is_kept_as_it_came_until_it_is_settled(ledger: SqlLedger) -> None:
    body = bytes(range(256)) * 40
    assert ledger.accept(event("d-1", body)) == "stored"
    assert ledger.unread(10) == (event("d-1", body),)
    ledger.settle("d-1", job=None, note="prose")
    assert ledger.unread(10) == ()


def test_w06_fifty_at_once_are_stored_once(ledger: SqlLedger) -> None:
    with ThreadPoolExecutor(50) as pool:
        receipts = Counter(pool.map(ledger.accept, [event("d-1", b"same")] * 50))
    assert receipts == {"stored": 1, "seen": 49}
    assert len(ledger.unread(100)) == 1


@pytest.mark.parametrize("settled", [False, True], ids=["unread", "settled"])
def test_the_same_id_with_another_body_is_told(ledger: SqlLedger, settled: bool) -> None:
    ledger.accept(event("d-1", b"first"))
    if settled:
        ledger.settle("d-1", job=None, note="prose")
    assert ledger.accept(event("d-1", b"first")) == "seen"
    assert ledger.accept(event("d-1", b"other")) == "altered"
    assert [one.body for one in ledger.unread(10)] == ([] if settled else [b"first"])


def test_an_empty_body_is_a_body(ledger: SqlLedger) -> None:
    ledger.accept(event("d-1", b""))
    assert ledger.unread(10) == (event("d-1", b""),)
    ledger.settle("d-1", job=None, note="unreadable")
    assert ledger.unread(10) == ()
    assert ledger.accept(event("d-1", b"x")) == "altered"


def test_ten_thousand_deliveries_with_duplicates_and_forgeries(ledger: SqlLedger) -> None:
    chance = random.Random(4)  # noqa: S311
    genuine = [event(f"d-{number}", b"body %d" % number) for number in range(5_000)]
    repeats = chance.choices(genuine, k=4_500)
    forged = [event(one.delivery_id, one.body + b"!") for one in chance.sample(genuine, 500)]
    later_ones = [*repeats, *forged]
    chance.shuffle(later_ones)
    futures = [ledger.submit(one) for one in [*genuine, *later_ones]]
    counted = Counter(future.result(30) for future in futures)
    assert counted == {"stored": 5_000, "seen": 4_500, "altered": 500}
    assert list(ledger.unread(20_000)) == genuine, "each once, with its first body, in order of arrival"


def test_two_processes_store_one_delivery_once(url: str, clock: StoppedClock) -> None:
    names = [f"d-{number}" for number in range(400)]
    with open_ledger(url, clock=clock) as one, open_ledger(url, clock=clock) as other:
        mine = [one.submit(event(name)) for name in names]
        theirs = [other.submit(event(name)) for name in reversed(names)]
        receipts = Counter(future.result(30) for future in [*mine, *theirs])
        assert receipts == {"stored": 400, "seen": 400}
        assert len(one.unread(1000)) == 400


def test_order_of_arrival_is_no_matter_of_the_clock(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as ledger:
        for number, jump in enumerate([0, 3600, -7200, 3600]):
            clock.sleep(jump)
            ledger.accept(event(f"d-{number}"))
        assert [one.delivery_id for one in ledger.unread(10)] == ["d-0", "d-1", "d-2", "d-3"]


def test_settling_queues_a_job_once(ledger: SqlLedger) -> None:
    first, again = job(1), job(1).model_copy(update={"delivery_id": "poll-1"})
    ledger.accept(event("delivery-1"))
    ledger.accept(event("poll-1"))
    assert ledger.settle("delivery-1", job=first, note="command")
    assert not ledger.settle("poll-1", job=again, note="dup"), "the same comment by another way"
    assert ledger.settle("delivery-1", job=first, note="command"), "a repeat of a step gives the same answer"
    assert ledger.listing(limit=10) == (first,)
    assert ledger.unread(10) == ()


def test_w06_many_threads_settle_one_event(ledger: SqlLedger) -> None:
    ways = [f"way-{number}" for number in range(8)]
    for way in ways:
        ledger.accept(event(way))
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda way: ledger.settle(way, job=job(1), note="command"), ways))
    assert new.count(True) == 1
    assert len(ledger.listing(limit=10)) == 1


def test_the_backlog_counts_and_ages(ledger: SqlLedger, clock: StoppedClock) -> None:
    assert ledger.backlog().model_dump() == {"events": 0, "event_age": 0, "commands": 0, "command_age": 0}
    ledger.accept(event("d-1"))
    clock.sleep(30)
    ledger.accept(event("d-2"))
    ledger.settle("d-2", job=job(1, at=later(seconds=10)), note="command")
    clock.sleep(30)
    assert ledger.backlog().model_dump() == {"events": 1, "event_age": 60, "commands": 1, "command_age": 50}
    clock.sleep(-3600)
    assert ledger.backlog().event_age == 0, "a clock that was set back makes no negative age"


def test_closing_stores_what_was_submitted(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as ledger:
        futures = [ledger.submit(event(f"d-{number}", b"x" * 10_000)) for number in range(500)]
    assert all(future.result(0) == "stored" for future in futures)
    with pytest.raises(Unavailable, match="closed"):
        ledger.submit(event("late"))
    assert "ledger-writer" not in {thread.name for thread in threading.enumerate()}
    with open_ledger(url, clock=clock) as again:
        assert len(again.unread(1000)) == 500


class Shelf:
    """A store that waits until it is let go, and cannot store what is called ``poison``."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.groups: list[list[str]] = []

    def store(self, events: list[RawEvent]) -> list[str]:
        assert self.go.wait(10)
        names = [one.delivery_id for one in events]
        self.groups.append(names)
        if "poison" in names:
            raise ValueError("poison")
        return ["stored"] * len(events)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def waiting(shelf: Shelf, *names: str, room: int = 10) -> tuple[GroupWriter, list[Future[str]]]:
    """A writer that is busy with ``first`` while the others wait."""
    writer = GroupWriter(shelf.store, waiting=room)
    futures = [writer.submit(event("first"))]
    while writer._waiting:
        pass
    return writer, [*futures, *(writer.submit(event(name)) for name in names)]


def test_what_waits_is_written_together(shelf: Shelf) -> None:
    writer, _ = waiting(shelf, "a", "b", "c")
    shelf.go.set()
    writer.close()
    assert shelf.groups == [["first"], ["a", "b", "c"]]


def test_too_many_are_refused_at_once(shelf: Shelf) -> None:
    writer, futures = waiting(shelf, "a", "b", room=2)
    with pytest.raises(queue.Full):
        writer.submit(event("c"))
    shelf.go.set()
    writer.close()
    assert [future.result(0) for future in futures] == ["stored"] * 3


def test_one_that_cannot_be_stored_harms_no_other(shelf: Shelf) -> None:
    writer, (first, a, poison, b) = waiting(shelf, "a", "poison", "b")
    shelf.go.set()
    wait([first, a, poison, b], timeout=10)
    assert [future.result(0) for future in (first, a, b)] == ["stored"] * 3
    with pytest.raises(ValueError, match="poison"):
        poison.result(0)
    writer.close()


def test_a_sender_that_hung_up_disturbs_nobody(shelf: Shelf) -> None:
    writer, (first, gone, stays) = waiting(shelf, "gone", "stays")
    assert gone.cancel()
    shelf.go.set()
    writer.close()
    assert (first.result(0), stays.result(0)) == ("stored", "stored")
    assert shelf.groups[1] == ["gone", "stays"], "it was verified, so it is kept all the same"
