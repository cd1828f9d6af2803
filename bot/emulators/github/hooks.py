"""Signed webhooks, as GitHub sends them.

In: an event and its payload. Out: one POST with delivery id, event name and signature. Never: a repetition (GitHub does
not redeliver by itself).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import requests

from bot.emulators.github import shapes
from bot.emulators.github.state import Account, Comment, Issue, Repository, Review

TIMEOUT = 10.0
"""Seconds that GitHub waits for an answer."""

INSTALLATION = 4_242


def sign(secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send(
    url: str,
    event: str,
    payload: Mapping[str, Any],
    *,
    secret: str,
    delivery: str | None = None,
    target: Literal["repository", "integration"] = "repository",
) -> int:
    """POST one delivery; returns the status of the answer. ``target`` says whose webhook it is."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/emulator",
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "1",
        "X-GitHub-Hook-Installation-Target-Type": target,
        "X-Hub-Signature-256": sign(secret, body),
    }
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False).status_code


def comment_created(repo: Repository, issue: Issue, comment: Comment, base: str) -> dict[str, Any]:
    """The payload of ``issue_comment`` / ``created``."""
    return comment_event(repo, issue, comment, "created", sender=comment.account, base=base)


def comment_event(
    repo: Repository, issue: Issue, comment: Comment, action: str, *, sender: Account, base: str
) -> dict[str, Any]:
    """The payload of ``issue_comment`` / ``created``, ``edited`` or ``deleted``."""
    return {
        "action": action,
        "issue": shapes.issue(repo, issue, base),
        "comment": shapes.comment(repo, issue, comment, base),
        **_common(repo, sender, base),
    }


def issue_opened(repo: Repository, issue: Issue, base: str) -> dict[str, Any]:
    """The payload of ``issues`` / ``opened``."""
    return issue_event(repo, issue, "opened", issue.account, base)


def issue_event(repo: Repository, issue: Issue, action: str, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``issues``."""
    return {"action": action, "issue": shapes.issue(repo, issue, base), **_common(repo, sender, base)}


def review_submitted(repo: Repository, issue: Issue, review: Review, base: str) -> dict[str, Any]:
    """The payload of ``pull_request_review`` / ``submitted``."""
    shown = {**shapes.review(repo, issue, review, base), "state": review.state}
    return {**pull_event(repo, issue, "submitted", review.account, base), "review": shown}


def review_commented(repo: Repository, issue: Issue, comment: Comment, base: str) -> dict[str, Any]:
    """The payload of ``pull_request_review_comment`` / ``created``."""
    shown = shapes.review_comment(repo, issue, comment, base)
    return {**pull_event(repo, issue, "created", comment.account, base), "comment": shown}


def pushed(repo: Repository, branch: str, *, before: str, after: str, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``push``."""
    none = "0" * 40
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or none,
        "after": after,
        "created": not before,
        "deleted": False,
        "forced": False,
        "pusher": {"name": sender.login, "email": f"{sender.login}@example.invalid"},
        **_common(repo, sender, base),
    }


def pull_event(repo: Repository, issue: Issue, action: str, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``pull_request`` / ``opened`` or ``closed``."""
    pull = shapes.pull(repo, issue, issue.pull, base) if issue.pull else {}
    return {"action": action, "number": issue.number, "pull_request": pull, **_common(repo, sender, base)}


def _common(repo: Repository, sender: Account, base: str) -> dict[str, Any]:
    return {
        "repository": shapes.repository(repo, base),
        "sender": shapes.account(sender, base),
        "installation": {"id": INSTALLATION, "node_id": f"I_{INSTALLATION}"},
    }
