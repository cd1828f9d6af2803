"""Pages, tags and the memory for them: never another host, never more than the bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from bot.edges.github import GitHubForge
from bot.edges.github.etags import Etags
from bot.emulators.loopback import Loopback
from tests.edges.forge_contract import INFRA
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


def test_the_least_used_answers_are_forgotten_first() -> None:
    etags = Etags(entries=2)
    for key in "ab":
        etags.keep(key, tag=f'"{key}"', data=[key], link="")
    assert etags.get("a") is not None
    etags.keep("c", tag='"c"', data=["c"], link="")
    assert [etags.get(key) is not None for key in "abc"] == [True, False, True]


def test_all_texts_together_stay_below_the_bound() -> None:
    etags = Etags(characters=100)
    for key in "abcd":
        etags.keep(key, tag='"t"', data="x" * 30, link="")
        etags.keep(key, tag='"t"', data="y" * 38, link="")
    assert [etags.get(key) is not None for key in "abcd"] == [False, False, True, True]
    etags.keep("e", tag='"t"', data="x" * 200, link="")
    assert [etags.get(key) for key in "abcde"] == [None] * 5


def test_what_was_given_cannot_be_changed_by_the_one_who_got_it() -> None:
    etags = Etags()
    etags.keep("a", tag='"t"', data=[1], link="")
    first = etags.get("a")
    assert first is not None
    assert isinstance(first.data, list)
    first.data.append(2)
    assert first.data == [1]


def test_the_next_page_is_asked_from_the_api_itself(world: EmulatedWorld) -> None:
    asked: list[str] = []

    async def trap(request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        return JSONResponse([])

    with Loopback(Starlette(routes=[Route("/{rest:path}", trap)])) as server:
        link = {"link": f'<{server.url}/repos/{INFRA}/pulls?page=2>; rel="next"'}
        world.github.faults.add("GET", f"/repos/{INFRA}/pulls", status=200, body=[], headers=link)
        assert world.forge.open_pulls(INFRA) == ()
    assert asked == []
    assert [call.query for call in world.github.calls][-1] == "page=2"


def test_pages_of_an_enterprise_server_are_below_its_prefix(world: EmulatedWorld) -> None:
    thread = world.thread()
    for number in range(100):
        world.human_comment(thread, str(number))
    world.forge.say(thread, marker="key", body="mine")
    with (
        Loopback(Starlette(routes=[Mount("/api/v3", world.github.app)])) as server,
        GitHubForge(
            api_url=f"{server.url}/api/v3", token=SecretStr(TOKEN), clock=world.clock, write_pause=0.0, redact=str
        ) as forge,
    ):
        forge.say(thread, marker="key", body="mine")
        path = f"/repos/{INFRA}/issues/{thread.number}/comments"
        pages = [len(page.data) for page in forge.line.pages("issues: read", path) if isinstance(page.data, list)]
        assert pages == [100, 1]


def test_a_page_that_did_not_change_leads_to_the_next_one_all_the_same(world: EmulatedWorld) -> None:
    thread = world.thread()
    for number in range(101):
        world.human_comment(thread, str(number))
    path = f"/repos/{INFRA}/issues/{thread.number}/comments"
    assert len(list(world.forge.line.pages("issues: read", path, remember=True))) == 2
    before = len(world.github.calls)
    assert len(list(world.forge.line.pages("issues: read", path, remember=True))) == 2
    assert [call.status for call in world.github.calls[before:]] == [304, 304]
