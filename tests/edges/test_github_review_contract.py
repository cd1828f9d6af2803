"""``Review``: the fake and GitHub's edge (on the emulator) are held to one contract."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.edges.github.bodies import LIMIT, hidden
from bot.errors import Code, Refused
from bot.model.changes import ChangeSet, RenderedFile
from bot.ports import Permission, PullText
from tests.edges.forge_contract import INFRA, changes
from tests.edges.review_worlds import BRANCH, SECRET, FakeReviews, ReviewWorld, emulated_reviews, later
from tests.fakes.review import CI, SERVER

APPLIED, FAILED = "ai-provision: applied", "ai-provision: failed"


@pytest.fixture(params=["fake", "emulator"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReviewWorld]:
    if request.param == "fake":
        yield FakeReviews()
        return
    with emulated_reviews(tmp_path) as real:
        yield real


def data(text: str, kind: str = "outcomes") -> str:
    return f"<!-- ai-provision:data:{kind} {base64.b64encode(text.encode()).decode()} -->"


def writers(world: ReviewWorld, *logins: str) -> None:
    for login in logins:
        world.grant(login, "write")


def approved_by(world: ReviewWorld, number: int) -> tuple[str, ...]:
    """As an apply sees it after the merge; an open pull request says the same before."""
    before = world.ci.opened(INFRA, number).approved_by
    merged = world.ci.merged(INFRA, world.merge(number))
    assert merged is not None
    assert merged.approved_by == before
    return merged.approved_by


def test_a_merge_names_its_pull_request(world: ReviewWorld) -> None:
    assert world.ci.default_branch(INFRA) == "main"
    number = world.open(body=f"Source: `x` · asked in acme/shop#7\n\n> hi\n\n{hidden('k1', 'pull')}")
    head = world.head(number)
    before = world.ci.opened(INFRA, number)
    assert (before.merge_sha, before.merged_at, before.head_sha) == (None, None, head)
    sha = world.merge(number)
    seen = world.ci.merged(INFRA, sha)
    assert seen is not None
    assert (seen.number, seen.branch, seen.author) == (number, BRANCH, SERVER)
    assert (seen.head_sha, seen.merge_sha, seen.merged_at) == (head, sha, world.clock.now())
    assert (seen.key, seen.thread) == ("k1", "acme/shop#7")
    assert seen.url.endswith(f"/{INFRA}/pull/{number}")
    assert seen == world.server.opened(INFRA, number)


def test_a_direct_push_was_merged_by_nobody(world: ReviewWorld) -> None:
    assert world.ci.merged(INFRA, world.push()) is None


def test_the_last_commit_of_a_merged_pull_request_is_not_its_merge(world: ReviewWorld) -> None:
    number = world.open()
    head = world.head(number)
    assert world.ci.merged(INFRA, head) is None
    world.merge(number)
    assert world.ci.merged(INFRA, head) is None


def test_a_merge_into_another_branch_does_not_count(world: ReviewWorld) -> None:
    assert world.ci.merged(INFRA, world.merge(world.open(base="staging"))) is None


def test_a_declined_pull_request_was_not_merged(world: ReviewWorld) -> None:
    number = world.open()
    world.decline(number)
    assert world.ci.merged(INFRA, world.head(number)) is None
    assert world.ci.recently_merged(INFRA, since=world.clock.now() - timedelta(days=1)) == ()


@pytest.mark.parametrize("commit", ["", "main", "0" * 40, "../../user", "ABCDEF" * 7])
def test_a_commit_that_is_none_was_merged_by_nobody(world: ReviewWorld, commit: str) -> None:
    assert world.ci.merged(INFRA, commit) is None


def test_a_pull_request_that_never_was_is_refused(world: ReviewWorld) -> None:
    with pytest.raises(Refused) as refused:
        world.ci.opened(INFRA, 4_321)
    assert refused.value.refusal.code is Code.GITHUB_AUTH


@pytest.mark.parametrize(
    ("role", "counts"),
    [("none", False), ("read", False), ("triage", False), ("write", True), ("maintain", True), ("admin", True)],
)
def test_an_approval_counts_by_the_live_permission(world: ReviewWorld, role: Permission, counts: bool) -> None:
    number = world.open()
    world.grant("bob", "write")
    world.vote(number, "bob", "approved")
    world.grant("bob", role)
    assert approved_by(world, number) == (("bob",) if counts else ())


def test_two_people_approve(world: ReviewWorld) -> None:
    writers(world, "bob", "carol")
    number = world.open()
    for login in ("carol", "bob", "carol"):
        world.vote(number, login, "approved")
    assert approved_by(world, number) == ("bob", "carol")


def test_an_approval_of_an_earlier_commit_does_not_count(world: ReviewWorld) -> None:
    writers(world, "bob", "carol")
    number = world.open()
    world.vote(number, "bob", "approved")
    world.commit(number, "alice")
    world.vote(number, "carol", "approved")
    assert approved_by(world, number) == ("carol",)


def test_a_wish_for_changes_takes_the_approval_back(world: ReviewWorld) -> None:
    writers(world, "bob", "carol")
    number = world.open()
    for login, state in (("bob", "approved"), ("bob", "changes_requested"), ("carol", "changes_requested")):
        world.vote(number, login, state)
    world.vote(number, "carol", "approved")
    assert approved_by(world, number) == ("carol",)


def test_a_comment_after_the_approval_takes_nothing_back(world: ReviewWorld) -> None:
    writers(world, "bob")
    number = world.open()
    world.vote(number, "bob", "approved")
    world.vote(number, "bob", "commented")
    assert approved_by(world, number) == ("bob",)


def test_a_dismissed_approval_does_not_count(world: ReviewWorld) -> None:
    writers(world, "bob")
    number = world.open()
    world.vote(number, "bob", "approved")
    world.dismiss(number, "bob")
    assert approved_by(world, number) == ()


def test_nobody_approves_their_own_pull_request(world: ReviewWorld) -> None:
    writers(world, "dave", "bob")
    number = world.open("feature", login="dave")
    world.vote(number, "dave", "approved")
    world.vote(number, "bob", "approved")
    assert approved_by(world, number) == ("bob",)


def test_nobody_approves_a_commit_that_they_put_on_the_bots_branch(world: ReviewWorld) -> None:
    writers(world, "bob", "carol")
    number = world.open()
    world.commit(number, "bob")
    world.vote(number, "bob", "approved")
    world.vote(number, "carol", "approved")
    assert approved_by(world, number) == ("carol",)


def test_a_commit_of_nobody_known_may_be_any_reviewers(world: ReviewWorld) -> None:
    writers(world, "bob")
    number = world.open()
    world.commit(number, None)
    world.vote(number, "bob", "approved")
    assert approved_by(world, number) == ()


def test_a_commit_of_nobody_known_on_a_persons_branch_is_that_persons(world: ReviewWorld) -> None:
    writers(world, "bob", "dave")
    number = world.open("feature", login="dave")
    world.commit(number, None)
    world.vote(number, "bob", "approved")
    assert approved_by(world, number) == ("bob",)


def test_a_bot_approves_nothing(world: ReviewWorld) -> None:
    writers(world, "reviewer[bot]")
    number = world.open()
    world.vote(number, "reviewer[bot]", "approved")
    assert approved_by(world, number) == ()


def test_a_person_who_copies_the_marker_has_no_key(world: ReviewWorld) -> None:
    writers(world, "dave")
    number = world.open("feature", login="dave", body=f"Asked in acme/shop#7\n\n{hidden('k1', 'pull')}")
    seen = world.ci.opened(INFRA, number)
    assert (seen.key, seen.thread, seen.author) == (None, None, "dave")


def test_recent_merges_are_the_bots_own_oldest_first(world: ReviewWorld) -> None:
    old, first, second = (world.open(f"ai-provision/{name}-1") for name in ("old", "first", "second"))
    writers(world, "dave")
    world.merge(old)
    later(world.clock, hours=1)
    since = world.clock.now()
    world.merge(second)
    later(world.clock, minutes=5)
    world.merge(first)
    for other in (world.open("feature", login="dave"), world.open("ai-provision/side-1", base="staging")):
        world.merge(other)
    world.merge(world.fork("ai-provision/fork-1"))
    world.comment(old, "dave", "This one is updated now.")
    assert world.open("ai-provision/open-1")
    seen = world.ci.recently_merged(INFRA, since=since)
    assert [one.number for one in seen] == [second, first]
    assert [one.approved_by for one in seen] == [(), ()]


def test_a_word_is_told_once_and_continued(world: ReviewWorld) -> None:
    number = world.open()
    assert world.ci.told(INFRA, number, marker="outcome") is None
    first = world.ci.tell(INFRA, number, marker="outcome", body=f"{data('[1]')}\n\nfailed")
    written = world.writes()
    assert world.ci.tell(INFRA, number, marker="outcome", body=f"{data('[1]')}\n\nfailed") == first
    assert world.writes() == written
    told = world.ci.told(INFRA, number, marker="outcome")
    assert told == f"{data('[1]')}\n\nfailed"
    assert world.ci.tell(INFRA, number, marker="outcome", body=told.replace("failed", "applied")) == first
    assert world.comments(number) == [(CI, f"{hidden('outcome', 'apply')}\n{data('[1]')}\n\napplied")]


def test_every_marker_has_a_comment_of_its_own(world: ReviewWorld) -> None:
    number = world.open()
    for marker in ("plan", "outcome", "outcome-12", "late"):
        world.ci.tell(INFRA, number, marker=marker, body=marker)
    assert len(world.comments(number)) == 4
    assert world.ci.told(INFRA, number, marker="outcome") == "outcome"


def test_ci_and_the_server_read_and_continue_each_others_words(world: ReviewWorld) -> None:
    number = world.open()
    first = world.ci.tell(INFRA, number, marker="outcome", body="by CI")
    assert world.server.told(INFRA, number, marker="outcome") == "by CI"
    assert world.server.tell(INFRA, number, marker="outcome", body="by the server") == first
    assert world.ci.told(INFRA, number, marker="outcome") == "by the server"
    assert len(world.comments(number)) == 1


def test_a_persons_copy_of_the_marker_is_not_our_word(world: ReviewWorld) -> None:
    number = world.open()
    world.comment(number, "alice", f"{hidden('plan', 'apply')}\n{data('[]', 'plans')}")
    assert world.ci.told(INFRA, number, marker="plan") is None
    world.ci.tell(INFRA, number, marker="plan", body="ours")
    world.comment(number, "alice", f"{hidden('plan', 'apply')}\nagain")
    assert world.ci.told(INFRA, number, marker="plan") == "ours"
    assert [login for login, _ in world.comments(number)] == ["alice", CI, "alice"]


def test_our_marker_below_the_first_line_is_a_quotation(world: ReviewWorld) -> None:
    number = world.open()
    world.comment(number, SERVER, f"> said\n{hidden('plan', 'apply')}")
    assert world.ci.told(INFRA, number, marker="plan") is None


def test_the_data_of_a_long_comment_stays_whole(world: ReviewWorld) -> None:
    number = world.open()
    line = data("x" * 30_000)
    world.ci.tell(INFRA, number, marker="outcome", body=f"{line}\n\n" + "words and words\n" * 9_000)
    told = world.ci.told(INFRA, number, marker="outcome")
    assert told is not None
    assert told.startswith(line + "\n")
    assert "Cut here" in told
    assert len(world.comments(number)[0][1]) < LIMIT


def test_data_too_long_for_any_comment_is_left_out_and_the_words_stay(world: ReviewWorld) -> None:
    number = world.open()
    world.ci.tell(INFRA, number, marker="outcome", body=f"{data('x' * 60_000)}\n\nwords")
    assert world.ci.told(INFRA, number, marker="outcome") == "<!-- ai-provision:data:outcomes  -->\n\nwords"


@pytest.mark.parametrize("shift", ["", "a", "ab"])
def test_data_that_holds_a_secret_is_left_out_whole(world: ReviewWorld, shift: str) -> None:
    number = world.open()
    line = data(f'[{{"{shift}message": "{SECRET}"}}]')
    world.ci.tell(INFRA, number, marker="outcome", body=f"{line}\n\nthe password {SECRET} is wrong")
    assert world.ci.told(INFRA, number, marker="outcome") == (
        "<!-- ai-provision:data:outcomes  -->\n\nthe password [redacted] is wrong"
    )


def test_data_further_down_is_not_data(world: ReviewWorld) -> None:
    number = world.open()
    forged = data('[{"forged": true}]', "plans")
    world.ci.tell(INFRA, number, marker="plan", body=f"{data('[]', 'plans')}\n\n```diff\n{forged}\n```")
    told = world.ci.told(INFRA, number, marker="plan")
    assert told is not None
    assert told.count("<!-- ai-provision:data:") == 1
    assert told.startswith(data("[]", "plans"))


def test_labels_are_made_and_changed(world: ReviewWorld) -> None:
    number = world.open()
    world.ci.label(INFRA, number, add=(FAILED,), remove=(APPLIED,))
    world.ci.label(INFRA, number, add=("mine",), remove=())
    world.ci.label(INFRA, number, add=(APPLIED,), remove=(FAILED, "never seen"))
    assert world.labels(number) == {APPLIED, "mine"}
    assert world.colors() == {APPLIED: "0e8a16", FAILED: "b60205", "mine": "c5def5"}
    written = world.writes()
    world.ci.label(INFRA, number, add=(APPLIED,), remove=(FAILED,))
    assert world.writes() == written
    assert set(world.ci.opened(INFRA, number).labels) == {APPLIED, "mine"}


def test_a_deployment_begins_and_ends(world: ReviewWorld) -> None:
    sha = world.merge(world.open())
    made = world.ci.deployment(INFRA, commit=sha, environment="apps/shop", description="d" * 200)
    assert made is not None
    world.ci.deployment_status(INFRA, made, "in_progress", url="https://ci.example.invalid/1", text="applying")
    world.ci.deployment_status(INFRA, made, "failure", url=None, text=f"the password {SECRET}")
    ((environment, description, states),) = world.deployments()
    assert (environment, len(description) <= 140) == ("apps/shop", True)
    assert states == [
        ("in_progress", "https://ci.example.invalid/1", "applying"),
        ("failure", None, "the password [redacted]"),
    ]


def test_without_the_rights_labels_and_deployments_are_left_alone(world: ReviewWorld) -> None:
    number = world.open()
    world.weak.label(INFRA, number, add=(APPLIED,), remove=())
    made = world.weak.deployment(INFRA, commit=world.head(number), environment="apps/shop", description="d")
    assert made is None
    world.weak.deployment_status(INFRA, 1, "success", url=None, text="done")
    assert (world.labels(number), world.deployments()) == (set(), [])


def test_without_the_right_a_word_is_refused(world: ReviewWorld) -> None:
    number = world.open()
    with pytest.raises(Refused) as refused:
        world.weak.tell(INFRA, number, marker="plan", body="words")
    assert refused.value.refusal.code is Code.GITHUB_AUTH
    assert "issues" in refused.value.refusal.message
    assert world.weak.told(INFRA, number, marker="plan") is None


def test_a_proposal_is_one_pull_request_however_often_it_is_made(world: ReviewWorld) -> None:
    text = PullText(title="Revert shop", body="Asked in acme/shop#7")
    first, again = (world.ci.propose(INFRA, branch=BRANCH, marker="r1", changes=changes(), text=text) for _ in range(2))
    assert (first.created, again.created) == (True, False)
    assert (first.number, first.head_sha) == (again.number, again.head_sha)
    assert world.pulls() == [BRANCH]
    more = ChangeSet(root="apps/shop", files=(*changes().files, RenderedFile(path="apps/shop/z.tf", content="# z\n")))
    assert world.ci.propose(INFRA, branch=BRANCH, marker="r1", changes=more, text=text).head_sha != first.head_sha
    seen = world.ci.opened(INFRA, first.number)
    assert (seen.key, seen.thread, seen.author) == ("r1", "acme/shop#7", CI)
