"""How much of GitHub one run may use, how it is paced, and that no credential is seen on the way."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.edges.github import GitHubForge
from bot.edges.github.addresses import web_host
from bot.errors import Code, Refused
from tests.edges.forge_contract import INFRA, changes, publish
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path, write_pause=1.0) as real:
        yield real


def happy_run(world: EmulatedWorld) -> None:
    thread = world.thread()
    comment = world.human_comment(thread, "/ai-provision")
    assert world.forge.permission(thread, "alice") == "admin"
    world.forge.react(thread, comment, "eyes")
    for body in ("reading", "planning"):
        world.forge.say(thread, marker="key", body=body)
    made = publish(world.forge)
    world.forge.say(thread, marker="key", body=f"done: {made.url}")
    world.forge.react(thread, comment, "rocket")


def test_a_happy_run_keeps_to_its_budget(world: EmulatedWorld) -> None:
    happy_run(world)
    calls = [call for call in world.github.calls if not call.git]
    assert sum(call.creates for call in calls) == 2
    assert sum(call.writes for call in calls) == 6
    assert len(calls) <= 10
    assert sum(call.pushes for call in world.github.calls) == 1


def test_writes_are_a_second_apart(world: EmulatedWorld) -> None:
    happy_run(world)
    assert world.clock.slept == [1.0] * 5


def test_no_limit_is_broken_by_a_hundred_commands(world: EmulatedWorld) -> None:
    thread = world.thread()
    world.github.limits.content_per_minute = 8
    for number in range(18):
        world.forge.say(thread, marker=f"key-{number}", body="x")
    assert len(world.comments(thread)) == 18
    assert world.github.limits.breaches <= 2


def test_comments_of_a_long_thread_are_found(world: EmulatedWorld) -> None:
    thread = world.thread()
    for number in range(130):
        world.human_comment(thread, f"talk {number}")
    world.forge.say(thread, marker="key", body="one")
    with world.another() as later:
        later.say(thread, marker="key", body="two")
    assert [body for body in world.comments(thread) if "bot:key" in body] == ["<!-- bot:key:status -->\ntwo"]


def test_a_deleted_status_comment_is_written_anew(world: EmulatedWorld) -> None:
    thread = world.thread()
    world.forge.say(thread, marker="key", body="one")
    world.github.delete_comment(INFRA, world.github.comments(INFRA, thread.number)[0].id)
    world.forge.say(thread, marker="key", body="two")
    assert len(world.comments(thread)) == 1


def test_a_reaction_on_a_deleted_comment_does_not_stop_the_work(world: EmulatedWorld) -> None:
    world.forge.react(world.thread(), 12_345, "eyes")


def test_an_apps_token_finds_its_own_comment(world: EmulatedWorld) -> None:
    world.github.add_user("provision[bot]", kind="Bot")
    token = world.github.add_token("provision[bot]")
    world.github.grant(INFRA, "provision[bot]", "write")
    thread = world.thread()
    for body in ("one", "two"):
        with world.another(token=token) as forge:
            forge.say(thread, marker="key", body=body)
    assert len(world.comments(thread)) == 1


def test_the_commit_is_one_dated_by_the_command_and_made_by_the_bot(world: EmulatedWorld) -> None:
    made = publish(world.forge)
    diff = world.github.pull_diff(INFRA, made.number)
    assert diff.count("diff --git") == 2
    assert made.head_sha == world.github.branches(INFRA)[made.branch]


def test_addresses_for_the_locator(world: EmulatedWorld) -> None:
    assert world.forge.clone_url(INFRA) == f"{world.url}/{INFRA}.git"
    assert world.forge.default_branch(INFRA) == "main"
    assert world.forge.web_host() == world.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "github.com"),
        ("https://git.example.com/api/v3", "git.example.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
    ],
)
def test_web_hosts(api: str, web: str) -> None:
    assert web_host(api) == web


@pytest.mark.parametrize(
    "url", ["http://api.github.com", "ftp://x", "https://u:p@api.github.com", "", "http://127.0.0.1.evil.example"]
)
def test_an_api_without_tls_is_refused(url: str, world: EmulatedWorld) -> None:
    with pytest.raises(Refused) as refused:
        GitHubForge(api_url=url, token=SecretStr("x"), clock=world.clock, write_pause=0, redact=str)
    assert refused.value.refusal.code is Code.CONFIG


def test_bodies_leave_redacted(world: EmulatedWorld) -> None:
    thread = world.thread()
    world.forge.say(thread, marker="key", body=f"see {TOKEN} and ghs_{'a' * 600}")
    made = publish(world.forge, title=f"t {TOKEN}", body=f"b {TOKEN}")
    pull = world.github.issue(INFRA, made.number)
    for text in (world.comments(thread)[0], pull.title, pull.body):
        assert "[redacted]" in text
        assert "ghs_" not in text


def test_a_file_with_the_bots_token_is_refused(world: EmulatedWorld) -> None:
    with pytest.raises(Refused) as refused:
        publish(world.forge, changes(main_tf=f"token = {TOKEN}"))
    assert refused.value.refusal.code is Code.POLICY
    assert TOKEN not in refused.value.refusal.message
    assert world.pushes() == 0


def test_git_gets_the_token_by_environment_alone(
    world: EmulatedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A recorder stands before git on PATH: it writes down the arguments, then runs git."""
    folder, record = tmp_path / "bin", tmp_path / "argv"
    folder.mkdir()
    recorder = folder / "git"
    real = next(p for p in os.environ["PATH"].split(os.pathsep) if (Path(p) / "git").exists())
    recorder.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{record}"\nexec "{real}/git" "$@"\n')
    recorder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    with caplog.at_level(logging.DEBUG):
        publish(world.forge)
    assert "push" in record.read_text()
    for text in (record.read_text(), caplog.text):
        assert TOKEN[:30] not in text
        assert "eC1hY2Nlc3MtdG9rZW4" not in text
