"""Lessons and spending: the same on SQLite, on Postgres and in memory; the second step of the schema."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.counsel import Lesson
from bot.edges.ledger import SqlLedger, open_ledger
from bot.edges.ledger.database import Database
from bot.edges.ledger.migrations import STEPS, migrate
from bot.edges.ledger.tables import INBOX
from bot.model.consultation import Spent
from tests.fakes.clock import StoppedClock
from tests.fakes.ledger import MemoryLedger
from tests.ledger.kit import NOON, event, later

Kept = SqlLedger | MemoryLedger


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def kept(request: pytest.FixtureRequest, clock: StoppedClock) -> Iterator[Kept]:
    if request.param == "memory":
        yield MemoryLedger(now=clock.now)
        return
    url = request.getfixturevalue("emptied")() if request.param == "postgres" else None
    folder = request.getfixturevalue("tmp_path")
    with open_ledger(url or f"sqlite:///{folder / 'ledger.sqlite'}", clock=clock) as opened:
        yield opened


def lesson(number: int, **facts: object) -> Lesson:
    told = {
        "id": f"plan:Org/infra/app{number}",
        "kind": "plan",
        "repo": "Org/infra",
        "app": f"app{number}",
        "namespace": "shop",
        "title": f"Plan {number}",
        "text": "api: 3 replicas",
        "data": {"monthly": 12.5, "services": [{"name": "api", "kind": "api"}], "nothing": None},
        "at": later(minutes=number),
    }
    return Lesson.model_validate(told | facts)


def test_lessons_newest_first_and_by_kind_repository_application(kept: Kept) -> None:
    plans = [lesson(1), lesson(2), lesson(3, repo="Org/other"), lesson(4)]
    page = lesson(9, id="page:1#1", kind="page", repo=None, app=None, namespace=None, data=None, at=later(hours=9))
    for one in (plans[2], page, plans[0], plans[3], plans[1]):
        kept.learn(one)
    assert list(kept.lessons()) == [page, *plans[::-1]]
    assert list(kept.lessons(limit=2)) == [page, plans[3]]
    assert list(kept.lessons(kind="plan", repo="org/INFRA")) == [plans[3], plans[1], plans[0]]
    assert list(kept.lessons(app="app2")) == [plans[1]]
    assert kept.lessons(kind="outcome") == ()


def test_learning_again_replaces(kept: Kept) -> None:
    kept.learn(lesson(1))
    again = lesson(1, text="api: 5 replicas", at=later(hours=1), data=[1, "two"])
    kept.learn(again)
    assert kept.lessons() == (again,)


def test_lessons_of_one_moment_are_in_the_order_of_their_ids(kept: Kept) -> None:
    for name in ("b", "a", "c"):
        kept.learn(lesson(1, id=name))
    assert [one.id for one in kept.lessons()] == ["a", "b", "c"]


def test_a_page_is_replaced_with_its_parts_and_nothing_beside_it(kept: Kept) -> None:
    old = ["page:ab", "page:ab#1", "page:ab#2", "page:abc#1", "page:a_#1", "page:a"]
    for name in old:
        kept.learn(lesson(1, id=name, kind="page"))
    new = lesson(2, id="page:ab#1", kind="page")
    assert kept.replace("page:ab", (new,)) == 3
    assert [one.id for one in kept.lessons()] == ["page:ab#1", "page:a", "page:a_#1", "page:abc#1"]
    assert kept.replace("page:a_", ()) == 1
    assert kept.replace("page:%", ()) == 0


def test_spending_is_summed_by_the_utc_day(kept: Kept) -> None:
    assert kept.spent_today(NOON) == Spent()
    kept.spend(Spent(calls=1, input_tokens=900, output_tokens=100, seconds=3.0), NOON)
    assert kept.spent_today(NOON) == Spent(calls=1, input_tokens=900, output_tokens=100)
    kept.spend(Spent(calls=2, input_tokens=1, output_tokens=2, money=0.1), later(hours=1))
    kept.spend(Spent(calls=1, money=0.2), later(hours=2))
    today = kept.spent_today(later(hours=11))
    assert (today.calls, today.input_tokens, today.output_tokens) == (4, 901, 102)
    assert today.money == pytest.approx(0.3)
    assert kept.spent_today(later(hours=12)) == Spent()
    assert kept.spent_today(later(hours=12).astimezone(timezone(timedelta(hours=-5)))) == Spent(), "a day is UTC's"


def test_threads_that_spend_at_once_lose_nothing(kept: Kept) -> None:
    def work() -> None:
        for _ in range(5):
            kept.spend(Spent(calls=1, input_tokens=10, money=0.001), NOON)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    today = kept.spent_today(NOON)
    assert (today.calls, today.input_tokens) == (40, 400)
    assert today.money == pytest.approx(0.04)


def test_housekeeping_keeps_lessons(ledger: SqlLedger, clock: StoppedClock) -> None:
    ledger.learn(lesson(1))
    ledger.spend(Spent(calls=1), NOON)
    clock.sleep(1_000 * 86_400.0)
    assert ledger.prune(keep_days=3) == 0
    assert ledger.lessons() == (lesson(1),)


def test_lessons_outlive_the_process(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as opened:
        opened.learn(lesson(1))
        opened.spend(Spent(calls=3, money=1.5), NOON)
    with open_ledger(url, clock=clock) as opened:
        assert opened.lessons() == (lesson(1),)
        assert opened.spent_today(NOON).money == 1.5


def test_a_database_of_the_first_schema_is_brought_to_the_second(url: str, clock: StoppedClock) -> None:
    database = Database(url)
    with closing(database):
        database.prepare(lambda connection: migrate(connection, now=NOON, steps=STEPS[:1]))
        row = {"delivery_id": "d-1", "event": "ping", "body": b"{}", "received_at": NOON}
        database.write(lambda connection: connection.execute(INBOX.insert().values(**row)).rowcount)
    with open_ledger(url, clock=clock) as opened:
        assert opened.accept(event("d-2")) == "stored"
        assert [one.delivery_id for one in opened.unread(9)] == ["d-1", "d-2"]
        opened.learn(lesson(1))
        opened.spend(Spent(calls=1), NOON)
    with open_ledger(url, clock=clock) as opened:
        assert opened.lessons() == (lesson(1),)
    with closing(Database(url)) as again:
        steps = again.read(lambda c: c.exec_driver_sql("SELECT version FROM aip_schema ORDER BY version").all())
    assert [row[0] for row in steps] == [1, 2]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=())), data=st.recursive(st.none() | st.text(), st.lists))
def test_any_text_can_be_learnt(ledger: SqlLedger, text: str, data: object) -> None:
    told = lesson(1).model_copy(update={"title": text, "text": text, "data": data})
    ledger.learn(told)
    [kept] = ledger.lessons()
    assert kept.data == data
    assert len(kept.text) == len(text)
    assert all(one == other for one, other in zip(kept.text, text, strict=True) if one != "\ufffd")
