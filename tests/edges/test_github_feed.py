"""Poll mode: every new word of a person is read once, nothing is skipped, and an idle repository costs nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.edges.github import GitHubForge
from bot.edges.github.feed import GitHubFeed
from bot.edges.github.pace import Pace
from bot.edges.github.tokens import FixedToken
from bot.emulators.loopback import Loopback
from bot.handlers.delivery import read_delivery
from bot.model.command import Delivery, RawEvent
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated
from tests.fakes.clock import StoppedClock


class Reader:
    """A poller: keeps the cursor, remembers what came."""

    def __init__(self, world: EmulatedWorld) -> None:
        self.feed = GitHubFeed(lambda repo: world.forge, repositories=(INFRA,))
        self.cursor: str | None = None
        self.events: list[RawEvent] = []

    def read(self) -> list[RawEvent]:
        page = self.feed.since(INFRA, self.cursor)
        self.cursor = page.cursor
        self.events += page.events
        return list(page.events)

    def words(self) -> list[str]:
        """The bodies of the deliveries that this read brought."""
        return [found.body for found in map(delivery, self.read()) if found]


def delivery(event: RawEvent) -> Delivery | None:
    return read_delivery(event.event, event.delivery_id, json.loads(event.body))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


@pytest.fixture
def reader(world: EmulatedWorld) -> Reader:
    return Reader(world)


def later(world: EmulatedWorld, seconds: float) -> None:
    world.clock.sleep(seconds)


def age(world: EmulatedWorld, number: int, comment_id: int, moment: datetime) -> None:
    """Let a comment have been written at another moment."""
    item = next(item for item in world.github.comments(INFRA, number) if item.id == comment_id)
    item.created_at = item.updated_at = moment


def test_a_comment_and_a_description_are_read_as_a_webhook_would_have_brought_them(
    world: EmulatedWorld, reader: Reader
) -> None:
    number = world.github.open_issue(INFRA, "alice", title="t", body="/ai-help\r\nplease")
    comment = world.github.comment(INFRA, number, "alice", "/ai-status ü")
    opened, said = map(delivery, reader.read())
    assert opened is not None
    assert said is not None
    assert (opened.event, opened.body, opened.comment_id) == ("issues", "/ai-help\r\nplease", None)
    assert opened.id.startswith("poll-issue-")
    assert opened.id.endswith(f"-{number}")
    assert (said.id, said.event, said.body, said.comment_id) == (
        f"poll-comment-{comment}", "issue_comment", "/ai-status ü", comment,
    )  # fmt: skip
    assert (said.actor.login, said.thread.full_name, said.thread.number) == ("alice", INFRA, number)
    assert (said.closed, said.locked, said.thread.is_pull) == (False, False, False)
    assert said.created_at == world.clock.now()


def test_what_was_read_does_not_come_again_and_idle_reads_cost_nothing(world: EmulatedWorld, reader: Reader) -> None:
    world.human_comment(world.thread(), "/ai-help")
    assert reader.words() == ["", "/ai-help"]
    later(world, 30)
    assert reader.words() == []
    before = len(world.github.calls)
    later(world, 3_600)
    assert reader.words() == []
    assert [call.status for call in world.github.calls[before:]] == [304, 304, 304]


def test_a_lost_cursor_brings_the_same_ids_and_bodies(world: EmulatedWorld, reader: Reader) -> None:
    world.human_comment(world.thread(), "/ai-help")
    first = reader.read()
    reader.cursor = None
    assert reader.read() == first
    assert len(first) == 2


@pytest.mark.parametrize("cursor", ["", "{}", "nonsense", '{"since": 5, "seen": 1}', "[]"])
def test_a_broken_cursor_is_a_first_read(world: EmulatedWorld, reader: Reader, cursor: str) -> None:
    world.human_comment(world.thread(), "/ai-help")
    reader.cursor = cursor
    assert reader.words() == ["", "/ai-help"]


def test_the_first_read_is_the_last_hour(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    world.human_comment(thread, "too old")
    later(world, 3_500)
    world.human_comment(thread, "/ai-help")
    later(world, 200)
    assert reader.words() == ["/ai-help"]


def test_a_clock_that_goes_wrong_loses_nothing(world: EmulatedWorld) -> None:
    world.human_comment(world.thread(), "/ai-help")
    wrong = StoppedClock(world.clock.now() + timedelta(hours=9))
    with GitHubForge(api_url=world.url, token=SecretStr(TOKEN), clock=wrong, write_pause=0.0, redact=str) as forge:
        feed = GitHubFeed(lambda repo: forge, repositories=(INFRA,))
        assert len(feed.since(INFRA, None).events) == 2


@pytest.mark.parametrize("who", ["alice", "maria"], ids=["T05-edited", "T05-edited-by-a-maintainer"])
def test_an_edited_comment_is_no_command(world: EmulatedWorld, reader: Reader, who: str) -> None:
    thread = world.thread()
    old, new = world.human_comment(thread, "prose"), world.human_comment(thread, "prose")
    reader.read()
    later(world, 600)
    fresh = world.human_comment(thread, "prose")
    later(world, 1)
    for comment in (old, new, fresh):
        world.github.edit_comment(INFRA, comment, who, "/ai-provision")
    assert reader.words() == []
    later(world, 600)
    assert reader.words() == []


def test_an_old_thread_that_changes_is_not_opened_again(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    reader.read()
    later(world, 600)
    world.github.edit_description(INFRA, thread.number, "/ai-provision")
    assert reader.words() == []


def test_a_comment_that_github_shows_late_is_read(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    written = world.clock.now()
    later(world, 100)
    world.human_comment(thread, "/ai-help")
    assert reader.words() == ["", "/ai-help"]
    age(world, thread.number, world.human_comment(thread, "/ai-status"), written)
    assert reader.words() == ["/ai-status"]
    assert reader.words() == []


def test_a_pull_request_and_comments_on_it(world: EmulatedWorld, reader: Reader) -> None:
    number = world.github.fork_pull(INFRA, "mallory", body="/ai-provision")
    world.github.comment(INFRA, number, "alice", "/ai-help")
    opened, said = map(delivery, reader.read())
    assert opened is not None
    assert said is not None
    assert (opened.event, opened.thread.is_pull, said.thread.is_pull) == ("pull_request", True, True)
    assert opened.thread == said.thread


def test_closed_and_locked_are_told(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    reader.read()
    world.human_comment(thread, "/ai-help")
    world.shut(thread)
    world.lock(thread)
    [found] = map(delivery, reader.read())
    assert found is not None
    assert (found.closed, found.locked) == (True, True)


@pytest.mark.parametrize("case", ["C05-bot", "C05-own", "C01-ghost"])
def test_words_of_bots_and_of_nobody_are_no_command(world: EmulatedWorld, reader: Reader, case: str) -> None:
    thread = world.thread()
    reader.read()
    if case == "C05-own":
        world.github.add_user("robot[bot]", kind="Bot")
        token = world.github.add_token("robot[bot]")
        world.github.grant(INFRA, "robot[bot]", "write")
        with world.another(token=token) as forge:
            forge.say(thread, marker="key", body="/ai-provision")
    else:
        world.github.add_user("gone", kind="Bot" if case == "C05-bot" else "User")
        world.github.comment(INFRA, thread.number, "gone", "/ai-provision")
    if case == "C01-ghost":
        world.github.delete_account("gone")
    assert reader.words() == []


def test_more_than_a_page_within_one_second_and_over_time(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    for number in range(250):
        world.human_comment(thread, f"/ai-help {number}")
        if number > 220:
            later(world, 1)
    assert len(reader.words()) == 251
    assert reader.words() == []


def test_no_row_is_skipped_when_rows_move_while_pages_are_read(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    comments = []
    for number in range(230):
        comments.append(world.human_comment(thread, f"/ai-help {number}"))
        later(world, 2)
    moved = iter(comments[:100])

    def and_meanwhile(method: str, path: str) -> None:
        for comment in itertools.islice(moved, 10):
            world.github.edit_comment(INFRA, comment, "alice", "moved to the end")

    world.github.faults.meanwhile = and_meanwhile
    reader.read()
    assert next(moved, None) is not None
    found = {event.delivery_id for event in reader.events}
    assert found >= {f"poll-comment-{comment}" for comment in comments[100:]}


def test_a_read_that_was_cut_short_goes_on_the_next_time(world: EmulatedWorld) -> None:
    thread = world.thread()
    later(world, 3_700)
    feed = GitHubFeed(lambda repo: world.forge, repositories=(INFRA,), pages=2)
    for number in range(450):
        world.human_comment(thread, f"/ai-help {number}")
        later(world, 5)
    seen: list[str] = []
    cursor = None
    for _ in range(8):
        page = feed.since(INFRA, cursor)
        cursor = page.cursor
        seen += [event.delivery_id for event in page.events]
    assert len(seen) == len(set(seen)) == 450


def test_a_renamed_repository_is_read_under_its_new_name(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    reader.read()
    world.github.rename(INFRA, "acme/renamed")
    later(world, 3_700)
    world.github.comment("acme/renamed", thread.number, "alice", "/ai-help")
    [found] = map(delivery, reader.read())
    assert found is not None
    assert (found.thread.full_name, found.body) == ("acme/renamed", "/ai-help")


def test_switched_off_issues_leave_the_comments_of_pull_requests(world: EmulatedWorld, reader: Reader) -> None:
    made = publish(world.forge)
    comment = world.github.comment(INFRA, made.number, "alice", "/ai-help")
    gone = {"message": "Issues has been disabled in this repository."}
    world.github.faults.add("GET", f"/repos/{INFRA}/issues", status=410, body=gone)
    found = [event.delivery_id for event in reader.read()]
    assert found == [f"poll-comment-{comment}"]


def test_a_comment_whose_thread_the_listing_does_not_show_yet(world: EmulatedWorld, reader: Reader) -> None:
    thread = world.thread()
    reader.read()
    later(world, 600)
    world.human_comment(thread, "/ai-help")
    world.github.faults.add("GET", f"/repos/{INFRA}/issues", status=200, body=[])
    assert reader.words() == ["/ai-help"]


def test_the_repositories_are_given_or_asked_for(world: EmulatedWorld) -> None:
    names = [INFRA]
    feed = GitHubFeed(lambda repo: world.forge, repositories=lambda: tuple(names))
    names.append("acme/app")
    assert feed.repositories() == (INFRA, "acme/app")
    assert GitHubFeed(lambda repo: world.forge, repositories=(INFRA,)).repositories() == (INFRA,)


class OfAnInstallation(FixedToken):
    """An App's token, as far as its queue and number go."""

    account = "4711"

    def __init__(self, clock: StoppedClock) -> None:
        super().__init__(SecretStr(TOKEN))
        self.pace = Pace(clock=clock, write_pause=0.0)


