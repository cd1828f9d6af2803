"""The desk: takes at once, works in order, drops duplicates, survives bad jobs."""

from __future__ import annotations

import json
import queue
from typing import Any

import pytest

from bot.errors import Code, Unavailable
from bot.handlers.desk import Desk
from bot.model.command import Delivery, RawEvent
from bot.model.outcome import Published
from bot.ports import Permission
from tests.fakes.forge import FakeForge
from tests.fakes.house import office

ADA = {"login": "ada", "id": 7, "type": "User"}


class TiredForge(FakeForge):
    """A forge that fails on the permission call: by an outage or by a defect of ours."""

    failure: Exception = ValueError("a defect")

    def permission(self, thread: object, login: str) -> Permission:
        raise self.failure


class MuteForge(FakeForge):
    """A forge that takes no words."""

    def say(self, thread: object, *, marker: str, body: str) -> str:
        raise Unavailable(Code.RATE, "GitHub asks to wait.", remedy="Wait.")


def event(number: int = 1, *, body: str = "/ai-help", delivery: str = "d-1") -> RawEvent:
    payload: dict[str, Any] = {
        "action": "created",
        "sender": ADA,
        "repository": {"name": "infrastructure", "owner": {"login": "myorg"}},
        "issue": {"id": 1, "number": number, "user": ADA, "created_at": "2026-01-02T03:04:05Z"},
        "comment": {"id": 99, "body": body, "user": ADA, "created_at": "2026-01-02T03:05:05Z"},
    }
    return RawEvent(delivery_id=delivery, event="issue_comment", body=json.dumps(payload).encode())


def worked(forge: FakeForge, *events: RawEvent) -> list[tuple[int, Published]]:
    ended: queue.Queue[tuple[Delivery, Published]] = queue.Queue()
    desk = Desk(office(forge), done=lambda delivery, published: ended.put((delivery, published)))
    taken = [desk.accept(one) for one in events]
    desk.start()
    desk.stop()
    assert desk.waiting == 0
    assert len(taken) == len(events)
    return [(delivery.thread.number, published) for delivery, published in list(ended.queue)]


def test_events_are_worked_in_order() -> None:
    ended = worked(FakeForge(), *(event(number, delivery=f"d-{number}") for number in range(1, 6)))
    assert [number for number, _ in ended] == [1, 2, 3, 4, 5]
    assert {published.kind for _, published in ended} == {"answered"}


def test_a_redelivery_is_taken_once() -> None:
    desk = Desk(office(FakeForge()))
    assert [desk.accept(event()) for _ in range(3)] == [True, False, False]
    assert desk.waiting == 1


def test_prose_ends_in_nothing() -> None:
    forge = FakeForge()
    assert worked(forge, event(body="hello")) == []
    assert forge.writes == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"NaN", b'{"a": NaN}', b"[" * 100_000, b"\xff"])
def test_an_unreadable_payload_does_not_stop_the_desk(body: bytes) -> None:
    bad = RawEvent(delivery_id="bad", event="issue_comment", body=body)
    assert [number for number, _ in worked(FakeForge(), bad, event())] == [1]


def test_a_defect_is_answered_with_an_apology_and_the_next_job_runs() -> None:
    forge = TiredForge()
    ended = worked(forge, event(1, delivery="d-1"), event(2, delivery="d-2"))
    assert [(number, published.kind, published.code) for number, published in ended] == [
        (1, "failed", "internal"), (2, "failed", "internal"),
    ]  # fmt: skip
    assert "defect of ai-provision" in forge.comments["myorg/infrastructure", 1][0].body
    assert "a defect" not in forge.comments["myorg/infrastructure", 1][0].body.replace("a defect of ai-provision", "")


def test_an_outage_is_no_defect() -> None:
    [(_, published)] = worked(MuteForge(), event())
    assert (published.kind, published.code) == ("failed", "rate")
