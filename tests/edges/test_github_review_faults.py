"""H03 on the calls of a review: the right wait (the stopped clock notes it), one effect, or a clear code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.edges.github import GitHubReview
from bot.errors import Code, Refused, Unavailable
from bot.ports import PullText
from tests.edges.forge_contract import INFRA, changes
from tests.edges.review_worlds import EmulatedReviews, emulated_reviews

REPO = f"/repos/{INFRA}"
APPLIED = "ai-provision: applied"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
NO_RIGHT = {"message": "Resource not accessible by integration"}

Act = Callable[[EmulatedReviews, GitHubReview], object]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedReviews]:
    with emulated_reviews(tmp_path) as real:
        world_of(real)
        yield real


def world_of(world: EmulatedReviews) -> None:
    """Pull request 1 is merged with an approval, 2 is open, and CI told something in the first."""
    world.grant("bob", "write")
    first = world.open("ai-provision/first-1")
    world.vote(first, "bob", "approved")
    world.merge(first)
    assert (first, world.open("ai-provision/second-1")) == (1, 2)
    world.ci.tell(INFRA, 1, marker="plan", body="planned")
    world.clock.slept.clear()


def merge_commit(world: EmulatedReviews) -> str:
    return world.github.branches(INFRA)["main"]


def merged(world: EmulatedReviews, review: GitHubReview) -> object:
    found = review.merged(INFRA, merge_commit(world))
    return found and (found.number, found.approved_by)


def opened(world: EmulatedReviews, review: GitHubReview) -> object:
    return review.opened(INFRA, 1).approved_by


def recent(world: EmulatedReviews, review: GitHubReview) -> object:
    since = world.clock.now().replace(year=2025)
    return [one.number for one in review.recently_merged(INFRA, since=since)]


def told(world: EmulatedReviews, review: GitHubReview) -> object:
    return review.told(INFRA, 1, marker="plan")


def tell(world: EmulatedReviews, review: GitHubReview) -> object:
    review.tell(INFRA, 2, marker="outcome", body="words")
    return [body.splitlines()[-1] for _, body in world.comments(2)]


def edit(world: EmulatedReviews, review: GitHubReview) -> object:
    review.tell(INFRA, 1, marker="plan", body="planned again")
    return [body.splitlines()[-1] for _, body in world.comments(1)]


def label(world: EmulatedReviews, review: GitHubReview) -> object:
    review.label(INFRA, 1, add=(APPLIED,), remove=())
    return world.labels(1), world.colors()


def deployment(world: EmulatedReviews, review: GitHubReview) -> object:
    review.deployment(INFRA, commit=merge_commit(world), environment="apps/shop", description="d")
    return world.deployments()


def status(world: EmulatedReviews, review: GitHubReview) -> object:
    made = review.deployment(INFRA, commit=merge_commit(world), environment="apps/shop", description="d")
    assert made is not None
    review.deployment_status(INFRA, made, "success", url=None, text="done")
    return world.deployments()[0][2][-1]


def propose(world: EmulatedReviews, review: GitHubReview) -> object:
    text = PullText(title="Revert", body="b")
    review.propose(INFRA, branch="ai-provision/revert-1", marker="r1", changes=changes(), text=text)
    return world.pulls()


READS: dict[str, tuple[Act, str, object]] = {
    "merged": (merged, rf"{REPO}/commits/\w+/pulls", (1, ("bob",))),
    "reviews": (merged, f"{REPO}/pulls/1/reviews", (1, ("bob",))),
    "commits": (merged, f"{REPO}/pulls/1/commits", (1, ("bob",))),
    "permission": (merged, f"{REPO}/collaborators/bob/permission", (1, ("bob",))),
    "opened": (opened, f"{REPO}/pulls/1", ("bob",)),
    "recent": (recent, f"{REPO}/pulls", [1]),
    "told": (told, f"{REPO}/issues/1/comments", "planned"),
    "home": (told, REPO, "planned"),
}
WRITES: dict[str, tuple[Act, str, str, object]] = {
    "tell": (tell, "POST", f"{REPO}/issues/2/comments", ["words"]),
    "edit": (edit, "PATCH", rf"{REPO}/issues/comments/\d+", ["planned again"]),
    "make-label": (label, "POST", f"{REPO}/labels", ({APPLIED}, {APPLIED: "0e8a16"})),
    "label": (label, "POST", f"{REPO}/issues/1/labels", ({APPLIED}, {APPLIED: "0e8a16"})),
    "deployment": (deployment, "POST", f"{REPO}/deployments", [("apps/shop", "d", [])]),
    "status": (status, "POST", rf"{REPO}/deployments/\d+/statuses", ("success", None, "done")),
    "propose": (
        propose,
        "POST",
        f"{REPO}/pulls",
        ["ai-provision/first-1", "ai-provision/second-1", "ai-provision/revert-1"],
    ),
}
FAULTS: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "H03-403-secondary-retry-after": ({"status": 403, "body": SECONDARY, "headers": {"retry-after": "7"}}, (7, 7)),
    "H03-403-secondary-bare": ({"status": 403, "body": SECONDARY}, (60, 60)),
    "H03-429": ({"status": 429, "headers": {"retry-after": "3"}}, (3, 3)),
    "H03-500": ({"status": 500}, (0.5, 1)),
    "H03-200-without-a-body": ({"status": 200, "body": ""}, (0.5, 1)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", READS)
def test_a_fault_of_a_read_is_waited_out(world: EmulatedReviews, call: str, fault: str) -> None:
    act, path, expected = READS[call]
    answer, waits = FAULTS[fault]
    world.github.faults.add("GET", path, **answer)
    assert act(world, world.ci) == expected
    assert waits[0] <= sum(world.clock.slept) <= waits[1]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", WRITES)
def test_a_fault_of_a_write_is_waited_out(world: EmulatedReviews, call: str, fault: str) -> None:
    act, method, path, expected = WRITES[call]
    answer, waits = FAULTS[fault]
    world.github.faults.add(method, path, **answer)
    assert act(world, world.ci) == expected
    assert waits[0] <= sum(world.clock.slept) <= waits[1]


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 201, "body": ""}], ids=["H03-500", "H03-cut"])
@pytest.mark.parametrize("call", WRITES)
def test_a_write_whose_answer_is_lost_happens_once(world: EmulatedReviews, call: str, fault: dict[str, Any]) -> None:
    act, method, path, expected = WRITES[call]
    world.github.faults.add(method, path, after_processing=True, **fault)
    assert act(world, world.ci) == expected
    assert 0.5 <= sum(world.clock.slept) <= 1


@pytest.mark.parametrize("call", ["tell", "label", "status"])
def test_h03_404_just_after_something_was_created_is_waited_for(world: EmulatedReviews, call: str) -> None:
    act, method, path, expected = WRITES[call]
    world.github.faults.add(method, path, status=404, times=2)
    assert act(world, world.ci) == expected
    assert world.clock.slept == [1.0, 2.0]


def test_h03_404_a_comment_that_vanished_is_written_again(world: EmulatedReviews) -> None:
    world.github.faults.add("PATCH", rf"{REPO}/issues/comments/\d+", status=404)
    edit(world, world.ci)
    assert world.ci.told(INFRA, 1, marker="plan") == "planned again"


RIGHTS: dict[str, tuple[Act, dict[str, str], str]] = {
    "merged": (merged, {"contents": "read"}, "pull_requests"),
    "opened": (opened, {"contents": "read"}, "pull_requests"),
    "recent": (recent, {"contents": "read"}, "pull_requests"),
    "told": (told, {"contents": "read"}, "issues"),
    "tell": (tell, {"issues": "read"}, "issues=write"),
    "propose": (propose, {"contents": "write", "pull_requests": "read"}, "pull_requests=write"),
    "propose-push": (propose, {"contents": "read", "pull_requests": "write"}, "contents"),
}


@pytest.mark.parametrize("call", RIGHTS)
def test_h03_403_a_missing_right_is_named_and_not_repeated(world: EmulatedReviews, call: str) -> None:
    act, rights, named = RIGHTS[call]
    job = world.seen_by(world.github.ci_token(INFRA, permissions=rights))
    with pytest.raises(Refused) as refused:
        act(world, job)
    assert refused.value.refusal.code is Code.GITHUB_AUTH
    assert named in refused.value.refusal.message + refused.value.refusal.remedy
    assert world.clock.slept == []


@pytest.mark.parametrize("answer", [403, 404, 409, 422])
@pytest.mark.parametrize("call", ["make-label", "label", "deployment", "status"])
def test_h03_403_courtesies_stop_nobody(world: EmulatedReviews, call: str, answer: int) -> None:
    act, method, path, _ = WRITES[call]
    world.github.faults.add(method, path, status=answer, body=NO_RIGHT, times=100)
    act(world, world.ci) if call != "status" else status_softly(world)
    assert sum(world.clock.slept) == (7 if answer == 404 and call in {"label", "status"} else 0)


def status_softly(world: EmulatedReviews) -> None:
    made = world.ci.deployment(INFRA, commit=merge_commit(world), environment="apps/shop", description="d")
    assert made is not None
    world.ci.deployment_status(INFRA, made, "success", url=None, text="done")
    assert world.deployments()[0][2] == []


@pytest.mark.parametrize("call", ["label", "deployment", "status"])
def test_h03_500_an_outage_stops_no_courtesy(world: EmulatedReviews, call: str) -> None:
    made = world.ci.deployment(INFRA, commit=merge_commit(world), environment="apps/shop", description="d")
    assert made is not None
    world.github.faults.add("POST", f"{REPO}/(issues/1/labels|deployments.*)", status=500, times=1000)
    acts: dict[str, Act] = {
        "label": label,
        "deployment": deployment,
        "status": lambda _, review: review.deployment_status(INFRA, made, "success", url=None, text="done"),
    }
    acts[call](world, world.ci)
    assert world.labels(1) == set()
    assert world.deployments() == [("apps/shop", "d", [])]


@pytest.mark.parametrize("call", ["tell", "propose", "told"])
def test_h03_500_an_outage_of_what_matters_is_said(world: EmulatedReviews, call: str) -> None:
    act = {"tell": tell, "propose": propose, "told": told}[call]
    world.github.faults.add("*", f"{REPO}/(issues/.*|pulls)", status=500, times=1000)
    with pytest.raises(Unavailable) as outage:
        act(world, world.ci)
    assert outage.value.code is Code.RATE


def test_a_wrong_credential_is_no_missing_courtesy(world: EmulatedReviews) -> None:
    stranger = world.seen_by("ghs_nobody_knows_this_token")
    with pytest.raises(Refused) as refused:
        stranger.label(INFRA, 1, add=(APPLIED,), remove=())
    assert refused.value.refusal.code is Code.GITHUB_AUTH


@pytest.mark.parametrize("known", [True, False], ids=["known-before", "new-process"])
def test_h03_301_a_renamed_repository_is_followed(world: EmulatedReviews, known: bool) -> None:
    """The server's token: a job's own ends with the name of its repository."""
    server, sha = world.server, merge_commit(world)
    if known:
        server.tell(INFRA, 1, marker="plan", body="planned")
    world.github.rename(INFRA, "acme/platform")
    found = server.merged(INFRA, sha)
    assert found is not None
    assert (found.number, found.approved_by) == (1, ("bob",))
    assert [one.number for one in server.recently_merged(INFRA, since=world.clock.now().replace(year=2025))] == [1]
    assert server.told(INFRA, 1, marker="plan") == "planned"
    server.tell(INFRA, 1, marker="plan", body="planned again")
    server.label(INFRA, 1, add=(APPLIED,), remove=())
    issue = world.github.issue("acme/platform", 1)
    assert [item.body.splitlines()[-1] for item in issue.comments] == ["planned again"]
    assert [item.name for item in issue.labels] == [APPLIED]


def test_h03_307_a_rename_between_two_calls_is_followed(world: EmulatedReviews) -> None:
    def rename(method: str, path: str) -> None:
        if method == "POST" and path.startswith(REPO):
            world.github.faults.meanwhile = lambda *_: None
            world.github.rename(INFRA, "acme/platform")

    world.github.faults.meanwhile = rename
    world.server.tell(INFRA, 2, marker="outcome", body="words")
    assert len(world.github.comments("acme/platform", 2)) == 1


def test_a_limit_too_long_parks(world: EmulatedReviews) -> None:
    world.github.faults.add("POST", f"{REPO}/issues/2/comments", status=403, headers={"retry-after": "3000"})
    with pytest.raises(Unavailable, match=r"next try at \d\d:\d\d UTC"):
        tell(world, world.ci)
    assert world.comments(2) == []
