"""What every forge does, the fake and GitHub's edge on the emulator alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Protocol

import pytest

from bot.errors import Code, Refused
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.command import ThreadRef
from bot.model.order import digest
from bot.model.outcome import PullRequest
from bot.ports import Forge, PullText

INFRA = "acme/infra"
BRANCH = "ai-provision/shop-0123abcd"
WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class ForgeWorld(Protocol):
    """A forge and the people around it."""

    forge: Forge

    def grant(self, login: str, role: str) -> None: ...
    def thread(self) -> ThreadRef: ...
    def human_comment(self, thread: ThreadRef, body: str) -> int: ...
    def comments(self, thread: ThreadRef) -> list[str]: ...
    def reactions(self, thread: ThreadRef, comment_id: int) -> list[str]: ...
    def edit_comment(self, thread: ThreadRef, comment_id: int, body: str) -> None: ...
    def delete_comment(self, thread: ThreadRef, comment_id: int) -> None: ...
    def describe(self, thread: ThreadRef, body: str) -> None: ...
    def shut(self, thread: ThreadRef) -> None: ...
    def lock(self, thread: ThreadRef) -> None: ...
    def fork_thread(self) -> ThreadRef: ...
    def pull_of_a_person(self, branch: str, body: str) -> None: ...
    def pull_of_a_fork(self, branch: str, body: str) -> None: ...
    def commit(self, branch: str, path: str, content: str) -> None: ...
    def files(self, branch: str) -> dict[str, str]: ...
    def pulls(self) -> list[tuple[int, str, str]]: ...
    def pull_body(self, number: int) -> str: ...
    def merge(self, number: int) -> None: ...
    def close(self, number: int) -> None: ...
    def reopen(self, number: int) -> None: ...
    def writes(self) -> int: ...
    def pushes(self) -> int: ...


def plan(git_repo: str = "https://github.com/acme/shop") -> str:
    return json.dumps({"request": {"git_repo": git_repo}})


def changes(root: str = "apps/shop", git_repo: str = "https://github.com/acme/shop", **texts: str) -> ChangeSet:
    files = {
        "plan.json": plan(git_repo),
        "README.md": "# shop\n",
        **{name.replace("_", "."): text for name, text in texts.items()},
    }
    return ChangeSet(
        root=root,
        files=tuple(RenderedFile(path=f"{root}/{name}", content=text) for name, text in sorted(files.items())),
    )


def publish(
    forge: Forge,
    what: ChangeSet | None = None,
    *,
    marker: str = "thread-1",
    title: str = "Provision shop",
    body: str = "Why.",
) -> PullRequest:
    return forge.publish(
        INFRA,
        branch=BRANCH,
        marker=marker,
        changes=what or changes(),
        text=PullText(title=title, body=body),
        message="Provision shop",
        when=WHEN,
    )


class ForgeContract:
    """Mixed into a test class whose module has the fixture ``world``."""

    @pytest.mark.parametrize("role", ["none", "read", "triage", "write", "maintain", "admin"])
    def test_permission_is_the_live_role(self, world: ForgeWorld, role: str) -> None:
        world.grant("carol", role)
        assert world.forge.permission(world.thread(), "carol") == role

    @pytest.mark.parametrize(
        "login", ["ghost", "", "../../user", "a b", "x" * 300], ids=["ghost", "empty", "path", "space", "long"]
    )
    def test_a_stranger_has_no_permission(self, world: ForgeWorld, login: str) -> None:
        assert world.forge.permission(world.thread(), login) == "none"

    def test_standing_is_the_words_as_they_are_now(self, world: ForgeWorld) -> None:
        thread = world.thread()
        comment = world.human_comment(thread, "/ai-provision\r\n ü")
        first = world.forge.standing(thread, comment)
        assert first.body_digest == digest("/ai-provision\r\n ü")
        assert (first.closed, first.locked, first.fork) == (False, False, False)
        assert first.now.tzinfo is not None
        world.edit_comment(thread, comment, "/ai-help")
        assert world.forge.standing(thread, comment).body_digest == digest("/ai-help")
        world.delete_comment(thread, comment)
        assert world.forge.standing(thread, comment).body_digest is None

    def test_standing_of_a_description(self, world: ForgeWorld) -> None:
        thread = world.thread()
        assert world.forge.standing(thread, None).body_digest == digest("")
        world.describe(thread, "/ai-help")
        assert world.forge.standing(thread, None).body_digest == digest("/ai-help")

    def test_standing_of_a_thread_that_never_was(self, world: ForgeWorld) -> None:
        nowhere = world.thread().model_copy(update={"number": 4_321})
        assert world.forge.standing(nowhere, None).body_digest is None

    def test_standing_says_closed_and_locked(self, world: ForgeWorld) -> None:
        thread = world.thread()
        world.shut(thread)
        assert world.forge.standing(thread, None).closed
        world.lock(thread)
        assert world.forge.standing(thread, None).locked

    def test_standing_says_that_a_pull_request_comes_from_a_fork(self, world: ForgeWorld) -> None:
        thread = world.fork_thread()
        comment = world.human_comment(thread, "/ai-provision")
        seen = world.forge.standing(thread, comment)
        assert (seen.fork, seen.body_digest) == (True, digest("/ai-provision"))

    def test_the_bots_own_pull_request_is_listed_while_it_is_open(self, world: ForgeWorld) -> None:
        assert world.forge.open_pulls(INFRA) == ()
        made = publish(world.forge)
        [seen] = world.forge.open_pulls(INFRA)
        assert (seen.number, seen.url, seen.branch) == (made.number, made.url, made.branch)
        assert (seen.head_sha, seen.key) == (made.head_sha, "thread-1")
        world.close(made.number)
        assert world.forge.open_pulls(INFRA) == ()

    def test_what_only_looks_like_the_bots_pull_request_is_not_listed(self, world: ForgeWorld) -> None:
        world.pull_of_a_person("ai-provision/mine-0123abcd", "mine\n\n<!-- bot:thread-1:pull -->")
        world.pull_of_a_fork("ai-provision/fork-0123abcd", "theirs\n\n<!-- bot:thread-1:pull -->")
        assert world.forge.open_pulls(INFRA) == ()

    def test_a_file_of_a_branch_or_commit(self, world: ForgeWorld) -> None:
        made = publish(world.forge)
        path = "apps/shop/README.md"
        assert world.forge.file(INFRA, path) is None
        assert world.forge.file(INFRA, path, ref=made.branch) == "# shop\n"
        assert world.forge.file(INFRA, path, ref=made.head_sha) == "# shop\n"
        assert world.forge.file(INFRA, path, ref="no-such-branch") is None

    def test_a_file_that_changed_is_read_anew(self, world: ForgeWorld) -> None:
        for text in ("version: 1\n", "version: 2\n"):
            world.commit("main", ".ai-provision.yaml", text)
            assert world.forge.file(INFRA, ".ai-provision.yaml") == text

    def test_a_file_of_the_default_branch(self, world: ForgeWorld) -> None:
        world.commit("main", ".ai-provision.yaml", "version: 1\n# ü\n")
        assert world.forge.file(INFRA, ".ai-provision.yaml") == "version: 1\n# ü\n"
        assert world.forge.file(INFRA, "absent.yaml") is None

    def test_a_reaction_twice_is_one(self, world: ForgeWorld) -> None:
        thread = world.thread()
        comment = world.human_comment(thread, "/ai-provision")
        world.forge.react(thread, comment, "eyes")
        world.forge.react(thread, comment, "eyes")
        world.forge.react(thread, comment, "rocket")
        assert world.reactions(thread, comment) == ["eyes", "rocket"]

    def test_say_edits_its_one_comment(self, world: ForgeWorld) -> None:
        thread = world.thread()
        first = world.forge.say(thread, marker="key-1", body="reading")
        second = world.forge.say(thread, marker="key-1", body="done")
        assert first == second
        assert world.comments(thread) == ["<!-- bot:key-1:status -->\ndone"]

    def test_say_writes_nothing_when_nothing_changed(self, world: ForgeWorld) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="key-1", body="reading")
        before = world.writes()
        world.forge.say(thread, marker="key-1", body="reading")
        assert world.writes() == before

    def test_say_never_edits_a_persons_copy_of_the_marker(self, world: ForgeWorld) -> None:
        thread = world.thread()
        world.human_comment(thread, "<!-- bot:key-1:status -->\nmine")
        world.forge.say(thread, marker="key-1", body="reading")
        assert world.comments(thread)[0].endswith("mine")
        assert len(world.comments(thread)) == 2

    def test_two_commands_have_two_comments(self, world: ForgeWorld) -> None:
        thread = world.thread()
        world.forge.say(thread, marker="key-1", body="a")
        world.forge.say(thread, marker="key-2", body="b")
        assert len(world.comments(thread)) == 2

    def test_publish_opens_one_pull_request_with_exactly_these_files(self, world: ForgeWorld) -> None:
        world.commit("main", "apps/other/x", "theirs")
        made = publish(world.forge)
        assert (made.branch, made.created, made.draft) == (BRANCH, True, False)
        assert world.pulls() == [(made.number, BRANCH, "open")]
        expected = {**world.files("main"), "apps/shop/plan.json": plan(), "apps/shop/README.md": "# shop\n"}
        assert world.files(BRANCH) == expected
        assert "<!-- bot:thread-1:pull -->" in world.pull_body(made.number)

    def test_publish_twice_is_publish_once(self, world: ForgeWorld) -> None:
        first = publish(world.forge)
        before, pushed = world.writes(), world.pushes()
        second = publish(world.forge)
        assert second == first.model_copy(update={"created": False})
        assert (world.writes(), world.pushes()) == (before, pushed)

    def test_a_changed_plan_updates_the_same_pull_request_and_replaces_the_folder(self, world: ForgeWorld) -> None:
        first = publish(world.forge, changes(main_tf="a"))
        second = publish(world.forge, changes(vars_tf="b"), body="Now other.")
        assert (second.number, second.created) == (first.number, False)
        assert "apps/shop/main.tf" not in world.files(BRANCH)
        assert world.files(BRANCH)["apps/shop/vars.tf"] == "b"
        assert world.pull_body(first.number).startswith("Now other.")
        assert len(world.pulls()) == 1

    def test_a_moved_default_branch_is_followed(self, world: ForgeWorld) -> None:
        publish(world.forge)
        world.commit("main", "later.txt", "later")
        publish(world.forge)
        assert world.files(BRANCH)["later.txt"] == "later"

    def test_hands_off_after_a_persons_commit(self, world: ForgeWorld) -> None:
        publish(world.forge)
        world.commit(BRANCH, "apps/shop/README.md", "mine")
        with pytest.raises(Refused) as refused:
            publish(world.forge, changes(main_tf="a"))
        assert refused.value.refusal.code is Code.CONFLICT
        assert world.files(BRANCH)["apps/shop/README.md"] == "mine"

    def test_a_declined_pull_request_stays_declined_until_it_is_reopened(self, world: ForgeWorld) -> None:
        made = publish(world.forge)
        world.close(made.number)
        with pytest.raises(Refused, match="declined") as refused:
            publish(world.forge, changes(main_tf="a"))
        assert refused.value.refusal.code is Code.CONFLICT
        world.reopen(made.number)
        assert publish(world.forge, changes(main_tf="a")).number == made.number

    def test_after_a_merge_the_same_plan_is_nothing_new(self, world: ForgeWorld) -> None:
        world.merge(publish(world.forge).number)
        with pytest.raises(Refused) as refused:
            publish(world.forge)
        assert refused.value.refusal.code is Code.DUP
        assert len(world.pulls()) == 1

    def test_after_merges_another_plan_gets_the_next_branch(self, world: ForgeWorld) -> None:
        world.merge(publish(world.forge).number)
        second = publish(world.forge, changes(main_tf="a"))
        world.merge(second.number)
        third = publish(world.forge, changes(main_tf="b"))
        assert (second.branch, third.branch) == (f"{BRANCH}-2", f"{BRANCH}-3")
        assert second.created
        assert [state for _, _, state in world.pulls()] == ["merged", "merged", "open"]

    @pytest.mark.parametrize("case", ["C08-same-app-two-issues"])
    def test_the_same_app_from_another_thread_is_a_conflict_with_a_link(self, world: ForgeWorld, case: str) -> None:
        made = publish(world.forge)
        with pytest.raises(Refused) as refused:
            publish(world.forge, changes(main_tf="a"), marker="thread-2")
        assert refused.value.refusal.code is Code.CONFLICT
        assert refused.value.refusal.link == made.url
        assert "apps/shop/main.tf" not in world.files(BRANCH)

    @pytest.mark.parametrize("branch", ["main", BRANCH], ids=["merged", "proposed"])
    def test_another_repository_in_the_same_folder_is_a_conflict(self, world: ForgeWorld, branch: str) -> None:
        made = publish(world.forge, changes(git_repo="https://github.com/acme/Shop.git"))
        if branch == "main":
            world.merge(made.number)
        with pytest.raises(Refused) as refused:
            publish(world.forge, changes(git_repo="https://github.com/evil/shop", main_tf="a"))
        assert refused.value.refusal.code is Code.CONFLICT

    def test_a_folder_that_a_person_made_is_a_conflict(self, world: ForgeWorld) -> None:
        world.commit("main", "apps/shop/notes.txt", "by hand")
        with pytest.raises(Refused) as refused:
            publish(world.forge)
        assert refused.value.refusal.code is Code.CONFLICT
        assert world.pulls() == []

    @pytest.mark.parametrize(
        "root", [".github/workflows", "apps/.github", "apps/..", "apps", "apps//x", "apps/x\ny", "apps/.GIT", "apps/ü"]
    )
    @pytest.mark.parametrize("case", ["T35"])
    def test_paths_outside_an_application_are_refused(self, world: ForgeWorld, root: str, case: str) -> None:
        hostile = ChangeSet.model_construct(root=root, files=(RenderedFile(path=f"{root}/x.yml", content="x"),))
        with pytest.raises(Refused) as refused:
            publish(world.forge, hostile)
        assert refused.value.refusal.code is Code.POLICY
        assert world.pulls() == []

    @pytest.mark.parametrize(
        "path", ["apps/shop/../../.github/workflows/x.yml", "apps/shop/.git/config", "apps/other/x", "apps/shop"]
    )
    def test_a_file_outside_its_root_is_refused(self, world: ForgeWorld, path: str) -> None:
        hostile = ChangeSet.model_construct(root="apps/shop", files=(RenderedFile(path=path, content="x"),))
        with pytest.raises(Refused):
            publish(world.forge, hostile)
        assert world.pulls() == []
