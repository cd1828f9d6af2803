"""W: what GitHub could not deliver is asked for again, with the same id, until it arrived."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from bot.edges.github import HookDeliveries
from bot.edges.github.redelivery import MOST
from bot.emulators.github.state import HookAttempt
from bot.errors import Broken, Unavailable
from tests.edges.forge_contract import INFRA
from tests.edges.github_app_kit import AppWorld, app_world

LIST = "/app/hook/deliveries"


class Web:
    """A webhook server that works or does not."""

    def __init__(self) -> None:
        self.status = 202
        self.heard: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if outer.status < 300:
                    outer.heard.append((self.headers["x-github-delivery"], body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join(5)
        self.server.server_close()


class Sweeping:
    """A world whose webhook server may be down, and the sweep."""

    def __init__(self, world: AppWorld, web: Web) -> None:
        self.world, self.web = world, web
        world.github.apps.listen(world.app.id, web.url, "secret")
        self.deliveries = HookDeliveries(world.installations.own, clock=world.clock)
        self.cursor: str | None = None

    def happen(self, times: int = 1, *, status: int = 202) -> None:
        self.web.status = status
        for _ in range(times):
            self.world.github.open_issue(INFRA, "alice", title="t")

    def sweep(self, *, status: int = 202) -> int:
        """How many deliveries this sweep asked for."""
        self.web.status = status
        before = len(self.world.github.apps.attempts)
        self.cursor = self.deliveries.redeliver(self.cursor)
        return len(self.world.github.apps.attempts) - before

    def lists(self) -> int:
        return sum(call.path == LIST for call in self.world.github.calls)

    def plant(self, *, times: int = 1, guid: str = "planted") -> None:
        """Failed attempts that are in the list without anybody having tried."""
        site = self.world.github._site
        app = site.world.apps[self.world.app.id]
        for number in range(times):
            name = guid if times == 1 else f"{guid}-{number}"
            attempt = HookAttempt(site.next_id(), name, site.clock.now(), app, "issues", {}, 503, redelivery=False)
            site.world.attempts.append(attempt)


@pytest.fixture
def sweeping(tmp_path: Path) -> Iterator[Sweeping]:
    with app_world(tmp_path) as world, Web() as web:
        yield Sweeping(world, web)


def test_what_arrived_is_left_alone(sweeping: Sweeping) -> None:
    sweeping.happen(3)
    assert sweeping.sweep() == 0
    assert sweeping.sweep() == 0


def test_what_failed_comes_again_once_with_the_same_id(sweeping: Sweeping) -> None:
    sweeping.happen(2)
    sweeping.happen(3, status=503)
    failed = [attempt.guid for attempt in sweeping.world.github.apps.attempts[2:]]
    assert sweeping.sweep() == 3
    assert [guid for guid, _ in sweeping.web.heard[2:]] == failed
    sweeping.world.clock.sleep(300)
    assert sweeping.sweep() == 0
    assert len(sweeping.web.heard) == 5


def test_a_server_that_was_down_hears_everything_afterwards(sweeping: Sweeping) -> None:
    sweeping.happen(1)
    sweeping.sweep()
    for _ in range(6):
        sweeping.world.clock.sleep(600)
        sweeping.happen(2, status=500)
        sweeping.sweep(status=500)
    sweeping.world.clock.sleep(7_200)
    sweeping.sweep()
    guids = [attempt.guid for attempt in sweeping.world.github.apps.attempts]
    assert {guid for guid, _ in sweeping.web.heard} == set(guids)
    assert len(sweeping.web.heard) == len(set(guids)) == 13


def test_a_lasting_failure_is_asked_for_less_and_less(sweeping: Sweeping) -> None:
    sweeping.happen(1, status=500)
    asked = []
    for minute in range(0, 24 * 60, 5):
        if sweeping.sweep(status=500):
            asked.append(minute)
        sweeping.world.clock.sleep(300)
    assert asked == [0, 5, 15, 35, 75, 155, 315, 635, 995, 1355]


def test_the_cursor_stays_at_the_oldest_open_delivery_and_moves_on_when_it_arrived(sweeping: Sweeping) -> None:
    sweeping.happen(1)
    sweeping.world.clock.sleep(3_600)
    failed_at = sweeping.world.clock.now()
    sweeping.happen(1, status=500)
    sweeping.world.clock.sleep(3_600)
    sweeping.happen(1)
    sweeping.sweep(status=500)
    assert sweeping.cursor == failed_at.isoformat()
    sweeping.world.clock.sleep(3_600)
    sweeping.sweep()
    assert sweeping.cursor == failed_at.isoformat(), "the answer to the second try is not read yet"
    sweeping.world.clock.sleep(300)
    assert sweeping.sweep() == 0
    assert sweeping.cursor > failed_at.isoformat()


def test_only_what_is_younger_than_the_cursor_is_read(sweeping: Sweeping) -> None:
    for _ in range(4):
        sweeping.happen(60)
        sweeping.world.clock.sleep(1_200)
    sweeping.sweep()
    assert sweeping.lists() == 3
    sweeping.happen(1)
    sweeping.sweep()
    assert sweeping.lists() == 4


def test_more_than_a_page_and_no_more_than_a_sweep_may(sweeping: Sweeping) -> None:
    sweeping.plant(times=MOST + 30)
    assert sweeping.sweep() == MOST
    assert sweeping.sweep() == 30
    assert len({guid for guid, _ in sweeping.web.heard}) == MOST + 30
    assert sweeping.sweep() == 0


def test_nothing_older_than_three_days_is_asked_for(sweeping: Sweeping) -> None:
    sweeping.happen(1, status=500)
    sweeping.world.clock.sleep(3 * 86_400 + 1)
    assert sweeping.sweep() == 0
    assert sweeping.cursor is not None
    assert sweeping.sweep() == 0


def test_a_delivery_that_github_dropped_does_not_stop_the_sweep(sweeping: Sweeping) -> None:
    sweeping.happen(2, status=500)
    sweeping.world.github.faults.add("POST", f"{LIST}/.*", status=404, body={"message": "Not Found"})
    assert sweeping.sweep() == 1


def test_a_throttled_delivery_is_no_failed_one(sweeping: Sweeping) -> None:
    moment = sweeping.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    rows: list[dict[str, Any]] = [
        {"id": 3, "guid": "c", "delivered_at": None, "status": "pending", "throttled_at": moment},
        {"id": 2, "guid": "b", "delivered_at": moment, "status": "OK", "throttled_at": moment},
        {"id": 1, "guid": "a", "delivered_at": "2026-03-01T11:00:00.123Z", "status": "OK"},
    ]
    sweeping.world.github.faults.add("GET", LIST, status=200, body=rows)
    assert sweeping.sweep() == 0
    assert sweeping.cursor == sweeping.world.clock.now().isoformat()


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_wrong_loses_nothing(sweeping: Sweeping, hours: int) -> None:
    sweeping.happen(1)
    sweeping.world.clock.sleep(0)
    sweeping.cursor = HookDeliveries(sweeping.world.installations.own, clock=sweeping.world.clock).redeliver(None)
    sweeping.world.clock.sleep(30)
    sweeping.happen(1, status=500)
    ours = type(sweeping.world.clock)(sweeping.world.clock.now())
    ours.sleep(3_600.0 * hours)
    sweeping.deliveries = HookDeliveries(sweeping.world.installations.own, clock=ours)
    first = sweeping.sweep()
    ours.sleep(4_000)
    assert first + sweeping.sweep() == 1
    assert len(sweeping.web.heard) == 2


def test_an_outage_moves_no_cursor(sweeping: Sweeping) -> None:
    sweeping.happen(1, status=500)
    sweeping.world.github.faults.add("GET", LIST, status=500, times=100)
    with pytest.raises(Unavailable):
        sweeping.sweep()
    assert sweeping.cursor is None
    sweeping.world.github.faults.clear()
    assert sweeping.sweep() == 1


@pytest.mark.parametrize("rows", [{"a": 1}, [1], [{"id": "x"}], [{"id": 1, "guid": "a", "delivered_at": "then"}]])
def test_another_shape_is_said(sweeping: Sweeping, rows: Any) -> None:
    sweeping.world.github.faults.add("GET", LIST, status=200, body=rows)
    with pytest.raises(Broken):
        sweeping.sweep()
