"""Files that are added: the fake and the edge take nothing away, replace nothing, and open one pull request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import Code, Refused
from bot.model.additions import Additions
from bot.model.changes import RenderedFile
from tests.edges.forge_contract import BRANCH, ForgeWorld, publish
from tests.edges.github_world import FakeWorld, emulated

MAIN = "main"
DOCKERFILE = "FROM scratch\n"


@pytest.fixture(params=["fake", "emulator"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForgeWorld]:
    if request.param == "fake":
        yield FakeWorld()
        return
    with emulated(tmp_path) as real:
        yield real


def added(*paths: str, content: str = DOCKERFILE) -> Additions:
    return Additions(files=tuple(RenderedFile(path=path, content=content) for path in sorted(paths)))


def test_everything_else_stays(world: ForgeWorld) -> None:
    world.commit(MAIN, "api/main.go", "package main\n")
    world.commit(MAIN, "README.md", "# shop\n")
    before = world.files(MAIN)
    publish(world.forge, added("Dockerfile", "api/.dockerignore", "api/Dockerfile"))
    new = dict.fromkeys(("Dockerfile", "api/.dockerignore", "api/Dockerfile"), DOCKERFILE)
    assert world.files(BRANCH) == {**before, **new}
    assert world.files(MAIN) == before


def test_again_is_the_same_pull_request_and_another_content_an_update(world: ForgeWorld) -> None:
    world.commit(MAIN, "api/main.go", "package main\n")
    first = publish(world.forge, added("api/Dockerfile"))
    pushes = world.pushes()
    second = publish(world.forge, added("api/Dockerfile"))
    assert (second.number, second.head_sha, world.pushes()) == (first.number, first.head_sha, pushes)
    third = publish(world.forge, added("api/Dockerfile", content="FROM alpine:3.21\n"))
    assert third.number == first.number
    assert world.files(BRANCH)["api/Dockerfile"] == "FROM alpine:3.21\n"
    assert len(world.pulls()) == 1


@pytest.mark.parametrize("there", ["api/Dockerfile", "api"], ids=["the-file-itself", "a-file-in-place-of-the-folder"])
def test_nothing_that_exists_is_replaced(there: str, world: ForgeWorld) -> None:
    world.commit(MAIN, there, "mine\n")
    with pytest.raises(Refused) as stop:
        publish(world.forge, added("api/Dockerfile"))
    assert stop.value.refusal.code is Code.CONFLICT
    assert world.files(MAIN)[there] == "mine\n"
    assert world.pulls() == []
    assert world.pushes() == 0


def test_a_commit_of_a_person_on_the_branch_stays(world: ForgeWorld) -> None:
    world.commit(MAIN, "api/main.go", "package main\n")
    publish(world.forge, added("api/Dockerfile"))
    world.commit(BRANCH, "api/Dockerfile", "FROM mine\n")
    with pytest.raises(Refused) as stop:
        publish(world.forge, added("api/Dockerfile"))
    assert stop.value.refusal.code is Code.CONFLICT
    assert world.files(BRANCH)["api/Dockerfile"] == "FROM mine\n"
