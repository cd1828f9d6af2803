"""Commits, labels, statuses, deployments and workflow runs on the emulated GitHub, and what a CI job's token may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.emulators.github import GitHubEmulator
from bot.emulators.github.state import Protection
from tests.emulators.github_kit import CALLER, REPO, WORKFLOW, Site, served
from tests.fakes.clock import StoppedClock


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path) as made:
        yield made


def main(site: Site) -> str:
    return site.github.branches(REPO)["main"]


def test_a_comparison_names_each_kind_of_change(site: Site) -> None:
    before = main(site)
    site.github.push_commit(
        REPO, "bob", {"new.txt": "n\n", "README.md": "x\n", "old.txt": None, "moved.txt": "o\n" * 20}
    )
    gone = site.github.push_commit(REPO, "bob", {"moved.txt": None})
    shown = site.call("GET", f"/compare/{before}...main").json()
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("ahead", 2, 0)
    assert [(row["filename"], row["status"]) for row in shown["files"]] == [
        ("README.md", "modified"), ("new.txt", "added"), ("old.txt", "removed"),
    ]  # fmt: skip
    assert shown["merge_base_commit"]["sha"] == before
    first = site.call("GET", f"/compare/{before}...{gone}~1").status_code
    assert first == 404
    renamed = site.call("GET", f"/commits/{shown['commits'][0]['sha']}").json()["files"]
    assert [(row["filename"], row.get("previous_filename")) for row in renamed if row["status"] == "renamed"] == [
        ("moved.txt", "old.txt")
    ]
    assert site.call("GET", f"/compare/main...{before}").json()["status"] == "behind"
    assert site.call("GET", "/compare/main...main").json()["status"] == "identical"


def test_commits_by_id_branch_and_path(site: Site) -> None:
    sha = site.github.push_commit(REPO, "bob", {"apps/a.txt": "a\n"}, message="Add a")
    shown = site.call("GET", "/commits/main").json()
    assert (shown["sha"], shown["commit"]["message"], shown["stats"]["total"]) == (sha, "Add a", 1)
    assert shown["commit"]["author"]["date"] == "2026-03-01T12:00:00Z"
    assert [row["sha"] for row in site.call("GET", "/commits?path=apps").json()] == [sha]
    assert len(site.call("GET", "/commits").json()) == 2
    unknown = site.call("GET", f"/commits/{'4' * 40}")
    assert (unknown.status_code, unknown.json()["message"]) == (422, f"No commit found for SHA: {'4' * 40}")
    assert site.call("GET", f"/commits/{sha}", token=site.limited(issues="read")).status_code == 403


def test_a_commit_that_no_pull_request_brought(site: Site) -> None:
    sha = site.github.push_commit(REPO, "bob", {"direct.txt": "d\n"})
    assert site.call("GET", f"/commits/{sha}/pulls").json() == []
    number = site.change()
    head = site.call("GET", f"/pulls/{number}").json()["head"]["sha"]
    assert [row["number"] for row in site.call("GET", f"/commits/{head}/pulls").json()] == [number]


def test_folders_are_listed_with_their_kinds(site: Site) -> None:
    site.github.push_commit(REPO, "bob", {"apps/a/x.txt": "xyz", "apps/readme": "r"})
    rows = site.call("GET", "/contents/apps?ref=main").json()
    assert [(row["type"], row["name"], row["size"]) for row in rows] == [("dir", "a", 0), ("file", "readme", 1)]
    assert site.call("GET", "/contents/apps?ref=none").status_code == 404


def test_branches_and_their_rules(site: Site) -> None:
    admin = site.limited(administration="read", contents="read")
    path = "/branches/main/protection"
    bare = site.call("GET", path, token=admin)
    assert (bare.status_code, bare.json()["message"]) == (404, "Branch not protected")
    assert site.call("GET", "/branches/none/protection", token=admin).json()["message"] == "Branch not found"
    assert site.call("GET", path, token=site.job).status_code == 403
    site.github.protect(REPO, "main", Protection(approvals=2, checks=("plan",), strict=True, dismiss_stale=True))
    rules = site.call("GET", path, token=admin).json()
    assert rules["required_pull_request_reviews"]["required_approving_review_count"] == 2
    assert (rules["required_status_checks"]["contexts"], rules["required_status_checks"]["strict"]) == (["plan"], True)
    shown = site.call("GET", "/branches/main", token=site.job).json()
    assert (shown["protected"], shown["commit"]["sha"]) == (True, main(site))
    assert [row["name"] for row in site.call("GET", "/branches?protected=true").json()] == ["main"]
    assert site.call("GET", "/branches?protected=false").json() == []


def test_labels_of_a_repository_and_of_a_pull_request(site: Site) -> None:
    number = site.change()
    path = f"/issues/{number}/labels"
    made = site.call("POST", "/labels", {"name": "applied", "color": "0E8A16", "description": "Done"})
    assert (made.status_code, made.json()["color"]) == (201, "0e8a16")
    again = site.call("POST", "/labels", {"name": "Applied"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "already_exists")
    site.names()
    rows = site.call("POST", path, {"labels": ["APPLIED", "machines"]}, token=site.job).json()
    assert [row["name"] for row in rows] == ["applied", "machines"]
    assert site.events[0][1]["label"]["name"] == "applied"
    assert site.names() == ["pull_request.labeled"] * 2
    assert [row["name"] for row in site.call("GET", "/labels").json()] == ["applied", "machines"]
    rows = site.call("PUT", path, ["failed"]).json()
    assert [row["name"] for row in rows] == ["failed"]
    assert site.names() == ["pull_request.unlabeled", "pull_request.unlabeled", "pull_request.labeled"]
    assert [row["name"] for row in site.call("GET", f"/pulls/{number}").json()["labels"]] == ["failed"]
    assert site.call("DELETE", path + "/failed").json() == []
    absent = site.call("DELETE", path + "/failed")
    assert (absent.status_code, absent.json()["message"]) == (404, "Label does not exist")
    site.github.label(REPO, number, "bob", "one", "two")
    assert site.call("DELETE", path).status_code == 204
    assert site.call("GET", path).json() == []


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": "x" * 51}, {"name": "x", "color": "red"}, {"name": "x", "description": "d" * 101}]
)
def test_labels_that_cannot_be(site: Site, body: dict[str, str]) -> None:
    assert site.call("POST", "/labels", body).status_code == 422


def test_the_right_to_pull_requests_labels_and_comments_no_issue(site: Site) -> None:
    token, number = site.limited(pull_requests="write"), site.change()
    issue = site.github.open_issue(REPO, "bob", title="t")
    body = {"labels": ["x"]}
    assert site.call("POST", f"/issues/{number}/labels", body, token=token).status_code == 200
    assert site.call("POST", f"/issues/{issue}/labels", body, token=token).status_code == 403
    assert site.call("POST", f"/issues/{number}/comments", {"body": "x"}, token=token).status_code == 201
    assert site.call("POST", f"/issues/{issue}/comments", {"body": "x"}, token=token).status_code == 403
    assert site.call("POST", f"/issues/{number}/labels", body, token=site.limited(issues="read")).status_code == 403
    assert site.call("POST", "/issues/99/labels", body).status_code == 404


def test_statuses_of_a_commit_the_newest_of_a_context_counts(site: Site) -> None:
    sha = main(site)
    assert site.call("GET", f"/commits/{sha}/status").json()["state"] == "pending"
    site.names()
    for state, context, combined in (
        ("pending", "plan", "pending"), ("success", "plan", "success"), ("error", "scan", "failure"),
    ):  # fmt: skip
        made = site.call("POST", f"/statuses/{sha}", {"state": state, "context": context})
        assert (made.status_code, made.json()["creator"]["login"]) == (201, "alice")
        assert site.call("GET", "/commits/main/status").json()["state"] == combined
    assert site.names() == ["status"] * 3
    assert [row["state"] for row in site.call("GET", f"/commits/{sha}/statuses").json()] == [
        "error",
        "success",
        "pending",
    ]
    assert site.call("POST", f"/statuses/{sha}", {"state": "done"}).status_code == 422
    assert site.call("POST", f"/statuses/{sha}", {"state": "error", "description": "d" * 141}).status_code == 422
    assert site.call("POST", f"/statuses/{'4' * 40}", {"state": "error"}).status_code == 422
    assert site.call("POST", f"/statuses/{sha}", {"state": "error"}, token=site.job).status_code == 403


def test_a_deployment_from_queued_to_success(site: Site) -> None:
    body: dict[str, Any] = {"ref": "main", "environment": "staging", "description": "d", "payload": {"pull": 1}}
    made = site.call("POST", "/deployments", body, token=site.job)
    assert made.status_code == 201
    assert (made.json()["sha"], made.json()["creator"]["login"]) == (main(site), "github-actions[bot]")
    path = f"/deployments/{made.json()['id']}/statuses"
    site.names()
    sent = {"state": "success", "log_url": "https://ci.example/1", "environment_url": "https://shop.example"}
    for row in ({"state": "in_progress"}, sent):
        assert site.call("POST", path, row, token=site.job).status_code == 201
    assert [payload["deployment_status"]["state"] for _, payload in site.events] == ["in_progress", "success"]
    assert site.names() == ["deployment_status.created"] * 2
    rows = site.call("GET", path, token=site.job).json()
    assert (rows[0]["state"], rows[0]["log_url"], rows[0]["environment"]) == (
        "success",
        "https://ci.example/1",
        "staging",
    )
    second = site.call("POST", "/deployments", body, token=site.job).json()["id"]
    site.call("POST", f"/deployments/{second}/statuses", {"state": "success"}, token=site.job)
    assert [row["state"] for row in site.call("GET", path, token=site.job).json()] == [
        "inactive",
        "success",
        "in_progress",
    ]
    listed = site.call("GET", "/deployments?environment=staging", token=site.job).json()
    assert [row["id"] for row in listed] == [second, made.json()["id"]]
    assert site.call("GET", "/deployments?environment=production", token=site.job).json() == []
    assert [len(item.statuses) for item in site.github.deployments(REPO)] == [3, 1]


def test_deployments_that_are_refused(site: Site) -> None:
    assert site.call("POST", "/deployments", {"ref": "none"}).json()["message"] == "No ref found for: none"
    assert site.call("POST", "/deployments", {}).status_code == 422
    assert site.call("POST", "/deployments/7/statuses", {"state": "success"}).status_code == 404
    made = site.call("POST", "/deployments", {"ref": main(site)}).json()
    path = f"/deployments/{made['id']}/statuses"
    assert site.call("POST", path, {"state": "done"}).status_code == 422
    assert site.call("POST", path, {"state": "success", "description": "d" * 141}).status_code == 422
    bot = site.github.add_token("alice", token="ghs_the-bots-own")
    for answer in (
        site.call("POST", "/deployments", {"ref": "main"}, token=bot),
        site.call("GET", "/deployments", token=bot),
        site.call("POST", path, {"state": "success"}, token=site.limited(deployments="read")),
    ):
        assert answer.status_code == 403


def test_a_deployment_waits_for_the_checks_of_its_commit(site: Site) -> None:
    run = site.github.record_run(REPO, workflow=CALLER, status="in_progress")
    refused = site.call("POST", "/deployments", {"ref": "main"}, token=site.job)
    assert (refused.status_code, refused.json()["errors"][0]["contexts"][0]["context"]) == (409, "Provision")
    assert (
        site.call("POST", "/deployments", {"ref": "main", "required_contexts": []}, token=site.job).status_code == 201
    )
    site.github.turn_run(REPO, run)
    assert site.call("POST", "/deployments", {"ref": "main"}, token=site.job).status_code == 201


def test_a_branch_that_is_behind_is_merged_instead_of_deployed(site: Site) -> None:
    site.change()
    site.github.push_commit(REPO, "bob", {"meanwhile.txt": "m\n"})
    merged = site.call("POST", "/deployments", {"ref": "feature"})
    assert (merged.status_code, merged.json()["message"]) == (202, "Auto-merged main into feature on deployment.")
    assert "meanwhile.txt" in site.github.files(REPO, ref="feature")
    assert site.call("POST", "/deployments", {"ref": "feature"}).status_code == 201


def test_environments(site: Site) -> None:
    site.github.environment(REPO, "production", reviewers=("bob",))
    site.call("POST", "/deployments", {"ref": "main", "environment": "staging"})
    listed = site.call("GET", "/environments").json()
    assert (listed["total_count"], [row["name"] for row in listed["environments"]]) == (2, ["production", "staging"])
    assert len(site.call("GET", "/environments/production").json()["protection_rules"]) == 1
    assert site.call("GET", "/environments/none").status_code == 404
    assert site.call("GET", "/environments", token=site.job).status_code == 403


def test_runs_are_recorded_told_and_found(site: Site) -> None:
    number = site.change()
    site.names()
    head = site.github.branches(REPO)["feature"]
    first = site.github.record_run(REPO, workflow=CALLER, event="pull_request", branch="feature", pulls=(number,))
    second = site.github.record_run(REPO, workflow=CALLER, status="in_progress")
    assert site.events[1][1]["workflow_run"]["conclusion"] == "success"
    assert site.events[1][1]["workflow"]["path"] == CALLER
    assert site.names() == [f"workflow_run.{word}" for word in ("requested", "completed", "requested", "in_progress")]

    def found(query: str) -> list[int]:
        return [row["id"] for row in site.call("GET", f"/actions/runs{query}").json()["workflow_runs"]]

    assert found("") == [second, first]
    assert (found(f"?head_sha={head}"), found("?event=push"), found("?branch=feature")) == ([first], [second], [first])
    assert (found("?status=success"), found("?status=in_progress"), found("?event=schedule")) == ([first], [second], [])
    site.github.turn_run(REPO, second, conclusion="failure")
    shown = site.call("GET", f"/actions/runs/{second}").json()
    assert (shown["status"], shown["conclusion"], shown["head_sha"], shown["run_number"]) == (
        "completed", "failure", main(site), 2,
    )  # fmt: skip
    checks = site.call("GET", f"/commits/{head}/check-runs").json()
    assert [(row["name"], row["conclusion"]) for row in checks["check_runs"]] == [("Provision", "success")]
    page = site.call("GET", "/actions/runs?per_page=1")
    assert (page.json()["total_count"], len(page.json()["workflow_runs"]), "next" in page.links) == (2, 1, True)
    assert site.call("GET", "/actions/runs/7").status_code == 404
    assert site.call("GET", "/actions/runs", token=site.job).status_code == 403


def test_a_workflow_is_started_by_hand(site: Site) -> None:
    path = "/actions/workflows/ai-provision.yml"
    body = {"ref": "main", "inputs": {"state": "shop"}}
    site.names()
    assert site.call("POST", path + "/dispatches", body).status_code == 204
    assert site.names() == ["workflow_run.requested"]
    (run,) = site.github.runs(REPO)
    assert (run.event, run.status, run.inputs, run.actor.login) == (
        "workflow_dispatch", "queued", {"state": "shop"}, "alice",
    )  # fmt: skip
    assert site.call("GET", path + "/runs").json()["total_count"] == 1
    shown = site.call("GET", path).json()
    assert (shown["name"], shown["path"], site.call("GET", "/actions/workflows").json()["total_count"]) == (
        "Provision", CALLER, 1,
    )  # fmt: skip
    assert site.call("POST", f"/actions/runs/{run.id}/cancel").status_code == 202
    assert site.call("POST", f"/actions/runs/{run.id}/cancel").status_code == 409
    assert site.github.runs(REPO)[0].conclusion == "cancelled"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("none.yml", {"ref": "main"}, 404, "Not Found"),
        ("ai-provision.yml", {"ref": "none"}, 422, "No ref found for: none"),
        ("ai-provision.yml", {"ref": "main"}, 422, "Required input 'state' not provided"),
        ("ai-provision.yml", {"ref": "main", "inputs": {"x": "y"}}, 422, "Unexpected inputs provided: ['x']"),
        ("plain.yml", {"ref": "main"}, 422, "Workflow does not have 'workflow_dispatch' trigger"),
    ],
)
def test_workflows_that_are_not_started(site: Site, path: str, body: dict[str, Any], status: int, said: str) -> None:
    site.github.push_commit(REPO, "bob", {".github/workflows/plain.yml": "on: push\n"})
    answer = site.call("POST", f"/actions/workflows/{path}/dispatches", body)
    assert (answer.status_code, answer.json()["message"]) == (status, said)
    read = site.call("POST", f"/actions/workflows/{path}/dispatches", body, token=site.limited(actions="read"))
    assert read.status_code == 403
    assert site.github.runs(REPO) == ()


def test_a_jobs_token_has_its_permissions_its_repository_and_its_own_limit(site: Site) -> None:
    site.github.add_repository("acme/other", {"a": "b"})
    number = site.change()
    comment = site.call("POST", f"/issues/{number}/comments", {"body": "applied"}, token=site.job)
    assert (comment.status_code, comment.json()["user"]["login"]) == (201, "github-actions[bot]")
    assert comment.headers["x-ratelimit-limit"] == "1000"
    assert site.call("GET", "/collaborators/github-actions[bot]/permission").json()["permission"] == "read"
    for path in ("/actions/runs", "/environments", f"/statuses/{main(site)}"):
        assert site.call("GET" if "statuses" not in path else "POST", path, {}, token=site.job).status_code == 403
    assert site.github.ci_token("acme/other") != site.job
    site.github.revoke(site.job)
    assert site.call("GET", "", token=site.job).status_code == 401
    with pytest.raises(ValueError, match="no permission of a job"):
        site.github.ci_token(REPO, permissions={"workflows": "write"})


def test_a_job_opens_pull_requests_only_where_the_setting_allows_it(site: Site) -> None:
    job = site.github.ci_token(REPO, permissions={"contents": "write", "pull_requests": "write"})
    site.github.commit(REPO, "revert", {"x": "y"})
    body = {"title": "Revert", "head": "revert", "base": "main"}
    refused = site.call("POST", "/pulls", body, token=job)
    assert (refused.status_code, refused.json()["message"]) == (
        403, "GitHub Actions is not permitted to create or approve pull requests.",
    )  # fmt: skip
    site.github.allow_jobs(REPO)
    assert site.call("POST", "/pulls", body, token=job).status_code == 201


def test_calls_are_told_to_whoever_listens_and_a_dead_listener_stops_no_call(site: Site) -> None:
    issue = site.github.open_issue(REPO, "bob", title="t")
    site.names()
    made = site.call("POST", f"/issues/{issue}/comments", {"body": "x"}).json()["id"]
    site.call("PATCH", f"/issues/comments/{made}", {"body": "y"})
    site.github.commit(REPO, "feature", {"x": "y"})
    number = site.call("POST", "/pulls", {"title": "t", "head": "feature", "base": "main"}).json()["number"]
    site.call("PATCH", f"/pulls/{number}", {"title": "u", "state": "closed"})
    assert site.names() == [
        "issue_comment.created", "issue_comment.edited", "push", "pull_request.opened", "pull_request.edited",
        "pull_request.closed",
    ]  # fmt: skip
    site.github.hook(REPO, "http://127.0.0.1:9/", "s")
    assert site.call("POST", f"/issues/{issue}/comments", {"body": "x"}).status_code == 201


def test_an_app_hears_only_what_its_permissions_let_it_hear(tmp_path: Path) -> None:
    github = GitHubEmulator(tmp_path, clock=StoppedClock())
    github.add_repository(REPO, {CALLER: WORKFLOW})
    heard = []
    for permissions in ({}, {"actions": "read"}):
        app = github.apps.create(f"app-{len(permissions)}", permissions={"metadata": "read", **permissions})
        github.apps.listen(app.id, "http://127.0.0.1:9/", "s")
        github.apps.install(app.id, REPO)
    github.record_run(REPO, workflow=CALLER)
    heard = [(item.app.slug, item.event) for item in github.apps.attempts if item.event == "workflow_run"]
    assert heard == [("app-1", "workflow_run")] * 2


def test_content_creating_calls_of_the_new_kind_are_counted(site: Site) -> None:
    site.github.limits.content_per_minute = 3
    path = f"/issues/{site.change()}/labels"
    answers = [site.call("POST", path, {"labels": [str(number)]}, token=site.job) for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    assert answers[-1].headers["retry-after"] == "60"
    assert site.github.limits.breaches == 1
