"""Review and merge on the emulated GitHub: who may, what is refused, what real git holds afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.emulators.github.state import MergeMethod, Protection
from tests.emulators.github_kit import CALLER, REPO, Site, served


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path) as made:
        yield made


def test_a_pull_request_says_how_much_it_is_and_whether_it_can_be_merged(site: Site) -> None:
    number = site.change(**{"new.txt": "a\nb\n", "README.md": "more\n"})
    shown = site.call("GET", f"/pulls/{number}").json()
    facts = ("mergeable", "mergeable_state", "commits", "additions", "deletions", "changed_files", "merged_by")
    assert [shown[name] for name in facts] == [True, "clean", 1, 3, 1, 2, None]
    rows = site.call("GET", f"/pulls/{number}/files").json()
    assert [(row["filename"], row["status"], row["additions"]) for row in rows] == [
        ("README.md", "modified", 1), ("new.txt", "added", 2),
    ]  # fmt: skip
    assert rows[1]["patch"] == "@@ -0,0 +1,2 @@\n+a\n+b"
    commits = site.call("GET", f"/pulls/{number}/commits").json()
    assert [row["sha"] for row in commits] == [shown["head"]["sha"]]
    assert commits[0]["author"]["login"] == "alice"


def test_the_test_merge_can_be_fetched_as_ci_does(site: Site, tmp_path: Path) -> None:
    number = site.change()
    folder = site.clone(tmp_path, site.job)
    assert site.git(folder, "fetch", "--quiet", "origin", f"refs/pull/{number}/merge").returncode == 0
    shown = site.call("GET", f"/pulls/{number}").json()
    assert site.git(folder, "rev-parse", "FETCH_HEAD").stdout.strip() == shown["merge_commit_sha"]
    assert "new.txt" in site.git(folder, "ls-tree", "--name-only", "FETCH_HEAD").stdout


@pytest.mark.parametrize(
    ("method", "parents", "title", "author"),
    [
        ("merge", 2, "Merge pull request #1 from acme/feature", "bob"),
        ("squash", 1, "Add it (#1)", "alice"),
        ("rebase", 1, "A person's change", "alice"),
    ],
)
def test_three_kinds_of_merge_make_real_commits(
    site: Site, method: MergeMethod, parents: int, title: str, author: str
) -> None:
    number = site.change()
    site.github.commit(REPO, "feature", {"two.txt": "2\n"})
    site.github.push_commit(REPO, "bob", {"meanwhile.txt": "m\n"})
    before = site.github.branches(REPO)["main"]
    head = site.call("GET", f"/pulls/{number}").json()["head"]["sha"]
    done = site.call("PUT", f"/pulls/{number}/merge", {"merge_method": method, "sha": head}, token=site.bob)
    assert (done.status_code, done.json()["merged"]) == (200, True)
    sha = done.json()["sha"]
    assert site.github.branches(REPO)["main"] == sha
    made = site.call("GET", f"/commits/{sha}").json()
    assert (len(made["parents"]), made["commit"]["message"].split("\n")[0]) == (parents, title)
    assert (made["author"]["login"], made["commit"]["committer"]["name"]) == (author, "GitHub")
    assert site.github.files(REPO).keys() >= {"new.txt", "two.txt", "meanwhile.txt"}
    compared = site.call("GET", f"/compare/{before}...main").json()
    assert compared["ahead_by"] == {"merge": 3, "squash": 1, "rebase": 2}[method]
    shown = site.call("GET", f"/pulls/{number}").json()
    assert (shown["merged"], shown["merge_commit_sha"], shown["merged_by"]["login"]) == (True, sha, "bob")
    assert site.call("GET", f"/pulls/{number}/merge").status_code == 204
    assert [row["number"] for row in site.call("GET", f"/commits/{sha}/pulls").json()] == [number]


def test_a_merge_is_told_as_closed_and_as_a_push_with_its_files(site: Site) -> None:
    number = site.change(**{"new.txt": "n\n", "README.md": "more\n"})
    before = site.github.branches(REPO)["main"]
    site.names()
    sha = site.call("PUT", f"/pulls/{number}/merge").json()["sha"]
    (closed, told), (push, pushed) = site.events
    assert (closed, told["action"], told["pull_request"]["merged"]) == ("pull_request", "closed", True)
    assert (told["pull_request"]["merge_commit_sha"], told["sender"]["login"]) == (sha, "alice")
    assert (push, pushed["ref"], pushed["before"], pushed["after"]) == ("push", "refs/heads/main", before, sha)
    assert pushed["head_commit"]["id"] == sha
    assert (pushed["commits"][-1]["added"], pushed["commits"][-1]["modified"]) == (["new.txt"], ["README.md"])


def test_merges_that_are_refused(site: Site) -> None:
    number = site.change(**{"README.md": "one\n"})
    path = f"/pulls/{number}/merge"
    assert site.call("GET", path).status_code == 404
    assert site.call("PUT", "/pulls/99/merge").status_code == 404
    assert site.call("PUT", path, {"merge_method": "octopus"}).status_code == 422
    stale = site.call("PUT", path, {"sha": site.github.branches(REPO)["main"]})
    assert (stale.status_code, stale.json()["message"][:25]) == (409, "Head branch was modified.")
    weak = site.call("PUT", path, token=site.limited(pull_requests="write", contents="read"))
    assert (weak.status_code, weak.headers["x-accepted-github-permissions"]) == (403, "contents=write")
    assert site.call("PUT", path, token=site.job).status_code == 403
    site.github.allow_merges(REPO, "squash")
    assert site.call("PUT", path).json()["message"] == "Merge commits are not allowed on this repository."
    site.github.push_commit(REPO, "bob", {"README.md": "two\n"})
    conflict = site.call("PUT", path, {"merge_method": "squash"})
    assert (conflict.status_code, conflict.json()["message"]) == (405, "Pull Request is not mergeable")
    assert site.call("GET", f"/pulls/{number}").json()["mergeable_state"] == "dirty"
    with pytest.raises(ValueError, match="not mergeable"):
        site.github.merge(REPO, number, "bob", method="squash")
    assert site.github.issue(REPO, number).state == "open"


def test_a_merged_one_is_not_merged_again_nor_reopened(site: Site) -> None:
    number = site.change()
    site.github.merge(REPO, number, "bob", method="squash", delete_branch=True)
    assert list(site.github.branches(REPO)) == ["main"]
    assert site.call("PUT", f"/pulls/{number}/merge").status_code == 405
    assert site.call("PATCH", f"/pulls/{number}", {"state": "open"}).status_code == 422


def test_a_protected_branch_waits_for_approvals_and_checks(site: Site) -> None:
    site.github.protect(REPO, "main", Protection(approvals=1, checks=("Provision",), dismiss_stale=True))
    number = site.change()
    path = f"/pulls/{number}/merge"
    needed = "At least 1 approving review is required by reviewers with write access."
    assert site.call("PUT", path).json() | {"documentation_url": ""} == {
        "message": needed, "documentation_url": "", "status": "405",
    }  # fmt: skip
    site.github.approve(REPO, number, "carol")
    assert site.call("PUT", path).json()["message"] == needed
    site.github.approve(REPO, number, "bob")
    assert site.call("PUT", path).json()["message"] == 'Required status check "Provision" is expected.'
    run = site.github.record_run(REPO, workflow=CALLER, event="pull_request", branch="feature", conclusion="failure")
    assert site.call("PUT", path).json()["message"] == 'Required status check "Provision" is failing.'
    assert site.call("GET", f"/pulls/{number}").json()["mergeable_state"] == "blocked"
    site.github.turn_run(REPO, run, conclusion="success")
    assert site.call("PUT", path).status_code == 200


def test_a_new_commit_dismisses_approvals_where_the_rules_say_so(site: Site) -> None:
    site.github.protect(REPO, "main", Protection(approvals=1, dismiss_stale=True))
    number = site.change()
    site.github.approve(REPO, number, "bob")
    site.names()
    head = site.github.commit(REPO, "feature", {"more.txt": "m\n"})
    assert site.events[1][1]["after"] == head
    assert site.names() == ["push", "pull_request.synchronize", "pull_request_review.dismissed"]
    (review,) = site.call("GET", f"/pulls/{number}/reviews").json()
    assert (review["state"], review["commit_id"] != head) == ("DISMISSED", True)
    assert site.call("PUT", f"/pulls/{number}/merge").status_code == 405
    with pytest.raises(ValueError, match="approving review"):
        site.github.merge(REPO, number, "bob")
    assert site.github.merge(REPO, number, "bob", bypass=True) == site.github.branches(REPO)["main"]


def test_without_the_rule_an_approval_stays(site: Site) -> None:
    number = site.change()
    site.github.approve(REPO, number, "bob")
    site.github.commit(REPO, "feature", {"more.txt": "m\n"})
    assert [row["state"] for row in site.call("GET", f"/pulls/{number}/reviews").json()] == ["APPROVED"]


def test_reviews_by_the_api(site: Site) -> None:
    number = site.change()
    path = f"/pulls/{number}/reviews"
    site.names()
    yes = site.call("POST", path, {"event": "APPROVE", "body": "good"}, token=site.bob)
    assert (yes.status_code, yes.json()["state"], yes.json()["user"]["login"]) == (200, "APPROVED", "bob")
    assert site.names() == ["pull_request_review.submitted"]
    no = site.call("POST", path, {"event": "REQUEST_CHANGES", "body": "no"}, token=site.bob).json()
    assert site.call("GET", f"{path}/{no['id']}").json()["state"] == "CHANGES_REQUESTED"
    pending = site.call("POST", path, {"body": "later"}, token=site.bob).json()
    assert pending["state"] == "PENDING"
    assert [len(site.call("GET", path, token=who).json()) for who in (site.alice, site.bob)] == [2, 3]
    gone = site.call("PUT", f"{path}/{no['id']}/dismissals", {"message": "old"})
    assert gone.json()["state"] == "DISMISSED"


@pytest.mark.parametrize(
    ("who", "body", "said"),
    [
        ("alice", {"event": "APPROVE"}, "Can not approve your own pull request"),
        ("alice", {"event": "REQUEST_CHANGES", "body": "x"}, "Can not request changes on your own pull request"),
        ("bob", {"event": "COMMENT"}, "Review comments must have a body"),
        ("bob", {"event": "APPROVE", "commit_id": "4" * 40}, "Commit is not part of the pull request"),
        ("job", {"event": "APPROVE"}, "GitHub Actions is not permitted to approve pull requests."),
    ],
)
def test_reviews_that_are_refused(site: Site, who: str, body: dict[str, Any], said: str) -> None:
    answer = site.call("POST", f"/pulls/{site.change()}/reviews", body, token=getattr(site, who))
    assert (answer.status_code, answer.json()["errors"]) == (422, [said])


def test_a_review_needs_the_right_to_pull_requests(site: Site) -> None:
    path = f"/pulls/{site.change(login='bob')}/reviews"
    body = {"event": "APPROVE"}
    assert site.call("POST", path, body, token=site.limited(pull_requests="read")).status_code == 403
    assert site.call("POST", path, {"event": "MAYBE"}).status_code == 422
    assert site.call("POST", "/pulls/99/reviews", body).status_code == 404
    with pytest.raises(ValueError, match="own pull request"):
        site.github.approve(REPO, 1, "bob")


def test_reviewers_are_asked(site: Site) -> None:
    path = f"/pulls/{site.change()}/requested_reviewers"
    site.names()
    asked = site.call("POST", path, {"reviewers": ["bob"]})
    assert (asked.status_code, [who["login"] for who in asked.json()["requested_reviewers"]]) == (201, ["bob"])
    assert site.events[0][1]["requested_reviewer"]["login"] == "bob"
    assert site.names() == ["pull_request.review_requested"]
    own, stranger = (site.call("POST", path, {"reviewers": [who]}) for who in ("alice", "mallory"))
    assert own.json()["message"] == "Review cannot be requested from pull request author."
    assert (stranger.status_code, "not a collaborator" in stranger.json()["message"]) == (422, True)
    site.github.approve(REPO, 1, "bob")


def test_revert_opens_a_pull_request_that_restores_the_files(site: Site) -> None:
    for method in ("merge", "squash", "rebase"):
        before = site.github.files(REPO)
        number = site.change(f"feature-{method}", **{f"{method}.txt": "n\n", "README.md": f"{method}\n"})
        site.github.commit(REPO, f"feature-{method}", {"old.txt": None})
        site.github.merge(REPO, number, "bob", method=method)
        site.github.push_commit(REPO, "bob", {f"after-{method}.txt": "a\n"})
        undo = site.github.revert(REPO, number, "bob")
        shown = site.call("GET", f"/pulls/{undo}").json()
        assert (shown["title"], shown["body"]) == ('Revert "Add it"', f"Reverts {REPO}#{number}")
        assert shown["head"]["ref"] == f"revert-{number}-feature-{method}"
        site.github.merge(REPO, undo, "alice")
        assert site.github.files(REPO) == {**before, f"after-{method}.txt": "a\n"}


def test_a_revert_that_cannot_be(site: Site) -> None:
    number = site.change(**{"README.md": "one\n"})
    with pytest.raises(ValueError, match="not a merged"):
        site.github.revert(REPO, number, "bob")
    site.github.merge(REPO, number)
    site.github.push_commit(REPO, "bob", {"README.md": "two\n"})
    with pytest.raises(ValueError, match="automatically"):
        site.github.revert(REPO, number, "bob")


def test_commits_that_are_pushed_to_the_base_by_hand_close_their_pull_request_as_merged(
    site: Site, tmp_path: Path
) -> None:
    number = site.change()
    folder = site.clone(tmp_path, site.alice)
    site.names()
    assert site.git(folder, "push", "--quiet", "origin", "origin/feature:refs/heads/main").returncode == 0
    assert site.names() == ["push", "pull_request.closed"]
    assert site.call("GET", f"/pulls/{number}").json()["merged"] is True


def test_closed_ones_by_their_last_change(site: Site) -> None:
    numbers = [site.change(f"f{index}") for index in range(3)]
    for number in reversed(numbers):
        site.clock.sleep(60)
        site.github.close(REPO, number)
    rows = site.call("GET", "/pulls?state=closed&sort=updated&direction=desc").json()
    assert [row["number"] for row in rows] == numbers
    rising = site.call("GET", "/pulls?state=closed&sort=updated").json()
    assert [row["number"] for row in rising] == numbers[::-1]
    assert [row["number"] for row in site.call("GET", "/pulls?state=closed").json()] == numbers[::-1]
