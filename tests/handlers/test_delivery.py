"""Which events may hold a command: new words of a person, nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.handlers.delivery import read_delivery

USER = {"login": "ada", "id": 7, "type": "User"}
COMMENT: dict[str, Any] = {
    "action": "created",
    "sender": USER,
    "repository": {"name": "infra", "owner": {"login": "myorg"}, "private": True},
    "issue": {"id": 1, "number": 12, "user": USER, "created_at": "2026-01-02T03:04:05Z", "body": "old words"},
    "comment": {"id": 99, "body": "/ai-help", "user": USER, "created_at": "2026-01-02T03:05:05Z"},
}


def changed(path: str, value: object) -> dict[str, Any]:
    payload = copy.deepcopy(COMMENT)
    *parents, last = path.split(".")
    place = payload
    for name in parents:
        place = place[name]
    place[last] = value
    return payload


def test_a_new_comment() -> None:
    delivery = read_delivery("issue_comment", "d-1", COMMENT)
    assert delivery is not None
    assert (delivery.body, delivery.comment_id, delivery.thread.full_name) == ("/ai-help", 99, "myorg/infra")
    assert (delivery.thread.number, delivery.thread.is_pull, delivery.actor.login) == (12, False, "ada")


def test_a_comment_on_a_pull_request() -> None:
    delivery = read_delivery("issue_comment", "d-1", changed("issue.pull_request", {"url": "x"}))
    assert delivery is not None
    assert delivery.thread.is_pull


@pytest.mark.parametrize(("event", "key"), [("issues", "issue"), ("pull_request", "pull_request")])
def test_the_description_of_a_new_thread(event: str, key: str) -> None:
    payload = {**COMMENT, "action": "opened", key: {**COMMENT["issue"], "body": "/ai-help"}}
    del payload["comment"]
    delivery = read_delivery(event, "d-1", payload)
    assert delivery is not None
    assert (delivery.body, delivery.comment_id) == ("/ai-help", None)


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("issue_comment", changed("action", "edited")),
        ("issue_comment", changed("action", "deleted")),
        ("issues", changed("action", "closed")),
        ("issue_comment", changed("sender", {**USER, "type": "Bot"})),
        ("issue_comment", changed("comment.performed_via_github_app", {"id": 1})),
        ("issue_comment", changed("comment.user", {**USER, "id": 8})),
        ("push", COMMENT),
        ("issue_comment", {}),
        ("issue_comment", []),
        ("issue_comment", None),
        ("issue_comment", changed("comment.created_at", "yesterday")),
        ("issue_comment", changed("issue.number", "12; drop")),
    ],
    ids=[
        "edited", "deleted", "closed", "C05-bot", "C05-app", "edited-by-another", "push", "empty", "list", "null",
        "no-time", "no-number",
    ],
)  # fmt: skip
def test_everything_else_is_silence(event: str, payload: object) -> None:
    assert read_delivery(event, "d-1", payload) is None
