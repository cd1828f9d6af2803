"""T05, C01: what a command's thread has become since the command was given, as GitHub says it now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.edges.github import GitHubForge
from bot.errors import Broken, Code, Refused
from bot.model.command import ThreadRef
from bot.model.order import digest
from tests.edges.forge_contract import BRANCH, INFRA, publish
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated
from tests.fakes.clock import StoppedClock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


def paths(world: EmulatedWorld) -> list[str]:
    return [call.path.removeprefix(f"/repos/{INFRA}/") for call in world.github.calls]


def a_pull(world: EmulatedWorld) -> ThreadRef:
    return world.pull_thread(publish(world.forge).number)


def test_an_issue_takes_two_reads_and_a_description_one(world: EmulatedWorld) -> None:
    thread = world.thread()
    comment = world.human_comment(thread, "/ai-help")
    world.forge.standing(thread, comment)
    assert paths(world) == [f"issues/{thread.number}", f"issues/comments/{comment}"]
    world.forge.standing(thread, None)
    assert paths(world)[2:] == [f"issues/{thread.number}"]


def test_a_pull_request_of_the_repository_is_no_fork(world: EmulatedWorld) -> None:
    thread = a_pull(world)
    comment = world.human_comment(thread, "/ai-help")
    before = len(world.github.calls)
    seen = world.forge.standing(thread, comment)
    assert (seen.fork, seen.closed, seen.body_digest) == (False, False, digest("/ai-help"))
    assert len(world.github.calls) - before == 2


@pytest.mark.parametrize("deleted", [False, True], ids=["fork", "fork-deleted"])
@pytest.mark.parametrize("case", ["T05-fork"])
def test_a_fork_is_one_also_when_its_owner_deleted_it(world: EmulatedWorld, case: str, deleted: bool) -> None:
    thread = world.fork_thread()
    if deleted:
        world.github.delete_fork(INFRA, thread.number)
    assert world.forge.standing(thread, None).fork


def test_now_is_githubs_clock(world: EmulatedWorld) -> None:
    thread, ours = world.thread(), StoppedClock(world.clock.now() + timedelta(hours=5))
    with GitHubForge(
        api_url=world.url, token=SecretStr(TOKEN), clock=ours, write_pause=0.0, redact=str, user_agent="tests"
    ) as forge:
        assert forge.standing(thread, None).now == world.clock.now().replace(microsecond=0)
        told = {"state": "open", "url": f"{world.url}/repos/{INFRA}/issues/{thread.number}"}
        world.github.faults.add("GET", ".*/issues/.*", status=200, body=told, headers={"date": "soon"})
        assert forge.standing(thread, None).now == ours.now()


def test_words_of_a_review_and_of_a_line_are_found(world: EmulatedWorld) -> None:
    thread = a_pull(world)
    review = world.github.review(INFRA, thread.number, "alice", "changes_requested", "/ai-refine replicas=2")
    line = world.github.review_comment(INFRA, thread.number, "alice", "/ai-explain")
    assert world.forge.standing(thread, review).body_digest == digest("/ai-refine replicas=2")
    assert world.forge.standing(thread, line).body_digest == digest("/ai-explain")


def test_the_same_number_in_another_thread_is_somebody_elses_word(world: EmulatedWorld) -> None:
    thread, other = a_pull(world), world.thread()
    elsewhere = world.human_comment(other, "/ai-help")
    assert world.forge.standing(thread, elsewhere).body_digest is None
    assert world.forge.standing(thread.model_copy(update={"is_pull": False}), elsewhere).body_digest is None


def test_a_reaction_goes_to_the_comment_on_a_line_and_a_review_takes_none(world: EmulatedWorld) -> None:
    thread = a_pull(world)
    line = world.github.review_comment(INFRA, thread.number, "alice", "/ai-explain")
    review = world.github.review(INFRA, thread.number, "alice", "changes_requested")
    comment = world.human_comment(thread, "/ai-help")
    for number in (line, comment):
        world.forge.react(thread, number, "eyes")
    before = world.writes()
    world.forge.react(thread, review, "eyes")
    world.forge.react(thread, 12_345, "eyes")
    assert world.writes() == before
    pull = world.github.issue(INFRA, thread.number).pull
    assert pull is not None
    assert [item.content for item in pull.review_comments[0].reactions] == ["eyes"]
    assert world.reactions(thread, comment) == ["eyes"]


def test_a_reaction_after_standing_reads_nothing_more(world: EmulatedWorld) -> None:
    thread = a_pull(world)
    comment = world.human_comment(thread, "/ai-help")
    world.forge.standing(thread, comment)
    before = len(world.github.calls)
    world.forge.react(thread, comment, "eyes")
    assert [call.method for call in world.github.calls[before:]] == ["POST"]


@pytest.mark.parametrize("number", [5, 1], ids=["T05-transferred", "T05-transferred-same-number"])
def test_an_issue_that_moved_away_is_gone(world: EmulatedWorld, number: int) -> None:
    thread = world.thread()
    away = world.github.add_repository("acme/away", {"a": "b"})
    world.github.grant("acme/away", "provision-bot", "write")
    for _ in range(5):
        world.github.open_issue("acme/away", "alice", title="t")
    where = {"location": f"{world.url}/repositories/{away.id}/issues/{number}"}
    world.github.faults.add("GET", f".*/{INFRA}/issues/{thread.number}", status=301, headers=where)
    assert world.forge.standing(thread, None).body_digest is None


def test_a_renamed_repository_is_the_same_one(world: EmulatedWorld) -> None:
    thread = world.thread()
    comment = world.human_comment(thread, "/ai-help")
    world.commit("main", "branch.txt", "main")
    world.github.commit(INFRA, "other", {"branch.txt": "other"})
    world.github.rename(INFRA, "acme/renamed")
    assert world.forge.standing(thread, comment).body_digest == digest("/ai-help")
    assert world.forge.file(INFRA, "branch.txt", ref="other") == "other"


@pytest.mark.parametrize("repo", ["acme/nowhere", "acme/hidden"])
def test_a_repository_that_is_not_shown_is_no_deleted_command(world: EmulatedWorld, repo: str) -> None:
    world.github.add_repository("acme/hidden", {"a": "b"}, private=True)
    owner, name = repo.split("/")
    with pytest.raises(Refused) as refused:
        world.forge.standing(ThreadRef(owner=owner, repo=name, number=1), 7)
    assert refused.value.refusal.code is Code.GITHUB_AUTH


def test_an_answer_of_another_shape_is_a_defect(world: EmulatedWorld) -> None:
    thread = world.thread()
    world.github.faults.add("GET", ".*/issues/.*", status=200, body={"state": 7})
    with pytest.raises(Broken, match="state"):
        world.forge.standing(thread, None)


def test_a_deleted_issue_is_a_deleted_command(world: EmulatedWorld) -> None:
    thread = world.thread()
    world.github.delete_issue(INFRA, thread.number)
    assert world.forge.standing(thread, None).body_digest is None


def test_words_of_a_deleted_account_stop_nothing(world: EmulatedWorld) -> None:
    thread = world.thread()
    comment = world.human_comment(thread, "<!-- bot:key:status -->\ncopied")
    world.github.delete_account("alice")
    assert world.forge.standing(thread, comment).body_digest is not None
    assert world.forge.permission(thread, "alice") == "none"
    world.forge.say(thread, marker="key", body="mine")
    assert world.comments(thread)[1].endswith("mine")


@pytest.mark.parametrize("association", ["CONTRIBUTOR", "NONE", "OWNER"], ids=lambda name: f"C01-{name}")
def test_the_author_association_changes_nothing(world: EmulatedWorld, association: str) -> None:
    for login, role in (("pat", "write"), ("rita", "read")):
        world.grant(login, role)
        world.github.associate(INFRA, login, association)
        assert world.forge.permission(world.thread(), login) == role


def test_an_unchanged_file_costs_nothing_and_permission_is_never_remembered(world: EmulatedWorld) -> None:
    thread = world.thread()
    for _ in range(3):
        world.forge.file(INFRA, "README.md")
        world.forge.permission(thread, "alice")
    assert [call.status for call in world.github.calls] == [200, 200, 304, 200, 304, 200]
    world.grant("alice", "read")
    assert world.forge.permission(thread, "alice") == "read"


def test_a_file_whose_right_was_taken_away_is_not_given_from_memory(world: EmulatedWorld) -> None:
    assert world.forge.file(INFRA, "README.md") == "infra\n"
    world.github.grant(INFRA, "provision-bot", "none")
    with pytest.raises(Refused) as refused:
        world.forge.file(INFRA, "README.md")
    assert refused.value.refusal.code is Code.GITHUB_AUTH


def test_a_fork_of_another_bot_is_not_listed_by_an_apps_token(world: EmulatedWorld) -> None:
    for login in ("provision[bot]", "other[bot]"):
        world.github.add_user(login, kind="Bot")
    token = world.github.add_token("provision[bot]")
    world.github.grant(INFRA, "provision[bot]", "write")
    body = "x\n\n<!-- bot:thread-1:pull -->"
    world.github.fork_pull(INFRA, "other[bot]", branch=BRANCH, body=body)
    with world.another(token=token) as forge:
        assert forge.open_pulls(INFRA) == ()


def test_a_fork_with_the_bots_branch_name_is_not_listed_beside_it(world: EmulatedWorld) -> None:
    world.pull_of_a_fork(BRANCH, "x\n\n<!-- bot:thread-1:pull -->")
    made = publish(world.forge)
    assert [pull.number for pull in world.forge.open_pulls(INFRA)] == [made.number]


def test_open_pulls_are_found_behind_a_hundred_of_people(world: EmulatedWorld) -> None:
    first = publish(world.forge)
    for number in range(101):
        world.github.fork_pull(INFRA, "mallory", branch=f"b{number}", files={"x": str(number)})
    assert [pull.number for pull in world.forge.open_pulls(INFRA)] == [first.number]
