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
from typing import Any

import requests

from bot.emulators.github import shapes
from bot.emulators.github.state import Account, Comment, Issue, Repository

TIMEOUT = 10.0
"""Seconds that GitHub waits for an answer."""

INSTALLATION = 4_242


def sign(secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send(url: str, event: str, payload: Mapping[str, Any], *, secret: str, delivery: str | None = None) -> int:
    """POST one delivery; returns the status of the answer."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/emulator",
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "1",
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature-256": sign(secret, body),
    }
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False).status_code


def comment_created(repo: Repository, issue: Issue, comment: Comment, base: str) -> dict[str, Any]:
    """The payload of ``issue_comment`` / ``created``."""
    return {
        "action": "created",
        "issue": shapes.issue(repo, issue, base),
        "comment": shapes.comment(repo, issue, comment, base),
        **_common(repo, comment.account, base),
    }


def issue_opened(repo: Repository, issue: Issue, base: str) -> dict[str, Any]:
    """The payload of ``issues`` / ``opened``."""
    return {"action": "opened", "issue": shapes.issue(repo, issue, base), **_common(repo, issue.account, base)}


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
