"""Who may begin, and who first: the query against a model in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert

from bot.edges.ledger import SqlLedger, open_ledger
from bot.edges.ledger.jobs import row_of
from bot.edges.ledger.tables import JOBS
from bot.model.job import JobState
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import DONE, job, queued


class Row(NamedTuple):
    """A command in order of arrival."""

    repo: int
    thread: int
    immediate: bool
    state: JobState


ROWS = st.lists(
    st.builds(
        Row,
        repo=st.integers(0, 2),
        thread=st.integers(0, 3),
        immediate=st.booleans() | st.just(value=False),
        state=st.sampled_from(["queued", "queued", "queued", "handed", "admitted", "ended"]),
    ),
    max_size=14,
)


def model(rows: Sequence[Row], *, limit: int, per_repo: int) -> list[int]:
    """The docstring of ``Jobs.due``, sentence by sentence; indexes of rows."""

    def waits(index: int) -> bool:
        this = rows[index]
        return any(
            not one.immediate and one[:2] == this[:2] and one.state in {"queued", "handed"} for one in rows[:index]
        )

    turns: list[tuple[int, bool, int]] = []
    for repo in {one.repo for one in rows}:
        mine = [index for index, one in enumerate(rows) if one.repo == repo]
        working = sum(not rows[index].immediate and rows[index].state in {"handed", "admitted"} for index in mine)
        ready = [index for index in mine if rows[index].state == "queued"]
        plain = [index for index in ready if not rows[index].immediate and not waits(index)]
        turns += [(turn, False, i) for turn, i in enumerate(plain, start=working + 1) if turn <= per_repo]
        turns += [(turn, True, i) for turn, i in enumerate([i for i in ready if rows[i].immediate], start=1)]
    return [index for _, _, index in sorted(turns, key=lambda one: (one[0], not one[1], one[2]))][:limit]


def fill(ledger: SqlLedger, rows: Sequence[Row]) -> None:
    """Put exactly these commands into the table, in one transaction."""
    lines = [
        row_of(job(index, repo=f"r{row.repo}", thread=row.thread, immediate=row.immediate), f"d-{index}")
        | {"state": row.state}
        for index, row in enumerate(rows)
    ]

    def write(connection: Connection) -> None:
        connection.execute(delete(JOBS))
        if lines:
            connection.execute(insert(JOBS), lines)

    ledger._db.write(write)


def possible(rows: Sequence[Row]) -> list[Row]:
    """At most one admitted command in a thread."""
    held: set[tuple[int, int]] = set()
    kept = []
    for row in rows:
        if row.state == "admitted" and not row.immediate:
            if row[:2] in held:
                kept.append(row._replace(state="ended"))
                continue
            held.add(row[:2])
        kept.append(row)
    return kept


def due(ledger: SqlLedger, *, limit: int, per_repo: int) -> list[int | None]:
    return [one.order.comment_id for one in ledger.due(limit, per_repo=per_repo)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, limit=st.integers(1, 8), per_repo=st.integers(1, 4))
def test_the_query_is_the_model(ledger: SqlLedger, rows: list[Row], limit: int, per_repo: int) -> None:
    rows = possible(rows)
    fill(ledger, rows)
    assert due(ledger, limit=limit, per_repo=per_repo) == model(rows, limit=limit, per_repo=per_repo)


def test_repositories_take_turns(ledger: SqlLedger) -> None:
    fill(
        ledger,
        [Row(repo, thread, False, "queued") for repo, thread in [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1), (1, 2)]],
    )
    assert due(ledger, limit=10, per_repo=2) == [0, 3, 4, 1, 5]


def test_a_repository_with_a_long_queue_starves_nobody(ledger: SqlLedger) -> None:
    fill(ledger, [Row(0, thread, False, "queued") for thread in range(5)] + [Row(1, 1, False, "queued")])
    order = []
    for _ in range(3):
        (one,) = ledger.due(1, per_repo=2)
        ledger.hand(one.id)
        order.append(one.order.comment_id)
    assert order == [0, 5, 1], "what was handed has had its turn"


def test_order_in_a_thread_is_no_matter_of_the_clock(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as ledger:
        for number, jump in enumerate([0, 3600, -7200]):
            clock.sleep(jump)
            queued(ledger, job(number, at=clock.now()))
        order = []
        while ready := ledger.due(10, per_repo=5):
            (one,) = ready
            order.append(one.order.comment_id)
            ledger.hand(one.id)
            assert ledger.due(10, per_repo=5) == (), "handed, and not yet admitted"
            assert ledger.admit(one.id) is None
            ledger.end(one.id, DONE)
        assert order == [0, 1, 2]


def test_one_that_was_admitted_lets_the_next_of_its_thread_hear_busy(ledger: SqlLedger) -> None:
    fill(ledger, [Row(0, 1, False, "admitted"), Row(0, 1, False, "queued")])
    assert due(ledger, limit=5, per_repo=4) == [1]
    assert due(ledger, limit=5, per_repo=1) == []


def test_a_long_queue_is_asked_whole(ledger: SqlLedger) -> None:
    fill(ledger, [Row(number % 50, number, False, "queued") for number in range(1_000)])
    assert due(ledger, limit=200, per_repo=2) == list(range(100))
