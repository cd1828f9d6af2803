"""Which events may hold a command: new words of a person, nothing else. Which others change what the bot knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handlers.delivery import read_delivery, read_notice
from bot.model.command import Notice

USER = {"login": "ada", "id": 7, "node_id": "MDQ6VXNlcjc=", "type": "User", "site_admin": False}
ROBOT = {**USER, "login": "robot[bot]", "id": 8, "type": "Bot"}
GHOST = {**USER, "login": "ghost", "id": 10_137}
OWNER = {"login": "myorg", "id": 70, "type": "Organization"}
REPOSITORY = {
    "id": 186_853_002, "name": "infra", "full_name": "myorg/infra", "private": True, "owner": OWNER, "fork": False,
    "default_branch": "main", "visibility": "private",
}  # fmt: skip
ISSUE = {
    "id": 1, "number": 12, "user": USER, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    "body": "old words", "state": "open", "locked": False, "author_association": "NONE",
    "performed_via_github_app": None, "labels": [], "title": "t",
}  # fmt: skip
PULL = {
    **{key: value for key, value in ISSUE.items() if key != "performed_via_github_app"},
    "head": {"label": "myorg:ai-provision/shop", "ref": "ai-provision/shop", "sha": "a" * 40, "repo": REPOSITORY},
    "base": {"label": "myorg:main", "ref": "main", "sha": "b" * 40, "repo": REPOSITORY},
    "merged_at": None, "draft": False,
}  # fmt: skip
AROUND = {"sender": USER, "repository": REPOSITORY, "installation": {"id": 4_242, "node_id": "MDIz"}}
WORDS = {
    "id": 99, "body": "/ai-help", "user": USER, "created_at": "2026-01-02T03:05:05Z",
    "updated_at": "2026-01-02T03:05:05Z", "author_association": "NONE", "performed_via_github_app": None,
}  # fmt: skip
REVIEW = {
    "id": 98, "body": "/ai-help", "user": USER, "submitted_at": "2026-01-02T03:05:05Z", "state": "changes_requested",
    "author_association": "NONE", "commit_id": "a" * 40,
}  # fmt: skip
COMMENT: dict[str, Any] = {"action": "created", "issue": ISSUE, "comment": WORDS, **AROUND}
EVENTS: dict[str, dict[str, Any]] = {
    "issue_comment": COMMENT,
    "issues": {"action": "opened", "issue": {**ISSUE, "body": "/ai-help"}, **AROUND},
    "pull_request": {"action": "opened", "number": 12, "pull_request": {**PULL, "body": "/ai-help"}, **AROUND},
    "pull_request_review": {"action": "submitted", "review": REVIEW, "pull_request": PULL, **AROUND},
    "pull_request_review_comment": {
        "action": "created", "comment": {**WORDS, "path": "README.md"}, "pull_request": PULL, **AROUND,
    },
}  # fmt: skip
PARTS = {"issues": "issue", "pull_request": "pull_request", "pull_request_review": "review"}
"""Where the words of an event stand; elsewhere in ``comment``."""


def changed(path: str, value: object, payload: dict[str, Any] = COMMENT) -> dict[str, Any]:
    payload = json.loads(json.dumps(payload))
    *parents, last = path.split(".")
    place = payload
    for name in parents:
        place = place[name]
    place[last] = value
    return payload


def without(path: str, payload: dict[str, Any] = COMMENT) -> dict[str, Any]:
    payload = json.loads(json.dumps(payload))
    *parents, last = path.split(".")
    place = payload
    for name in parents:
        place = place[name]
    del place[last]
    return payload


@pytest.mark.parametrize("event", EVENTS)
def test_new_words_of_every_event(event: str) -> None:
    delivery = read_delivery(event, "d-1", EVENTS[event])
    assert delivery is not None
    assert (delivery.id, delivery.event, delivery.body, delivery.actor.login) == ("d-1", event, "/ai-help", "ada")
    assert (delivery.thread.full_name, delivery.thread.number) == ("myorg/infra", 12)
    assert delivery.thread.is_pull == event.startswith("pull_request")
    assert delivery.installation == 4_242
    assert (delivery.closed, delivery.locked) == (False, False)
    expected = {"issues": None, "pull_request": None, "pull_request_review": 98}.get(event, 99)
    assert delivery.comment_id == expected
    assert delivery.review == ("changes_requested" if event == "pull_request_review" else None)


def test_a_comment_on_a_pull_request() -> None:
    delivery = read_delivery("issue_comment", "d-1", changed("issue.pull_request", {"url": "x"}))
    assert delivery is not None
    assert delivery.thread.is_pull


def test_without_an_app_there_is_no_installation() -> None:
    delivery = read_delivery("issue_comment", "d-1", without("installation"))
    assert delivery is not None
    assert delivery.installation is None


@pytest.mark.parametrize("event", ["pull_request_review", "issues", "pull_request"])
def test_no_body_is_an_empty_one(event: str) -> None:
    delivery = read_delivery(event, "d-1", changed(f"{PARTS[event]}.body", None, EVENTS[event]))
    assert delivery is not None
    assert delivery.body == ""


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("case", ["T05"])
def test_a_closed_or_locked_thread_is_told(event: str, case: str) -> None:
    key = "pull_request" if event.startswith("pull_request") else "issue"
    payload = changed(f"{key}.locked", True, changed(f"{key}.state", "closed", EVENTS[event]))
    delivery = read_delivery(event, "d-1", payload)
    assert delivery is not None
    assert (delivery.closed, delivery.locked) == (True, True)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    "action", ["edited", "deleted", "closed", "reopened", "dismissed", "synchronize", "transferred", "resolved", ""]
)
@pytest.mark.parametrize("case", ["T05"])
def test_only_new_words_count(event: str, action: str, case: str) -> None:
    assert read_delivery(event, "d-1", {**EVENTS[event], "action": action}) is None


def silent(event: str) -> dict[str, dict[str, Any]]:
    payload, part = EVENTS[event], PARTS.get(event, "comment")
    return {
        "C05-bot": changed("sender", ROBOT, changed(f"{part}.user", ROBOT, payload)),
        "C05-bot-sends-a-persons-words": changed("sender", ROBOT, payload),
        "C05-a-bots-words": changed(f"{part}.user", ROBOT, payload),
        "C05-app": changed(f"{part}.performed_via_github_app", {"id": 1, "slug": "x"}, payload),
        "C05-mannequin": changed("sender.type", "Mannequin", payload),
        "C05-organisation": changed("sender.type", "Organization", payload),
        "C05-unknown-kind": changed("sender.type", "Robot", payload),
        "T05-another-person": changed(f"{part}.user", {**USER, "id": 9, "login": "eve"}, payload),
        "T05-same-login-other-id": changed(f"{part}.user.id", 9, payload),
        "C01-ghost-null": changed(f"{part}.user", None, payload),
        "C01-ghost-sender": changed("sender", None, payload),
        "C01-ghost-account": changed("sender", GHOST, changed(f"{part}.user", GHOST, payload)),
        "no-sender": without("sender", payload),
        "no-words": without(part, payload),
        "no-repository": without("repository", payload),
        "number-is-text": changed(
            ("pull_request" if event.startswith("pull_request") else "issue") + ".number", "12; drop", payload
        ),
        "id-is-null": changed(f"{part}.id", None, payload),
        "body-is-a-list": changed(f"{part}.body", ["/ai-help"], payload),
    }


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("case", silent("issue_comment"))
def test_everything_else_is_silence(event: str, case: str) -> None:
    assert read_delivery(event, "d-1", silent(event)[case]) is None


@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "CONTRIBUTOR", "NONE", 7, None])
@pytest.mark.parametrize("case", ["C01"])
def test_the_author_association_changes_nothing(association: object, case: str) -> None:
    assert read_delivery("issue_comment", "d-1", changed("comment.author_association", association)) == read_delivery(
        "issue_comment", "d-1", COMMENT
    )


@pytest.mark.parametrize("payload", [{}, [], None, 7, "x", {"action": "created"}], ids=repr)
@pytest.mark.parametrize("event", [*EVENTS, "push", "ping", "installation", "workflow_run", "star", ""])
def test_what_is_no_payload_is_silence(event: str, payload: object) -> None:
    assert read_delivery(event, "d-1", payload) is None
    assert read_notice(event, "d-1", payload) is None


@pytest.mark.parametrize("event", ["push", "ping", "star", "commit_comment", "discussion_comment"])
def test_other_events_hold_no_command(event: str) -> None:
    assert read_delivery(event, "d-1", COMMENT) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(EVENTS)), st.data(), JSON)
def test_no_mutation_is_an_error(event: str, data: st.DataObject, value: object) -> None:
    payload = json.loads(json.dumps(EVENTS[event]))
    place: dict[str, Any] = payload
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    delivery = read_delivery(event, "d-1", payload)
    assert delivery is None or (delivery.actor.kind == "User" and delivery.event == event)
    read_notice(event, "d-1", payload)


INSTALLED = {"action": "deleted", "installation": {"id": 4_242}, "repositories": [], "sender": USER}
PUSHED = {"ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40, "deleted": False, **AROUND}
CLOSED = {"action": "closed", "number": 12, "pull_request": {**PULL, "merged": True}, **AROUND}
RUN = {"action": "completed", "workflow_run": {"id": 5, "head_branch": "main", "conclusion": "success"}, **AROUND}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("deleted", "installation-gone"),
        ("suspend", "installation-gone"),
        ("created", "installation-back"),
        ("unsuspend", "installation-back"),
    ],
)
def test_the_app_goes_and_comes_back(action: str, kind: str) -> None:
    notice = read_notice("installation", "d-1", {**INSTALLED, "action": action})
    assert notice == Notice.model_validate({"id": "d-1", "kind": kind, "installation": 4_242})


def test_a_push_to_the_default_branch() -> None:
    notice = read_notice("push", "d-1", PUSHED)
    assert notice == Notice(id="d-1", kind="default-pushed", repo="myorg/infra", installation=4_242, branch="main")


@pytest.mark.parametrize("merged", [True, False])
def test_the_end_of_the_bots_pull_request(merged: bool) -> None:
    notice = read_notice("pull_request", "d-1", changed("pull_request.merged", merged, CLOSED))
    assert notice == Notice(
        id="d-1", kind="pull-closed", repo="myorg/infra", installation=4_242, number=12, branch="ai-provision/shop",
        merged=merged,
    )  # fmt: skip


def test_the_end_of_a_workflow() -> None:
    notice = read_notice("workflow_run", "d-1", RUN)
    assert notice is not None
    assert (notice.kind, notice.repo, notice.branch) == ("workflow-ended", "myorg/infra", "main")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("installation", {**INSTALLED, "action": "new_permissions_accepted"}),
        ("installation", without("installation", INSTALLED)),
        ("installation_repositories", {**INSTALLED, "action": "removed"}),
        ("push", changed("ref", "refs/heads/feature", PUSHED)),
        ("push", changed("ref", "refs/tags/main", PUSHED)),
        ("push", changed("deleted", True, PUSHED)),
        ("push", without("repository.default_branch", PUSHED)),
        ("pull_request", changed("action", "opened", CLOSED)),
        ("pull_request", changed("pull_request.head.ref", "feature", CLOSED)),
        ("pull_request", changed("pull_request.head.repo", {**REPOSITORY, "id": 5}, CLOSED)),
        ("pull_request", changed("pull_request.head.repo", None, CLOSED)),
        ("pull_request", without("pull_request", CLOSED)),
        ("workflow_run", changed("action", "requested", RUN)),
        ("workflow_run", without("workflow_run", RUN)),
        ("issue_comment", COMMENT),
        ("ping", {"zen": "x", **AROUND}),
    ],
    ids=[
        "permissions", "nobody", "repositories", "branch", "tag", "deleted", "no-default", "opened", "a-persons", "fork",
        "fork-deleted", "no-pull", "run-requested", "no-run", "comment", "ping",
    ],
)  # fmt: skip
def test_everything_else_is_no_notice(event: str, payload: object) -> None:
    assert read_notice(event, "d-1", payload) is None
