"""The web server on the real ledger: what was acknowledged is on disk, and the pages read the same file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.emulators.loopback import Loopback
from bot.model.job import Answered, WorkerRow
from bot.model.outcome import Published
from bot.records import Ledger
from tests.web.kit import NOW, PATH, TOKEN, app, entry, job, signed

BODY = b'{"action": "created"}'
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with closing(open_ledger(url, clock=RealClock())) as ledger:
        yield ledger


def test_w06_fifty_times_at_once_is_202_and_stored_once(ledger: Ledger) -> None:
    def knock(_number: int) -> int:
        return requests.post(server.url + PATH, data=BODY, headers=signed(BODY), timeout=20).status_code

    with Loopback(app(ledger)) as server, ThreadPoolExecutor(50) as crowd:
        assert list(crowd.map(knock, range(50))) == [202] * 50
    assert [event.body for event in ledger.unread(10)] == [BODY]


def test_t02_an_altered_delivery_is_409_also_after_a_restart(url: str) -> None:
    with closing(open_ledger(url, clock=RealClock())) as ledger:
        assert TestClient(app(ledger)).post(PATH, content=BODY, headers=signed(BODY)).status_code == 202
        ledger.settle("d-1", job=None, note="prose")
    with closing(open_ledger(url, clock=RealClock())) as ledger:
        client = TestClient(app(ledger))
        assert client.post(PATH, content=BODY, headers=signed(BODY)).status_code == 202
        assert client.post(PATH, content=b"{}", headers=signed(b"{}")).status_code == 409
        assert ledger.unread(10) == ()


def test_a_ledger_that_was_closed_is_503(url: str) -> None:
    ledger = open_ledger(url, clock=RealClock())
    ledger.close()
    assert TestClient(app(ledger)).post(PATH, content=BODY, headers=signed(BODY)).status_code == 503


def test_the_pages_show_what_the_ledger_holds(ledger: Ledger) -> None:
    one = job(1)
    ledger.settle("d-1", job=one, note="command")
    ledger.end(one.id, Published(kind="refused", code="capacity"))
    ledger.note(entry())
    ledger.feedback(Answered(job=one.id, login="ada", value="up", at=NOW))
    ledger.enlist("w-1", "1")
    ledger.report(WorkerRow(id="w-1", version="1", seen_at=NOW))
    client = TestClient(app(ledger), headers=BEARER)
    listed = client.get("/jobs?repo=myorg/infrastructure&state=ended").json()["jobs"]
    assert [(row["outcome"], row["code"]) for row in listed] == [("refused", "capacity")]
    assert client.get(f"/jobs/{one.id[:12]}").json()["job"] == listed[0]
    assert [row["actor"] for row in client.get("/audit?actor=ada").json()["entries"]] == ["ada"]
    assert client.get("/readyz").json()["status"] == "ok"
    page = client.get("/metrics").text
    assert 'ai_provision_commands_total{code="capacity",command="/ai-provision",kind="refused"} 1.0' in page
    assert 'ai_provision_feedback_total{value="up"} 1.0' in page


def test_t03_no_bytes_with_a_right_signature_are_a_500(ledger: Ledger) -> None:
    client = TestClient(app(ledger))

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.binary(max_size=300), st.binary(max_size=40), st.sampled_from(["issues", "push", "installation", "x"]))
    def deliver(body: bytes, delivery: bytes, event: str) -> None:
        headers: dict[str, str | bytes] = {**signed(body, event=event), "X-GitHub-Delivery": delivery}
        assert client.post(PATH, content=body, headers=headers).status_code in {202, 204, 400, 409}

    deliver()
