"""Commands from queued to ended, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bot.edges.ledger import SqlLedger, open_ledger
from bot.errors import Broken
from bot.model.job import Job
from bot.model.outcome import Published
from bot.model.refusal import Code, Refusal
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import DONE, job, later, queued

REFUSED = Published(kind="refused", code="quota")


def test_a_job_comes_back_as_it_was_queued(ledger: SqlLedger) -> None:
    unclear = Refusal(code=Code.SYNTAX, message="m", remedy="r", example="/ai-help")
    refused = job(2).model_copy(update={"command": unclear, "closed": True})
    queued(ledger, job(1), refused)
    assert ledger.get(job(1).id) == job(1)
    assert ledger.get(refused.id) == refused


def test_the_way_of_a_job(ledger: SqlLedger, clock: StoppedClock) -> None:
    queued(ledger, job(1))
    ledger.hand(job(1).id)
    clock.sleep(5)
    assert ledger.admit(job(1).id) is None
    ledger.park(job(1).id, later(minutes=5))
    ledger.cancel(job(1).id, "grace")
    clock.sleep(5)
    ledger.end(job(1).id, DONE)
    assert ledger.get(job(1).id) == job(1).model_copy(
        update={
            "state": "ended",
            "started_at": later(seconds=5),
            "ended_at": later(seconds=10),
            "parked_until": later(minutes=5),
            "cancelled_by": "grace",
            "published": DONE,
            "worker": "worker-0",
        }
    )


def _hand(ledger: SqlLedger, one: Job) -> None:
    ledger.hand(one.id)


def _admit(ledger: SqlLedger, one: Job) -> None:
    assert ledger.admit(one.id) is None


def _park(ledger: SqlLedger, one: Job) -> None:
    ledger.park(one.id, later(hours=1))


def _cancel(ledger: SqlLedger, one: Job) -> None:
    ledger.cancel(one.id, "grace")


def _end(ledger: SqlLedger, one: Job) -> None:
    ledger.end(one.id, REFUSED)


@pytest.mark.parametrize("late", [_hand, _admit, _park, _cancel, _end])
def test_nothing_changes_a_job_that_ended(ledger: SqlLedger, late: Callable[[SqlLedger, Job], None]) -> None:
    queued(ledger, job(1))
    ledger.end(job(1).id, DONE)
    before = ledger.get(job(1).id)
    late(ledger, job(1))
    assert ledger.get(job(1).id) == before
    assert ledger.outcomes() == {("/ai-provision", "pull-request", ""): 1}


def test_parking_ends(ledger: SqlLedger) -> None:
    queued(ledger, job(1))
    ledger.park(job(1).id, later(hours=1))
    ledger.park(job(1).id, None)
    assert ledger.get(job(1).id) == job(1)


def test_handing_an_admitted_job_changes_nothing(ledger: SqlLedger) -> None:
    queued(ledger, job(1))
    ledger.admit(job(1).id)
    before = ledger.get(job(1).id)
    ledger.hand(job(1).id)
    assert ledger.get(job(1).id) == before


def test_c08_a_thread_is_held_until_the_end(ledger: SqlLedger) -> None:
    elsewhere = job(3, thread=2)
    queued(ledger, job(1), job(2), elsewhere)
    assert ledger.admit(job(1).id) is None
    assert ledger.admit(job(1).id) is None, "the same job may ask again"
    holder = ledger.admit(job(2).id)
    assert holder is not None
    assert holder.id == job(1).id
    assert ledger.admit(elsewhere.id) is None
    ledger.end(job(1).id, DONE)
    assert ledger.admit(job(2).id) is None


def test_c08_an_immediate_command_neither_waits_nor_holds(ledger: SqlLedger) -> None:
    commands = [job(1), job(2, immediate=True), job(3, thread=2, immediate=True), job(4, thread=2)]
    queued(ledger, *commands)
    assert [ledger.admit(one.id) for one in commands] == [None] * 4


def test_c08_of_two_that_race_one_is_admitted(url: str, clock: StoppedClock) -> None:
    rivals = [job(number) for number in range(8)]
    with ExitStack() as stack:
        ledgers = [stack.enter_context(open_ledger(url, clock=clock, executor_id=f"w{n}")) for n in range(4)]
        queued(ledgers[0], *rivals)
        pool = stack.enter_context(ThreadPoolExecutor(8))
        for _ in range(5):
            work = [pool.submit(ledgers[n % 4].admit, rival.id) for n, rival in enumerate(rivals)]
            holders = [one.result(30) for one in work]
            (winner,) = [rival for rival, holder in zip(rivals, holders, strict=True) if holder is None]
            assert {holder.id for holder in holders if holder is not None} <= {winner.id}
            ledgers[0].end(winner.id, DONE)
            rivals.remove(winner)


def test_a_job_that_nobody_queued_is_a_defect(ledger: SqlLedger) -> None:
    with pytest.raises(Broken):
        ledger.admit("0" * 64)
    with pytest.raises(Broken):
        ledger.end("0" * 64, DONE)


def test_a_job_is_found_by_what_people_see(ledger: SqlLedger) -> None:
    queued(ledger, job(1), job(2))
    assert ledger.get(job(1).order.job) == job(1)
    assert ledger.get(job(1).id[:30]) == job(1)
    assert ledger.get(job(1).id[:11]) is None
    assert ledger.get("%" * 12) is None
    assert ledger.get("") is None


def test_a_prefix_of_several_jobs_finds_none(ledger: SqlLedger) -> None:
    twins = [job(1).model_copy(update={"id": "a" * 60 + end}) for end in ("0000", "1111")]
    queued(ledger, *(one.model_copy(update={"delivery_id": one.id}) for one in twins))
    assert ledger.get("a" * 60) is None
    assert ledger.get("a" * 60 + "0") is not None


def test_the_commands_of_a_thread_newest_first(ledger: SqlLedger) -> None:
    queued(ledger, job(1), job(2, thread=2), job(3), job(4, repo="INFRA"), job(5))
    assert [one.order.comment_id for one in ledger.of_thread(job(5).order, 10)] == [4, 3, 1]
    assert [one.order.comment_id for one in ledger.of_thread(job(3).order, 1)] == [5]


def test_listing(ledger: SqlLedger) -> None:
    queued(ledger, job(1), job(2, repo="other"), job(3))
    ledger.end(job(1).id, DONE)
    numbers = lambda jobs: [one.order.comment_id for one in jobs]  # noqa: E731
    assert numbers(ledger.listing(limit=10)) == [3, 2, 1]
    assert numbers(ledger.listing(limit=2)) == [3, 2]
    assert numbers(ledger.listing(limit=10, state="queued")) == [3, 2]
    assert numbers(ledger.listing(limit=10, repo="Org/infra")) == [3, 1]
    assert numbers(ledger.listing(limit=10, state="ended", repo="org/INFRA")) == [1]


def test_how_many_a_person_gave(ledger: SqlLedger, clock: StoppedClock) -> None:
    given = [job(number, repo=f"r{number}", at=later(seconds=10 * number)) for number in range(5)]
    queued(ledger, *given, job(9, login="grace"))
    clock.sleep(40)
    assert ledger.given("ada", seconds=60) == 5
    assert ledger.given("ADA", seconds=20) == 3
    assert ledger.given("grace", seconds=39) == 0
    assert ledger.given("nobody", seconds=1e6) == 0


def test_outcomes_are_counted_once_each(ledger: SqlLedger) -> None:
    queued(ledger, *(job(number) for number in range(4)), job(4, immediate=True))
    for number, published in enumerate([DONE, DONE, REFUSED, REFUSED]):
        ledger.end(job(number).id, published)
    ledger.end(job(4, immediate=True).id, Published(kind="answered"))
    assert ledger.outcomes() == {
        ("/ai-provision", "pull-request", ""): 2,
        ("/ai-provision", "refused", "quota"): 2,
        ("/ai-help", "answered", ""): 1,
    }


def test_many_threads_end_one_job_once(ledger: SqlLedger) -> None:
    queued(ledger, job(1))
    ends = [Published(kind="refused", code=f"code-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda end: ledger.end(job(1).id, end), ends))
    ended = ledger.get(job(1).id)
    assert ended is not None
    assert ended.published in ends
    assert sum(ledger.outcomes().values()) == 1
