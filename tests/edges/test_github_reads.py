"""H03 for every verb that only reads or tidies: right waits, honest ends, bounded calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.edges.github.feed import GitHubFeed
from bot.edges.github.housekeeping import GitHubHousekeeping
from bot.errors import Broken, Code, Refused, Unavailable
from tests.daily import every_day
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_world import EmulatedWorld, emulated

Verb = Callable[[EmulatedWorld], object]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        made = publish(real.forge)
        real.github.close(INFRA, made.number)
        real.clock.sleep(10 * 86_400)
        thread = real.thread()
        real.forge.say(thread, marker="key", body="done")
        real.github.react(INFRA, real.github.comments(INFRA, thread.number)[0].id, "alice", "+1")
        yield real


def last(world: EmulatedWorld):
    threads = [number for number in range(1, 9) if number in world.github._repo(INFRA).issues]
    return world.pull_thread(threads[-1]).model_copy(update={"is_pull": False})


def standing(world: EmulatedWorld) -> object:
    thread = last(world)
    return world.forge.standing(thread, world.github.comments(INFRA, thread.number)[0].id)


VERBS: dict[str, Verb] = {
    "standing": standing,
    "file": lambda world: world.forge.file(INFRA, "README.md", ref="main"),
    "open_pulls": lambda world: world.forge.open_pulls(INFRA),
    "since": lambda world: GitHubFeed(lambda repo: world.forge, repositories=(INFRA,)).since(INFRA, None),
    "thumbs": lambda world: GitHubHousekeeping(lambda repo: world.forge).thumbs(last(world), marker="key"),
    "tidy": lambda world: GitHubHousekeeping(lambda repo: world.forge).tidy(INFRA, older_than=86_400.0),
}


@pytest.fixture(params=every_day(VERBS, one_in=3))
def verb(request: pytest.FixtureRequest) -> Verb:
    return VERBS[request.param]


LIMIT = {"message": "You have exceeded a secondary rate limit."}


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [(403, {"retry-after": "7"}, 7.0), (429, {}, 60.0), (403, {}, 60.0)],
    ids=["H03-retry-after", "H03-429", "H03-secondary"],
)
def test_a_limit_is_obeyed_and_then_it_works(
    world: EmulatedWorld, verb: Verb, status: int, headers: dict[str, str], waits: float
) -> None:
    world.github.faults.add("*", ".*", status=status, body=LIMIT, headers=headers)
    verb(world)
    assert world.clock.slept[-1:] == [waits]


@pytest.mark.parametrize("body", ["<html>", '{"number": 1', []], ids=["H03-502-html", "H03-truncated", "H03-500"])
def test_githubs_bad_minute_passes(world: EmulatedWorld, verb: Verb, body: object) -> None:
    status = 200 if body == '{"number": 1' else 502
    world.github.faults.add("*", ".*", status=status, body=body, times=2)
    verb(world)


@pytest.mark.parametrize("case", ["H03-down"])
def test_an_outage_ends_with_bounded_calls(world: EmulatedWorld, verb: Verb, case: str) -> None:
    before = len(world.github.calls)
    world.github.faults.add("*", ".*", status=503, times=10_000)
    with pytest.raises(Unavailable) as stop:
        verb(world)
    assert stop.value.code is Code.RATE
    assert len(world.github.calls) - before <= 6


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, {"message": "Resource not accessible by integration"}), (401, {"message": "Bad credentials"})],
    ids=["H03-permission", "H03-401"],
)
def test_a_missing_right_is_named_and_not_repeated(
    world: EmulatedWorld, verb: Verb, status: int, body: dict[str, str]
) -> None:
    before = len(world.github.calls)
    world.github.faults.add("*", ".*", status=status, body=body, times=10_000)
    with pytest.raises(Refused) as stop:
        verb(world)
    assert stop.value.refusal.code is Code.GITHUB_AUTH
    assert len(world.github.calls) - before == 1


@pytest.mark.parametrize("case", ["H03-wrong-shape"])
def test_an_answer_of_another_shape_is_a_defect(world: EmulatedWorld, verb: Verb, case: str) -> None:
    world.github.faults.add("*", ".*", status=200, body={"surprise": True}, times=10_000)
    with pytest.raises(Broken, match="documented"):
        verb(world)


def test_without_a_fault_each_verb_finds_what_is_there(world: EmulatedWorld) -> None:
    found = {name: act(world) for name, act in VERBS.items()}
    assert found["file"] == "infra\n"
    assert found["thumbs"] == (("alice", "up"),)
    assert len(found["tidy"]) == 1  # type: ignore[arg-type]
    assert found["open_pulls"] == ()
    assert world.clock.now() - timedelta(days=10) > world.github.issue(INFRA, 1).created_at - timedelta(seconds=1)
