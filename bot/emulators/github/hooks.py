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

from bot.emulators.github import shapes, workshapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.state import Comment, Issue, Label, Repository, Review
from bot.emulators.github.workstate import CommitStatus, Deployment, DeploymentStatus, Run

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
        **common(repo, sender, base),
    }


def issue_opened(repo: Repository, issue: Issue, base: str) -> dict[str, Any]:
    """The payload of ``issues`` / ``opened``."""
    return issue_event(repo, issue, "opened", issue.account, base)


def issue_event(repo: Repository, issue: Issue, action: str, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``issues``."""
    return {"action": action, "issue": shapes.issue(repo, issue, base), **common(repo, sender, base)}


def review_submitted(repo: Repository, issue: Issue, review: Review, base: str) -> dict[str, Any]:
    """The payload of ``pull_request_review`` / ``submitted``."""
    return review_event(repo, issue, review, "submitted", base)


def review_event(repo: Repository, issue: Issue, review: Review, action: str, base: str) -> dict[str, Any]:
    """The payload of ``pull_request_review`` / ``submitted`` or ``dismissed``."""
    shown = {**shapes.review(repo, issue, review, base), "state": review.state}
    return {**pull_event(repo, issue, action, review.account, base), "review": shown}


def review_commented(repo: Repository, issue: Issue, comment: Comment, base: str) -> dict[str, Any]:
    """The payload of ``pull_request_review_comment`` / ``created``."""
    shown = shapes.review_comment(repo, issue, comment, base)
    return {**pull_event(repo, issue, "created", comment.account, base), "comment": shown}


def pull_event(repo: Repository, issue: Issue, action: str, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``pull_request``: ``opened``, ``closed``, ``synchronize`` and so on."""
    pull = shapes.pull(repo, issue, issue.pull, base) if issue.pull else {}
    return {"action": action, "number": issue.number, "pull_request": pull, **common(repo, sender, base)}


def labelled(repo: Repository, issue: Issue, item: Label, action: str, *, sender: Account, base: str) -> dict[str, Any]:
    """The payload of ``issues`` or ``pull_request`` / ``labeled`` or ``unlabeled``."""
    shape = pull_event if issue.pull else issue_event
    return {**shape(repo, issue, action, sender, base), "label": shapes.label(repo, item, base)}


def status_set(repo: Repository, item: CommitStatus, base: str) -> dict[str, Any]:
    """The payload of ``status``."""
    shown = workshapes.commit_status(repo, item, base)
    return {**shown, "sha": item.sha, "name": repo.full_name, **common(repo, item.creator, base)}


def deployed(repo: Repository, item: Deployment, base: str) -> dict[str, Any]:
    """The payload of ``deployment`` / ``created``."""
    shown = workshapes.deployment(repo, item, base)
    return {"action": "created", "deployment": shown, **common(repo, item.creator, base)}


def deployment_told(repo: Repository, of: Deployment, item: DeploymentStatus, base: str) -> dict[str, Any]:
    """The payload of ``deployment_status`` / ``created``."""
    shown = workshapes.deployment_status(repo, of, item, base)
    return {**deployed(repo, of, base), "deployment_status": shown, **common(repo, item.creator, base)}


def run_event(repo: Repository, item: Run, action: str, base: str) -> dict[str, Any]:
    """The payload of ``workflow_run`` / ``requested``, ``in_progress`` or ``completed``."""
    number = repo.work.workflows[item.path]
    return {
        "action": action,
        "workflow_run": workshapes.run(repo, item, base),
        "workflow": workshapes.workflow(repo, number, item.path, item.name, base),
        **common(repo, item.actor, base),
    }


def common(repo: Repository, sender: Account, base: str) -> dict[str, Any]:
    """What every payload ends with."""
    return {
        "repository": shapes.repository(repo, base),
        "sender": shapes.account(sender, base),
        "installation": {"id": INSTALLATION, "node_id": f"I_{INSTALLATION}"},
    }
