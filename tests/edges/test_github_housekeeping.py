"""Thumbs under the answer, and branches of the bot that nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.edges.github.branch import BOT_EMAIL, BOT_NAME
from bot.edges.github.housekeeping import DELETIONS, GitHubHousekeeping
from bot.errors import Code, Refused
from tests.edges.forge_contract import BRANCH, INFRA, publish
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated

DAY = 86_400.0
BOT_AUTHOR = f"{BOT_NAME} <{BOT_EMAIL}>"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


@pytest.fixture
def house(world: EmulatedWorld) -> GitHubHousekeeping:
    return GitHubHousekeeping(lambda repo: world.forge)


def at(world: EmulatedWorld, days: float) -> str:
    """A git date so many days before now."""
    return f"{int(world.clock.now().timestamp() - days * DAY)} +0000"


def branch(world: EmulatedWorld, name: str, *, days: float = 60, author: str = BOT_AUTHOR, text: str = "x") -> str:
    world.github.commit(INFRA, name, {f"apps/{name}/x": text}, author=author, date=at(world, days))
    return name


class TestThumbs:
    def test_everybodys_last_thumb_counts(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        world.human_comment(thread, "/ai-provision")
        world.forge.say(thread, marker="job-1", body="done")
        comment = world.github.comments(INFRA, thread.number)[1].id
        assert house.thumbs(thread, marker="job-1") == ()
        for login, content in (("zoe", "-1"), ("alice", "+1"), ("bob", "-1"), ("bob", "+1"), ("eve", "heart")):
            world.github.react(INFRA, comment, login, content)
        assert house.thumbs(thread, marker="job-1") == (("alice", "up"), ("bob", "up"), ("zoe", "down"))

    def test_bots_and_deleted_accounts_do_not_count(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="job-1", body="done")
        comment = world.github.comments(INFRA, thread.number)[0].id
        world.github.add_user("robot[bot]", kind="Bot")
        for login in ("robot[bot]", "gone", "alice"):
            world.github.react(INFRA, comment, login, "+1")
        world.github.delete_account("gone")
        assert house.thumbs(thread, marker="job-1") == (("alice", "up"),)

    def test_a_copied_marker_gets_no_votes(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        copied = world.human_comment(thread, "<!-- bot:job-1:status -->\nmine")
        world.github.react(INFRA, copied, "mallory", "-1")
        assert house.thumbs(thread, marker="job-1") == ()

    def test_another_commands_comment_is_another(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        for marker in ("job-1", "job-2"):
            world.forge.say(thread, marker=marker, body="done")
        world.github.react(INFRA, world.github.comments(INFRA, thread.number)[1].id, "alice", "-1")
        assert house.thumbs(thread, marker="job-1") == ()
        assert house.thumbs(thread, marker="job-2") == (("alice", "down"),)

    def test_more_than_a_page_of_thumbs(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="job-1", body="done")
        for number in range(130):
            world.github.react(INFRA, world.github.comments(INFRA, thread.number)[0].id, f"user{number}", "+1")
        assert len(house.thumbs(thread, marker="job-1")) == 130

    def test_a_deleted_thread_has_none(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="job-1", body="done")
        world.github.delete_issue(INFRA, thread.number)
        assert house.thumbs(thread, marker="job-1") == ()

    def test_asking_again_costs_nothing_while_nobody_voted(
        self, world: EmulatedWorld, house: GitHubHousekeeping
    ) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="job-1", body="done")
        house.thumbs(thread, marker="job-1")
        before = len(world.github.calls)
        house.thumbs(thread, marker="job-1")
        assert [call.status for call in world.github.calls[before:]] == [304]


class TestTidy:
    def test_an_old_branch_of_the_bot_goes(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        old = branch(world, "ai-provision/shop-0123abcd")
        assert house.tidy(INFRA, older_than=30 * DAY) == (old,)
        assert list(world.github.branches(INFRA)) == ["main"]
        assert house.tidy(INFRA, older_than=30 * DAY) == ()

    def test_what_must_stay(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        kept = {
            "main",
            branch(world, "ai-provision/young-0123abcd", days=29),
            branch(world, "ai-provision/person-0123abcd", author="alice <alice@example.invalid>"),
            branch(world, "ai-provision-not-ours"),
            branch(world, "feature/ai-provision/x"),
            branch(world, "ai-provision/in-use-0123abcd"),
            branch(world, "ai-provision/locked-0123abcd"),
        }
        world.github.open_pull(INFRA, "alice", head="ai-provision/in-use-0123abcd")
        world.github.protect(INFRA, "ai-provision/locked-0123abcd")
        assert house.tidy(INFRA, older_than=30 * DAY) == ()
        assert set(world.github.branches(INFRA)) == kept

    def test_a_persons_commit_on_top_of_the_bots_keeps_the_branch(
        self, world: EmulatedWorld, house: GitHubHousekeeping
    ) -> None:
        name = branch(world, "ai-provision/shop-0123abcd")
        branch(world, name, author="alice <alice@example.invalid>", text="mine")
        assert house.tidy(INFRA, older_than=30 * DAY) == ()
        assert name in world.github.branches(INFRA)

    def test_a_fork_with_the_same_branch_name_keeps_nothing(
        self, world: EmulatedWorld, house: GitHubHousekeeping
    ) -> None:
        name = branch(world, "ai-provision/shop-0123abcd")
        world.pull_of_a_fork(name, "x")
        assert house.tidy(INFRA, older_than=30 * DAY) == (name,)

    @pytest.mark.parametrize("end", ["merge", "close"])
    def test_the_branch_of_an_ended_pull_request_goes_and_what_it_meant_stays(
        self, world: EmulatedWorld, house: GitHubHousekeeping, end: str
    ) -> None:
        made = publish(world.forge)
        getattr(world, end)(made.number)
        assert house.tidy(INFRA, older_than=DAY) == ()
        world.clock.sleep(2 * DAY)
        assert house.tidy(INFRA, older_than=DAY) == (BRANCH,)
        with pytest.raises(Refused) as refused:
            publish(world.forge)
        assert refused.value.refusal.code is (Code.DUP if end == "merge" else Code.CONFLICT)

    def test_the_default_branch_stays_whatever_its_name(self, world: EmulatedWorld) -> None:
        world.github.add_repository("acme/odd", {"a": "b"}, default_branch="ai-provision/main")
        world.github.grant("acme/odd", "provision-bot", "write")
        world.github.commit("acme/odd", "ai-provision/main", {"x": "y"}, author=BOT_AUTHOR, date=at(world, 90))
        assert GitHubHousekeeping(lambda repo: world.forge).tidy("acme/odd", older_than=DAY) == ()
        assert not [call for call in world.github.calls if call.method == "DELETE"]

    def test_a_branch_that_goes_at_the_same_time_is_no_error(
        self, world: EmulatedWorld, house: GitHubHousekeeping
    ) -> None:
        name = branch(world, "ai-provision/shop-0123abcd")
        gone = {"message": "Reference does not exist"}
        world.github.faults.add("DELETE", ".*", status=422, body=gone)
        assert house.tidy(INFRA, older_than=30 * DAY) == ()
        world.github.faults.add("GET", ".*/git/commits/.*", status=404, body={"message": "Not Found"})
        assert house.tidy(INFRA, older_than=30 * DAY) == ()
        assert house.tidy(INFRA, older_than=30 * DAY) == (name,)

    def test_a_delete_whose_answer_was_lost_is_done_once(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        branch(world, "ai-provision/shop-0123abcd")
        world.github.faults.add("DELETE", ".*", status=502, body="<html>", after_processing=True)
        house.tidy(INFRA, older_than=30 * DAY)
        assert list(world.github.branches(INFRA)) == ["main"]

    def test_one_call_deletes_a_bounded_number(self, world: EmulatedWorld, house: GitHubHousekeeping) -> None:
        sha = world.github.commit(INFRA, "ai-provision/b", {"x": "y"}, author=BOT_AUTHOR, date=at(world, 60))
        for number in range(DELETIONS + 4):
            world.github.branch(INFRA, f"ai-provision/b{number}", sha)
        assert len(house.tidy(INFRA, older_than=DAY)) == DELETIONS
        assert len(house.tidy(INFRA, older_than=DAY)) == 5

    def test_a_token_that_may_only_read_is_named(self, world: EmulatedWorld) -> None:
        branch(world, "ai-provision/shop-0123abcd")
        rights = {"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "write"}
        world.github.add_token("provision-bot", token=TOKEN, permissions=rights)
        with pytest.raises(Refused, match="contents") as refused:
            GitHubHousekeeping(lambda repo: world.forge).tidy(INFRA, older_than=DAY)
        assert refused.value.refusal.code is Code.GITHUB_AUTH
