"""A delivery of the size and shape that GitHub sends for a comment: about ten kilobytes, most of them addresses."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

SECRET: Final = "a secret of the benchmark"  # noqa: S105 - guards nothing
_API: Final = "https://api.github.com"
_COMMENT: Final = """/ai-provision

git_repo: "https://github.com/myorg/supermarket-inventory"
app_description: "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency"
"""
_USER_LINKS: Final = (
    "followers", "following{/other_user}", "gists{/gist_id}", "starred{/owner}{/repo}", "subscriptions", "orgs",
    "repos", "events{/privacy}", "received_events",
)  # fmt: skip
_REPOSITORY_LINKS: Final = (
    "forks", "keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks", "issues/events{/number}", "events",
    "assignees{/user}", "branches{/branch}", "tags", "git/blobs{/sha}", "git/tags{/sha}", "git/refs{/sha}",
    "git/trees{/sha}", "statuses/{sha}", "languages", "stargazers", "contributors", "subscribers", "subscription",
    "commits{/sha}", "git/commits{/sha}", "comments{/number}", "issues/comments{/number}", "contents/{+path}",
    "compare/{base}...{head}", "merges", "{archive_format}{/ref}", "downloads", "issues{/number}", "pulls{/number}",
    "milestones{/number}", "notifications{?since,all,participating}", "labels{/name}", "releases{/id}", "deployments",
)  # fmt: skip


def delivery() -> bytes:
    """The raw body."""
    repository = _repository()
    issue = f"{repository['url']}/issues/42"
    said = {"user": _user("ada", 1), "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z"}
    document = {
        "action": "created",
        "issue": {
            **said,
            **{f"{name}_url": f"{issue}/{name}" for name in ("labels", "comments", "events", "timeline")},
            "url": issue,
            "id": 900_000,
            "number": 42,
            "title": "Infrastructure for the inventory",
            "state": "open",
            "body": "We need a place for it. " * 100,
            "reactions": dict.fromkeys(("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"), 0),
        },
        "comment": {**said, "id": 1_000_000, "url": f"{issue}/comments/1000000", "body": _COMMENT},
        "repository": repository,
        "organization": {"login": "myorg", "id": 3, "url": f"{_API}/orgs/myorg"},
        "sender": _user("ada", 1),
        "installation": {"id": 4711, "node_id": "MDIzOkludGVncmF0aW9u"},
    }
    return json.dumps(document).encode()


def signature(body: bytes) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def _user(login: str, number: int) -> dict[str, Any]:
    url = f"{_API}/users/{login}"
    links = {f"{link.split('{')[0]}_url": f"{url}/{link}" for link in _USER_LINKS}
    return {"login": login, "id": number, "type": "User", "url": url, "html_url": url, **links, "site_admin": False}


def _repository() -> dict[str, Any]:
    url = f"{_API}/repos/myorg/infrastructure"
    links = {f"{link.split('{')[0]}_url": f"{url}/{link}" for link in _REPOSITORY_LINKS}
    return {
        "id": 7,
        "name": "infrastructure",
        "full_name": "myorg/infrastructure",
        "private": True,
        "owner": _user("myorg", 3),
        "description": "What our applications run on. " * 4,
        "url": url,
        **links,
        "default_branch": "main",
        "topics": ["gitops", "proxmox", "kubernetes", "terraform"],
    }
