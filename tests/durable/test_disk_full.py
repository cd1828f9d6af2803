"""A disk without room for the database: nothing half-done, nothing lost; with room again the end is the undisturbed one.

The room is a limit on the size of files in the worker's process, low enough for the database and far above what git and
Terraform write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from tests.durable.rig import (
    PROCESSES,
    SMALL,
    Life,
    World,
    as_json,
    job_ends,
    limit_files,
    limited,
    run_worker,
    start_worker,
    world,
)
from tests.web.kit import PATH, app, signed

STEP = 96 * 1024
POINTS = 4


def database(here: World) -> Path:
    return here.root / "bot.sqlite"


def prepared(here: World) -> tuple[int, int]:
    """A database that has every table, and a command in it; the command's issue and the size of the file."""
    run_worker(here)
    return here.command(SMALL), database(here).stat().st_size


def undisturbed(root: Path) -> dict[str, Any]:
    with world(root) as here:
        number, _ = prepared(here)
        run_worker(here)
        return here.end_state(number)


def half_done(here: World, number: int, expected: dict[str, Any]) -> list[str]:
    """What a person could see that is more than a beginning of the end: a second comment, pull request or branch."""
    seen = here.end_state(number)
    return [name for name in ("comments", "pulls", "branches") if len(seen[name]) > len(expected[name])]


@pytest.mark.long
def test_h01_a_disk_that_fills_while_a_command_runs(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    expected = undisturbed(tmp_path / "undisturbed")
    words = []
    for point in range(POINTS):
        with world(tmp_path / f"{point}") as here:
            number, size = prepared(here)
            process, told = start_worker(here, patience=3.0, life=Life(drain=1.0, room=size + point * STEP))
            process.join(40)
            words.append(told.get(timeout=5)[0] if process.exitcode == 0 else "refused")
            assert half_done(here, number, expected) == [], point
            assert job_ends(here) == [("pull-request", None) if words[-1] == "done" else ("open", None)], point
            run_worker(here)
            end = here.end_state(number)
            assert end == expected, f"{point}: {as_json(end)}"
            assert job_ends(here) == [("pull-request", None)], point
    assert words.count("late") >= 2, words
    record_property(
        "points", f"disk full at {POINTS} points ({', '.join(words)}): all end as undisturbed after the next start"
    )


def test_h01_a_worker_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    expected = undisturbed(tmp_path / "undisturbed")
    with world(tmp_path / "full") as here:
        number, size = prepared(here)
        run_worker(here, patience=45.0, life=Life(chores=True, watch_every=0.5, room=size + 3 * STEP, room_for=4.0))
        assert here.end_state(number) == expected
        assert job_ends(here) == [("pull-request", None)]


BODY = json.dumps({"zen": "x" * 10_000}).encode()


def _serve(url: str, room: int, told: Any) -> None:
    """A server on a full disk: deliveries until one is not stored, that one again, and once more with room."""
    with open_ledger(url, clock=RealClock()) as ledger:
        client = TestClient(app(ledger))
        seen: list[tuple[int, str | None]] = []

        def deliver(number: int) -> int:
            headers = signed(BODY, delivery=f"d-{number}")
            answer = client.post(PATH, content=BODY, headers=headers)
            seen.append((answer.status_code, answer.headers.get("retry-after")))
            return answer.status_code

        number = 0
        with limited(room):
            while number < 500 and deliver(number) == 202:
                number += 1
            deliver(number)
            limit_files(None)
            deliver(number)
            deliver(number)
    told.put((number, seen))


def test_a_delivery_that_found_no_room_is_stored_when_it_comes_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.sqlite"
    with open_ledger(url, clock=RealClock()):
        size = (tmp_path / "bot.sqlite").stat().st_size
    told = PROCESSES.Queue()
    process = PROCESSES.Process(target=_serve, args=(url, size + STEP, told), daemon=True)
    process.start()
    number, seen = told.get(timeout=40)
    process.join(10)
    assert process.exitcode == 0
    assert [status for status, _ in seen[-4:]] == [503, 503, 202, 202]
    assert all(after and int(after) > 0 for status, after in seen if status == 503)
    with open_ledger(url, clock=RealClock()) as ledger:
        assert [event.delivery_id for event in ledger.unread(1_000)] == [f"d-{one}" for one in range(number + 1)]
    assert number > 3