def test_the_installation_is_told(world: EmulatedWorld) -> None:
    world.human_comment(world.thread(), "/ai-help")
    with world.another(token=OfAnInstallation(world.clock)) as forge:
        page = GitHubFeed(lambda repo: forge, repositories=(INFRA,)).since(INFRA, None)
    assert [found.installation for found in map(delivery, page.events) if found] == [4711, 4711]


def test_a_webhook_and_the_poll_give_the_same_order(world: EmulatedWorld, reader: Reader) -> None:
    heard: list[Delivery | None] = []

    async def hear(request: Request) -> Response:
        heard.append(read_delivery(request.headers["x-github-event"], "hook", await request.json()))
        return Response(status_code=202)

    with Loopback(Starlette(routes=[Route("/hook", hear, methods=["POST"])])) as server:
        world.github.hook(INFRA, f"{server.url}/hook", "s3cret")
        number = world.github.open_issue(INFRA, "alice", title="t", body="/ai-help")
        world.github.comment(INFRA, number, "alice", "/ai-status")
    polled = [delivery(event) for event in reader.read()]
    keys = [(found.thread, found.comment_id, found.body, found.actor) for found in polled if found]
    assert keys == [(found.thread, found.comment_id, found.body, found.actor) for found in heard if found]
    assert len(keys) == 2
