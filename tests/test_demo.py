"""The whole loop over loopback: signed webhook in, pull request out, with real git and the emulated clusters."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bot.demo import COMMENT, INFRA, Stage, stage, without_file


@pytest.fixture(scope="module")
def running() -> Iterator[Stage]:
    with stage(progress=lambda _step: None) as one:
        yield one


@pytest.mark.long
def test_a_comment_becomes_a_pull_request_and_the_same_comment_again_updates_it(running: Stage) -> None:
    number, published = running.command(COMMENT)
    assert published.pull is not None, published
    github, pull = running.github, published.pull
    body = github.issue(INFRA, pull.number).body
    first = body.splitlines()[0]
    for words in ("supermarket-inventory", "production", "home"):
        assert words in first
    for words in (
        "850m CPU",
        "3 to 10, at 65 % CPU",
        "postgresql-primary",
        "Capacity before and after",
        "EUR per month",
    ):
        assert words in body
    files = github.files(INFRA, ref=pull.branch)
    plan = json.loads(files["apps/supermarket-inventory/plan.json"])
    assert plan["request"]["commit"]
    assert plan["plan"]["capacity_verified"]
    [comment] = github.comments(INFRA, number)[1:]
    assert f"/pull/{pull.number}" in comment.body
    github.comment(INFRA, number, "ada", COMMENT)
    _, again = running.ended.get(timeout=60)
    assert again.pull is not None, again
    assert (again.pull.number, again.pull.created) == (pull.number, False)
    assert len(github.pulls(INFRA)) == 1
    assert github.unknown == ()


@pytest.mark.long
def test_somebody_without_a_right_gets_one_polite_refusal(running: Stage) -> None:
    number, published = running.command(COMMENT, login="mallory")
    assert (published.kind, published.code) == ("refused", "forbidden")
    assert len(running.github.comments(INFRA, number)) == 2


@pytest.mark.long
def test_a_repository_that_is_not_there(running: Stage) -> None:
    _, published = running.command(COMMENT.replace("supermarket-inventory", "nothing-here"))
    assert published.kind == "refused"
    assert published.code in {"repo-unreachable", "github-auth"}


def test_a_file_can_be_counted_instead_of_shown() -> None:
    diff = "diff --git a/x b/x\n+1\ndiff --git a/p/plan.json b/p/plan.json\n+{\n+}\ndiff --git a/y b/y\n+2"
    shown = without_file(diff, "plan.json")
    assert "+{" not in shown
    assert "+1" in shown
    assert "+2" in shown
