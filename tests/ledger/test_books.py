"""The audit log and the small facts, on both databases."""

from __future__ import annotations

from bot.edges.ledger import SqlLedger, open_ledger
from bot.model.job import Answered, AuditEntry
from tests.fakes.clock import StoppedClock
from tests.ledger.kit import NOON, later


def entry(
    number: int, *, job: str | None = "j", action: str = "end", actor: str = "Ada", repo: str = "Org/a"
) -> AuditEntry:
    return AuditEntry(
        at=later(minutes=number),
        job=None if job is None else f"{job}{number}",
        actor=actor,
        repo=repo,
        thread=number,
        action=action,
        decision="quota",
        detail=f"detail {number}",
    )


def test_entries_newest_first_and_by_who_where_when(ledger: SqlLedger) -> None:
    given = [entry(1), entry(2, actor="grace"), entry(3, repo="Org/b"), entry(4)]
    for one in given:
        ledger.note(one)
    assert list(ledger.entries(limit=10)) == given[::-1]
    assert list(ledger.entries(limit=2)) == [given[3], given[2]]
    assert list(ledger.entries(limit=10, actor="ada")) == [given[3], given[2], given[0]]
    assert list(ledger.entries(limit=10, repo="org/A")) == [given[3], given[1], given[0]]
    assert list(ledger.entries(limit=10, since=later(minutes=3))) == [given[3], given[2]]


def test_an_entry_is_added_once_and_never_changed(ledger: SqlLedger) -> None:
    ledger.note(entry(1))
    ledger.note(entry(1).model_copy(update={"decision": "admitted"}))
    ledger.note(entry(1, action="start"))
    assert [(one.action, one.decision) for one in ledger.entries(limit=10)] == [("start", "quota"), ("end", "quota")]


def test_entries_without_a_job_are_all_kept(ledger: SqlLedger) -> None:
    for _ in range(2):
        ledger.note(entry(1, job=None))
    assert list(ledger.entries(limit=10)) == [entry(1, job=None)] * 2


def test_cursors_outlive_the_process(url: str, clock: StoppedClock) -> None:
    with open_ledger(url, clock=clock) as ledger:
        assert ledger.cursor("poll") is None
        ledger.set_cursor("poll", "one")
        ledger.set_cursor("poll", "two")
        ledger.set_cursor("sweep", "")
    with open_ledger(url, clock=clock) as ledger:
        assert (ledger.cursor("poll"), ledger.cursor("sweep")) == ("two", "")


def test_installations_go_and_come_back(ledger: SqlLedger) -> None:
    for gone in (True, True, False, False, True):
        ledger.set_installation(2**40, gone=gone)
        assert ledger.installation_gone(2**40) is gone
        assert not ledger.installation_gone(1)


def test_the_last_thumb_of_a_person_counts(ledger: SqlLedger) -> None:
    assert ledger.thumbs() == {"up": 0, "down": 0}
    for login, value in [("ada", "up"), ("grace", "up"), ("ada", "down"), ("ada", "down")]:
        ledger.feedback(Answered(job="j", login=login, value=value, at=NOON))
    ledger.feedback(Answered(job="k", login="ada", value="up", at=NOON))
    assert ledger.thumbs() == {"up": 2, "down": 1}
