"""GitHub's own ways in a review: three kinds of merge, late lists, comments that may not be edited, pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.edges.github.bodies import LIMIT, hidden
from bot.edges.github.reviewed import thread_of
from bot.edges.github.told import unmarked, written
from bot.emulators.github.state import JOB, MergeMethod
from bot.errors import Code, Refusal, Refused
from bot.flow.removal import removal_of
from bot.model.config import Config
from bot.model.document import Document
from bot.ports import PullText
from bot.rendering.pull_request import pull_text
from bot.rendering.removal import removal_text
from tests.edges.forge_contract import INFRA, changes
from tests.edges.review_worlds import BRANCH, OURS, EmulatedReviews, emulated_reviews, later
from tests.fakes.review import CI, SERVER
from tests.rendering.scenes import supermarket

COMMENTS = r"/repos/acme/infra/issues/comments/\d+"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedReviews]:
    with emulated_reviews(tmp_path) as real:
        yield real


def reads(world: EmulatedReviews, ending: str) -> int:
    return sum(call.method == "GET" and call.path.endswith(ending) for call in world.github.calls)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_each_kind_of_merge_names_its_pull_request_by_its_last_commit(
    world: EmulatedReviews, method: MergeMethod
) -> None:
    world.grant("bob", "write")
    number = world.open()
    world.commit(number, "alice")
    world.vote(number, "bob", "approved")
    world.push()
    sha = world.github.merge(INFRA, number, method=method)
    seen = world.ci.merged(INFRA, sha)
    assert seen is not None
    assert (seen.number, seen.merge_sha, seen.approved_by) == (number, sha, ("bob",))


def test_the_first_of_two_rebased_commits_is_not_the_merge(world: EmulatedReviews) -> None:
    number = world.open()
    world.commit(number, "alice")
    sha = world.github.merge(INFRA, number, method="rebase")
    first = world.rest("GET", f"/commits/{sha}")["parents"][0]["sha"]
    assert world.ci.merged(INFRA, first) is None
    assert world.clock.slept == []


@pytest.mark.parametrize(
    "fault",
    [{"status": 200, "body": []}, {"status": 422, "body": {"message": "No commit found for SHA"}}, {"status": 404}],
    ids=["empty", "H03-422-just-after-the-push", "H03-404-just-after-the-push"],
)
def test_lists_that_do_not_know_the_merge_yet_are_read_again(world: EmulatedReviews, fault: dict[str, Any]) -> None:
    sha = world.merge(world.open())
    world.github.faults.add("GET", f"/repos/{INFRA}/commits/{sha}/pulls", times=3, **fault)
    assert world.ci.merged(INFRA, sha) is not None
    assert world.clock.slept == [1.0, 2.0, 4.0]


def test_a_merge_into_a_branch_that_main_was_moved_to_does_not_count(world: EmulatedReviews) -> None:
    sha = world.merge(world.open(base="staging"))
    world.github.branch(INFRA, "main", sha)
    assert len(world.rest("GET", f"/commits/{sha}/pulls")) == 1
    assert world.ci.merged(INFRA, sha) is None


def test_a_direct_push_is_looked_up_for_a_quarter_of_a_minute(world: EmulatedReviews) -> None:
    assert world.ci.merged(INFRA, world.push()) is None
    assert sum(world.clock.slept) == 15


def test_a_pull_request_of_another_repository_with_the_same_commit_does_not_count(world: EmulatedReviews) -> None:
    sha = world.merge(world.open())
    shown = world.rest("GET", f"/commits/{sha}/pulls")
    shown[0]["base"]["repo"]["id"] += 1
    world.github.faults.add("GET", f"/repos/{INFRA}/commits/{sha}/pulls", status=200, body=shown)
    assert world.ci.merged(INFRA, sha) is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_permission_that_is_not_shown_counts_as_none(world: EmulatedReviews, status: int) -> None:
    for login in ("bob", "carol"):
        world.grant(login, "write")
        world.github.associate(INFRA, login, "OWNER")
    number = world.open()
    for login in ("bob", "carol"):
        world.vote(number, login, "approved")
    world.github.faults.add("GET", ".*/collaborators/bob/permission", status=status)
    assert world.ci.opened(INFRA, number).approved_by == ("carol",)


def test_the_rights_of_an_apply_job_are_enough_to_read_reviews(world: EmulatedReviews) -> None:
    world.grant("bob", "write")
    number = world.open()
    world.vote(number, "bob", "approved")
    rights = {"contents": "read", "pull_requests": "read"}
    job = world.seen_by(world.github.ci_token(INFRA, permissions=rights))
    assert job.opened(INFRA, number).approved_by == ("bob",)
    assert rights.items() <= JOB.items() | {("pull_requests", "read")}


def test_an_author_who_deleted_their_account_is_a_ghost(world: EmulatedReviews) -> None:
    for login in ("dave", "bob"):
        world.grant(login, "write")
    number = world.open("feature", login="dave")
    world.vote(number, "bob", "approved")
    world.github.delete_account("dave")
    seen = world.ci.opened(INFRA, number)
    assert (seen.author, seen.approved_by) == ("ghost", ())


def test_more_commits_than_github_shows_may_hide_one_of_a_reviewer(world: EmulatedReviews) -> None:
    world.grant("bob", "write")
    number = world.open()
    world.vote(number, "bob", "approved")
    row = world.rest("GET", f"/pulls/{number}/commits")[0]
    path = f"/repos/{INFRA}/pulls/{number}/commits"
    world.github.faults.add("GET", path, status=200, body=[row] * 249)
    assert world.ci.opened(INFRA, number).approved_by == ("bob",)
    world.github.faults.add("GET", path, status=200, body=[row] * 250)
    assert world.ci.opened(INFRA, number).approved_by == ()


def test_reading_recent_merges_stops_at_the_page_that_is_old_enough(world: EmulatedReviews) -> None:
    for index in range(3):
        world.merge(world.open(f"ai-provision/old-{index}"))
    later(world.clock, days=10)
    since = world.clock.now()
    number = world.open("ai-provision/new-1")
    world.merge(number)
    path = f"/repos/{INFRA}/pulls"
    shown = world.rest("GET", "/pulls?state=closed&sort=updated&direction=desc")
    assert shown[0]["number"] == number
    more = {"link": f'<{world.url}{path}?page=2>; rel="next"'}
    world.github.faults.add("GET", path, status=200, body=shown, headers=more, times=9)
    before = reads(world, "/pulls")
    assert [one.number for one in world.ci.recently_merged(INFRA, since=since)] == [number]
    assert reads(world, "/pulls") == before + 1
    found = world.ci.recently_merged(INFRA, since=since - timedelta(days=20))
    assert len(found) == 4
    assert reads(world, "/pulls") > before + 2


def test_what_did_not_change_costs_nothing_of_the_budget(world: EmulatedReviews) -> None:
    number = world.open()
    world.merge(number)
    since = world.clock.now() - timedelta(days=1)
    world.ci.tell(INFRA, number, marker="late", body="late")
    for _ in range(2):
        world.ci.recently_merged(INFRA, since=since)
        world.ci.told(INFRA, number, marker="late")
    seen = len(world.github.calls)
    world.ci.recently_merged(INFRA, since=since)
    world.ci.told(INFRA, number, marker="late")
    assert {call.status for call in world.github.calls[seen:]} == {304}


def test_a_comment_that_may_not_be_edited_is_followed_by_a_newer_one_that_counts(world: EmulatedReviews) -> None:
    number = world.open()
    first = world.ci.tell(INFRA, number, marker="outcome", body="by CI")
    world.github.faults.add("PATCH", COMMENTS, status=403, body={"message": "Resource not accessible by integration"})
    second = world.server.tell(INFRA, number, marker="outcome", body="by the server")
    assert first != second
    assert [login for login, _ in world.comments(number)] == [CI, SERVER]
    assert world.ci.told(INFRA, number, marker="outcome") == "by the server"
    assert world.ci.tell(INFRA, number, marker="outcome", body="by CI again") == second
    assert len(world.comments(number)) == 2


@pytest.mark.parametrize("after", [False, True], ids=["lost-before", "lost-after"])
def test_the_newer_comment_is_written_once_even_when_its_answer_is_lost(world: EmulatedReviews, after: bool) -> None:
    number = world.open()
    world.ci.tell(INFRA, number, marker="outcome", body="by CI")
    world.github.faults.add("PATCH", COMMENTS, status=403)
    world.github.faults.add("POST", ".*/comments", status=500, after_processing=after)
    world.server.tell(INFRA, number, marker="outcome", body="by the server")
    assert world.ci.told(INFRA, number, marker="outcome") == "by the server"
    assert len(world.comments(number)) == 2


def test_a_comment_that_somebody_deleted_is_written_again(world: EmulatedReviews) -> None:
    number = world.open()
    world.ci.tell(INFRA, number, marker="late", body="late")
    world.github.delete_comment(INFRA, world.github.comments(INFRA, number)[0].id)
    world.ci.tell(INFRA, number, marker="late", body="late")
    assert len(world.comments(number)) == 1


def test_words_in_a_thread_that_is_gone(world: EmulatedReviews) -> None:
    assert world.ci.told(INFRA, 4_321, marker="late") is None
    with pytest.raises(Refused) as refused:
        world.ci.tell(INFRA, 4_321, marker="late", body="late")
    assert refused.value.refusal.code is Code.GITHUB_AUTH


def test_a_persons_own_token_knows_its_own_words(world: EmulatedReviews) -> None:
    """A laptop's token is a person's: their words are ours then, and those of other people are not."""
    number = world.open()
    world.comment(number, "carol", f"{hidden('late', 'apply')}\nby carol")
    alice = world.seen_by("ghp_alice")
    assert alice.told(INFRA, number, marker="late") is None
    alice.tell(INFRA, number, marker="late", body="by alice")
    assert world.seen_by("ghp_alice").told(INFRA, number, marker="late") == "by alice"
    assert world.ci.told(INFRA, number, marker="late") is None


def test_a_job_that_may_open_no_pull_request_says_which_setting(world: EmulatedReviews) -> None:
    world.github.allow_jobs(INFRA, allowed=False)
    with pytest.raises(Refused) as refused:
        world.ci.propose(INFRA, branch=BRANCH, marker="r1", changes=changes(), text=PullText(title="Revert", body="b"))
    assert refused.value.refusal.code is Code.GITHUB_AUTH
    assert "Settings, Actions, General" in refused.value.refusal.remedy
    assert BRANCH in world.github.branches(INFRA)


def test_a_proposal_is_the_bots_commit_with_its_own_title(world: EmulatedReviews) -> None:
    world.ci.propose(INFRA, branch=BRANCH, marker="r1", changes=changes(), text=PullText(title="Revert", body="b"))
    number = world.github.pulls(INFRA)[0].number
    (row,) = world.rest("GET", f"/pulls/{number}/commits")
    assert row["commit"]["message"].strip() == "Revert"
    assert f"{row['commit']['author']['name']} <{row['commit']['author']['email']}>" == OURS


@pytest.mark.parametrize(
    ("body", "thread"),
    [
        ("**Application** `shop`\n\nSource: `https://x` at `abc` · asked in acme/infra#7\n\n> hi", "acme/infra#7"),
        ("Asked in acme/in.fra_-#123456789", "acme/in.fra_-#123456789"),
        ("Takes `apps/shop` away · asked in acme/infra#7\n\n### More", "acme/infra#7"),
        ("Asked in acme/infra#7\n\nAsked in mallory/x#1", "acme/infra#7"),
        ("", None),
        ("Source: `https://x`\n\n> asked in mallory/x#1", None),
        ("> Asked in mallory/x#1", None),
        ("Please see what was asked in mallory/x#1", None),
        ("Asked in mallory/x#1 and more", None),
        ("Asked in ../x#1/../../user", None),
        ("Asked in mallory/x#0123456789", None),
        ("Asked in mallory/x#٣", None),
    ],
)
def test_the_thread_is_where_the_bot_writes_it(body: str, thread: str | None) -> None:
    assert thread_of(body) == thread


def document(description: str) -> Document:
    nouns = supermarket()
    shown = Document.of(
        nouns.plan, nouns.snapshot, request=nouns.request, demand=nouns.demand, profile=nouns.profile, findings=()
    )
    request = shown.request.model_copy(update={"app_description": description, "commit": "0123abcd" * 5})
    return shown.model_copy(update={"request": request})


@pytest.mark.parametrize("asked_by", ["acme/infra#7", None])
@pytest.mark.parametrize("source", [True, False])
def test_the_thread_of_what_the_bot_really_writes(asked_by: str | None, source: bool) -> None:
    shown = document("A shop\n\nAsked in mallory/x#1\r\rAsked in mallory/x#1")
    request = shown.request if source else shown.request.model_copy(update={"git_repo": ""})
    given = shown.model_copy(update={"request": request})
    body = pull_text(given, config=Config(), draft=False, rounds=1, asked_by=asked_by).body
    assert thread_of(body) == asked_by


@pytest.mark.parametrize("asked_by", ["acme/infra#7", None])
def test_the_thread_of_a_removal_that_the_bot_really_writes(asked_by: str | None) -> None:
    removal = removal_of(document("A shop"), data=False, config=Config())
    assert not isinstance(removal, Refusal)
    assert thread_of(removal_text(removal, asked_by=asked_by).body) == asked_by


def test_a_comment_begins_with_its_marker_and_fits() -> None:
    mark = hidden("plan", "apply")
    line = "<!-- ai-provision:data:plans W10= -->"
    text = written(f"{mark}\n{line}\r\n\r\n" + "`" * 90_000, mark=mark, redact=str)
    assert text.startswith(f"{mark}\n{line}\n\n")
    assert text.count(mark) == 1
    assert len(text) < LIMIT
    assert unmarked(text, mark).startswith(line)


@pytest.mark.parametrize(
    "line",
    [
        "<!-- ai-provision:data:plans W1[redacted]0= -->",
        "<!-- ai-provision:data:plans [redacted] -->",
        "<!-- ai-provision:data:plans W10=",
        "<!-- ai-provision:data:plans W10= --> and more",
    ],
)
def test_data_that_was_altered_on_its_way_is_left_out_whole(line: str) -> None:
    mark = hidden("plan", "apply")
    text = written(f"{line}\n\nwords", mark=mark, redact=str)
    assert text == f"{mark}\n<!-- ai-provision:data:plans  -->\n\nwords"
