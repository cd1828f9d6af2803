"""What people do on the emulated GitHub, and which webhooks tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.emulators.github import GitHubEmulator
from bot.emulators.loopback import Loopback
from tests.fakes.clock import StoppedClock

REPO = "acme/infra"


class Heard:
    """A repository with a listener, and a plain client."""

    def __init__(self, github: GitHubEmulator, clock: StoppedClock, url: str) -> None:
        self.github, self.clock, self.url = github, clock, url
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.token = github.add_token("alice")

    async def hear(self, request: Request) -> Response:
        self.events.append((request.headers["x-github-event"], json.loads(await request.body())))
        return Response(status_code=202)

    def names(self) -> list[str]:
        return [f"{event}.{payload['action']}" if "action" in payload else event for event, payload in self.events]

    def call(self, method: str, path: str, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.url}/repos/{REPO}{path}", params=query, headers=headers, timeout=10)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    clock = StoppedClock()
    github = GitHubEmulator(tmp_path, clock=clock)
    github.add_repository(REPO, {"README.md": "infra\n"})
    github.grant(REPO, "alice", "write")
    with github.serve() as url:
        world = Heard(github, clock, url)
        with Loopback(Starlette(routes=[Route("/hook", world.hear, methods=["POST"])])) as server:
            github.hook(REPO, f"{server.url}/hook", "s3cret")
            yield world
    assert github.unknown == ()


def test_each_act_is_announced_as_github_announces_it(heard: Heard) -> None:
    github = heard.github
    issue = github.open_issue(REPO, "alice", title="t")
    comment = github.comment(REPO, issue, "alice", "one")
    github.edit_comment(REPO, comment, "alice", "two")
    github.delete_comment(REPO, comment)
    github.close(REPO, issue)
    github.reopen(REPO, issue)
    github.commit(REPO, "feature", {"x": "y"})
    pull = github.open_pull(REPO, "alice", head="feature")
    github.review(REPO, pull, "alice", "changes_requested", "no")
    github.review_comment(REPO, pull, "alice", "here")
    github.merge(REPO, pull)
    other = github.fork_pull(REPO, "mallory")
    github.close(REPO, other)
    assert heard.names() == [
        "issues.opened", "issue_comment.created", "issue_comment.edited", "issue_comment.deleted", "issues.closed",
        "issues.reopened", "push", "pull_request.opened", "pull_request_review.submitted",
        "pull_request_review_comment.created", "pull_request.closed", "push", "pull_request.opened",
        "pull_request.closed",
    ]  # fmt: skip
    events = dict(zip(heard.names(), (payload for _, payload in heard.events), strict=True))
    assert events["issue_comment.edited"]["changes"] == {"body": {"from": "one"}}
    review = events["pull_request_review.submitted"]
    assert (review["review"]["state"], review["review"]["body"]) == ("changes_requested", "no")
    assert review["review"]["submitted_at"] == "2026-03-01T12:00:00Z"
    assert review["pull_request"]["number"] == pull
    assert events["pull_request_review_comment.created"]["comment"]["body"] == "here"
    pushes = [payload for event, payload in heard.events if event == "push"]
    assert [push["ref"] for push in pushes] == ["refs/heads/feature", "refs/heads/main"]
    assert pushes[1]["after"] == github.branches(REPO)["main"] != pushes[1]["before"]
    closed = [payload["pull_request"]["merged"] for event, payload in heard.events if "action" in payload and
              (event, payload["action"]) == ("pull_request", "closed")]  # fmt: skip
    assert closed == [True, False]


def test_a_fork_is_another_repository_until_it_is_deleted(heard: Heard) -> None:
    number = heard.github.fork_pull(REPO, "mallory", branch="main")
    shown = heard.call("GET", f"/pulls/{number}").json()
    assert (shown["head"]["label"], shown["head"]["repo"]["full_name"]) == ("mallory:main", "mallory/infra")
    assert shown["head"]["repo"]["id"] != shown["base"]["repo"]["id"]
    assert "theirs" in heard.github.pull_diff(REPO, number)
    assert list(heard.github.branches(REPO)) == ["main"]
    assert heard.call("GET", "/pulls", head="acme:main").json() == []
    assert len(heard.call("GET", "/pulls", head="mallory:main").json()) == 1
    heard.github.delete_fork(REPO, number)
    assert heard.call("GET", f"/pulls/{number}").json()["head"]["repo"] is None


def test_lists_of_changes_since_a_moment(heard: Heard) -> None:
    github, numbers, comments = heard.github, [], []
    for _ in range(3):
        numbers.append(github.open_issue(REPO, "alice", title="t"))
        comments.append(github.comment(REPO, numbers[-1], "alice", "words"))
        heard.clock.sleep(60)
    since = {"since": "2026-03-01T12:01:00Z", "sort": "updated", "direction": "asc"}
    assert [row["id"] for row in heard.call("GET", "/issues/comments", **since).json()] == comments[1:]
    assert [row["number"] for row in heard.call("GET", "/issues", **since).json()] == numbers[1:]
    github.edit_comment(REPO, comments[0], "alice", "later")
    github.close(REPO, numbers[1])
    assert [row["id"] for row in heard.call("GET", "/issues/comments", **since).json()] == [*comments[1:], comments[0]]
    assert [row["number"] for row in heard.call("GET", "/issues", **since).json()] == [numbers[2], numbers[0]]
    everything = heard.call("GET", "/issues", state="all", **since).json()
    assert {row["number"]: row["state"] for row in everything} == {
        numbers[2]: "open",
        numbers[0]: "open",
        numbers[1]: "closed",
    }
    assert heard.call("GET", "/issues", since="yesterday").status_code == 422


def test_every_answer_is_dated_by_the_emulated_clock(heard: Heard) -> None:
    heard.clock.sleep(3_661)
    heard.github.faults.add("GET", f"/repos/{REPO}/issues/7", status=500)
    for path in ("", "/issues/9", "/issues/7"):
        answer = heard.call("GET", path)
        assert answer.headers["date"] == "Sun, 01 Mar 2026 13:01:01 GMT"


def test_branches_by_prefix_and_their_deletion(heard: Heard) -> None:
    github = heard.github
    for name in ("ai-provision/a", "ai-provision/b", "feature"):
        github.commit(REPO, name, {"x": name})
    pull = github.open_pull(REPO, "alice", head="ai-provision/b")
    listed = heard.call("GET", "/git/matching-refs/heads/ai-provision/").json()
    assert [row["ref"] for row in listed] == ["refs/heads/ai-provision/a", "refs/heads/ai-provision/b"]
    commit = heard.call("GET", f"/git/commits/{listed[0]['object']['sha']}").json()
    assert (commit["author"]["email"], commit["committer"]["date"]) == ("alice@example.invalid", "2026-01-01T00:00:00Z")
    assert heard.call("GET", f"/git/commits/{'0' * 40}").status_code == 404
    assert heard.call("DELETE", "/git/refs/heads/ai-provision/b").status_code == 204
    assert heard.call("DELETE", "/git/refs/heads/ai-provision/b").status_code == 422
    assert heard.call("DELETE", "/git/refs/heads/main").status_code == 422
    github.protect(REPO, "feature")
    assert heard.call("DELETE", "/git/refs/heads/feature").status_code == 422
    assert github.issue(REPO, pull).state == "closed"
    assert list(github.branches(REPO)) == ["ai-provision/a", "feature", "main"]
    heard.token = github.add_token("bob")
    assert heard.call("DELETE", "/git/refs/heads/feature").status_code == 403


def test_words_of_a_deleted_account_have_no_author(heard: Heard) -> None:
    github = heard.github
    issue = github.open_issue(REPO, "gone", title="t")
    comment = github.comment(REPO, issue, "gone", "words")
    github.react(REPO, comment, "gone", "+1")
    github.delete_account("gone")
    assert heard.call("GET", f"/issues/{issue}").json()["user"] is None
    assert heard.call("GET", f"/issues/comments/{comment}").json()["user"] is None
    assert heard.call("GET", f"/issues/comments/{comment}/reactions").json()[0]["user"] is None
    assert heard.call("GET", "/collaborators/gone/permission").status_code == 404
    github.edit_comment(REPO, comment, "alice", "more")
    assert heard.events[-1][1]["comment"]["user"] is None


def test_reactions_reviews_locks_and_associations(heard: Heard) -> None:
    github = heard.github
    number = github.fork_pull(REPO, "mallory")
    comment = github.comment(REPO, number, "alice", "words")
    for content in ("+1", "+1", "-1"):
        github.react(REPO, comment, "alice", content)
    assert [row["content"] for row in heard.call("GET", f"/issues/comments/{comment}/reactions").json()] == ["+1", "-1"]
    with pytest.raises(ValueError, match="thumb"):
        github.react(REPO, comment, "alice", "thumb")
    review, line = github.review(REPO, number, "alice", "approved"), github.review_comment(REPO, number, "alice", "x")
    assert heard.call("GET", f"/pulls/{number}/reviews/{review}").json()["state"] == "APPROVED"
    assert heard.call("GET", f"/pulls/comments/{line}").json()["body"] == "x"
    assert heard.call("GET", f"/pulls/{number}/reviews/{line}").status_code == 404
    assert heard.call("GET", f"/pulls/comments/{comment}").status_code == 404
    github.lock(REPO, number)
    github.associate(REPO, "alice", "CONTRIBUTOR")
    assert heard.call("GET", f"/issues/{number}").json()["locked"]
    assert heard.call("GET", f"/issues/comments/{comment}").json()["author_association"] == "CONTRIBUTOR"
    with pytest.raises(KeyError):
        github.review(REPO, github.open_issue(REPO, "alice", title="no pull"), "alice", "approved")
