"""JSON as GitHub writes it, for the fields that clients read.

In: records and the address of this server. Out: JSON data. Never: state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.emulators.github.accounts import GHOST, Account
from bot.emulators.github.state import Comment, Issue, Label, Pull, Reaction, Repository, Review, Role, at_least

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def moment(value: datetime | None) -> str | None:
    """``2026-01-31T12:00:00Z``."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def account(who: Account, base: str) -> dict[str, Any]:
    """A user."""
    return {
        "login": who.login,
        "id": who.id,
        "node_id": f"U_{who.id}",
        "type": who.kind,
        "site_admin": False,
        "url": f"{base}/users/{who.login}",
        "html_url": f"{base}/{who.login}",
    }


def author(who: Account, base: str) -> dict[str, Any] | None:
    """Whoever wrote something; None when they deleted their account."""
    return None if who == GHOST else account(who, base)


def repository(repo: Repository, base: str) -> dict[str, Any]:
    """A repository."""
    return {
        "id": repo.id,
        "node_id": f"R_{repo.id}",
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": {"login": repo.owner, "id": repo.id + 1, "type": "Organization"},
        "html_url": f"{base}/{repo.full_name}",
        "url": f"{base}/repos/{repo.full_name}",
        "clone_url": f"{base}/{repo.full_name}.git",
        "git_url": f"git://{base.split('//')[1]}/{repo.full_name}.git",
        "default_branch": repo.default_branch,
        "archived": False,
        "disabled": False,
        "fork": False,
        "visibility": "private" if repo.private else "public",
    }


def permission(repo: Repository, who: Account, base: str) -> dict[str, Any]:
    """The answer of the collaborator permission call, with the old four-step word and the role's name."""
    role = repo.role(who.login)
    old = {"maintain": "write", "triage": "read"}.get(role, role)
    steps: dict[str, Role] = {
        "pull": "read",
        "triage": "triage",
        "push": "write",
        "maintain": "maintain",
        "admin": "admin",
    }
    allowed = {step: at_least(role, needed) for step, needed in steps.items()}
    return {"permission": old, "role_name": role, "user": {**account(who, base), "permissions": allowed}}


def reaction(item: Reaction, base: str) -> dict[str, Any]:
    """One reaction."""
    return {"id": item.id, "user": author(item.account, base), "content": item.content}


def _reactions(items: list[Reaction]) -> dict[str, Any]:
    counts = {name: sum(item.content == name for item in items) for name in REACTIONS}
    return {"total_count": len(items), **counts}


def comment(repo: Repository, issue: Issue, item: Comment, base: str) -> dict[str, Any]:
    """One comment."""
    page = "pull" if issue.pull else "issues"
    return {
        "id": item.id,
        "node_id": f"IC_{item.id}",
        "url": f"{base}/repos/{repo.full_name}/issues/comments/{item.id}",
        "issue_url": f"{base}/repos/{repo.full_name}/issues/{issue.number}",
        "html_url": f"{base}/{repo.full_name}/{page}/{issue.number}#issuecomment-{item.id}",
        "user": author(item.account, base),
        "body": item.body,
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "author_association": association(repo, item.account),
        "performed_via_github_app": {"id": item.account.id} if item.account.kind == "Bot" else None,
        "reactions": _reactions(item.reactions),
    }


def association(repo: Repository, who: Account) -> str:
    """What GitHub calls the author; no source of authorisation: a private member is a CONTRIBUTOR."""
    if who.login.lower() in repo.associations:
        return repo.associations[who.login.lower()]
    if who.login.lower() == repo.owner.lower():
        return "OWNER"
    return "COLLABORATOR" if at_least(repo.role(who.login), "triage") else "NONE"


def issue(repo: Repository, item: Issue, base: str) -> dict[str, Any]:
    """One issue; pull requests are issues with a ``pull_request`` key."""
    page = "pull" if item.pull else "issues"
    shown = {
        "id": item.id,
        "node_id": f"I_{item.id}",
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "state": item.state,
        "locked": item.locked,
        "user": author(item.account, base),
        "labels": [label(repo, one, base) for one in item.labels],
        "assignees": [],
        "comments": len(item.comments),
        "author_association": association(repo, item.account),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "url": f"{base}/repos/{repo.full_name}/issues/{item.number}",
        "html_url": f"{base}/{repo.full_name}/{page}/{item.number}",
        "repository_url": f"{base}/repos/{repo.full_name}",
        "reactions": _reactions(item.reactions),
    }
    if item.pull is None:
        return shown
    return {**shown, "pull_request": {"url": f"{base}/repos/{repo.full_name}/pulls/{item.number}"}}


def pull(repo: Repository, item: Issue, made: Pull, base: str) -> dict[str, Any]:
    """One pull request."""
    return {
        "id": item.id,
        "node_id": f"PR_{item.id}",
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "state": item.state,
        "locked": item.locked,
        "draft": made.draft,
        "merged": made.merged_at is not None,
        "merged_at": moment(made.merged_at),
        "merge_commit_sha": made.merge_sha,
        "merged_by": account(made.merged_by, base) if made.merged_by else None,
        "closed_at": moment(item.updated_at) if item.state == "closed" else None,
        "author_association": association(repo, item.account),
        **_around(repo, item, made, base),
        "user": author(item.account, base),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "maintainer_can_modify": False,
        "url": f"{base}/repos/{repo.full_name}/pulls/{item.number}",
        "html_url": f"{base}/{repo.full_name}/pull/{item.number}",
        "issue_url": f"{base}/repos/{repo.full_name}/issues/{item.number}",
        "diff_url": f"{base}/{repo.full_name}/pull/{item.number}.diff",
        "head": _end(made.fork or repo, made.head, made.head_sha, base, gone=made.fork_gone),
        "base": _end(repo, made.base, made.base_sha, base),
    }


def _around(repo: Repository, item: Issue, made: Pull, base: str) -> dict[str, Any]:
    """Labels and the people who were asked."""
    return {
        "labels": [label(repo, one, base) for one in item.labels],
        "assignees": [],
        "requested_reviewers": [account(one, base) for one in made.reviewers],
        "requested_teams": [],
    }


def label(repo: Repository, one: Label, base: str) -> dict[str, Any]:
    """One label."""
    return {
        "id": one.id,
        "node_id": f"LA_{one.id}",
        "name": one.name,
        "color": one.color,
        "description": one.description,
        "default": False,
        "url": f"{base}/repos/{repo.full_name}/labels/{one.name}",
    }


def review(repo: Repository, item: Issue, one: Review, base: str) -> dict[str, Any]:
    """One review. REST writes the state in capitals, a webhook in small letters."""
    return {
        "id": one.id,
        "node_id": f"PRR_{one.id}",
        "user": author(one.account, base),
        "body": one.body or None,
        "state": one.state.upper(),
        "submitted_at": moment(one.submitted_at),
        "commit_id": one.commit_sha or (item.pull.head_sha if item.pull else None),
        "author_association": association(repo, one.account),
        "html_url": f"{base}/{repo.full_name}/pull/{item.number}#pullrequestreview-{one.id}",
        "pull_request_url": f"{base}/repos/{repo.full_name}/pulls/{item.number}",
    }


def review_comment(repo: Repository, item: Issue, one: Comment, base: str) -> dict[str, Any]:
    """One comment on a line of a pull request."""
    return {
        "id": one.id,
        "node_id": f"PRRC_{one.id}",
        "url": f"{base}/repos/{repo.full_name}/pulls/comments/{one.id}",
        "pull_request_url": f"{base}/repos/{repo.full_name}/pulls/{item.number}",
        "html_url": f"{base}/{repo.full_name}/pull/{item.number}#discussion_r{one.id}",
        "user": author(one.account, base),
        "body": one.body,
        "path": "README.md",
        "diff_hunk": "@@ -1 +1 @@",
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "author_association": association(repo, one.account),
        "reactions": _reactions(one.reactions),
    }


def git_commit(repo: Repository, sha: str, facts: Mapping[str, str], base: str) -> dict[str, Any]:
    """One commit of the git database."""
    return {
        "sha": sha,
        "url": f"{base}/repos/{repo.full_name}/git/commits/{sha}",
        "tree": {"sha": facts["tree"]},
        "message": facts["message"],
        **{
            role: {
                "name": facts[role],
                "email": facts[f"{role}_email"],
                "date": moment(datetime.fromisoformat(facts[f"{role}_date"]).astimezone(UTC)),
            }
            for role in ("author", "committer")
        },
    }


def _end(repo: Repository, ref: str, sha: str, base: str, *, gone: bool = False) -> dict[str, Any]:
    return {"label": f"{repo.owner}:{ref}", "ref": ref, "sha": sha, "repo": None if gone else repository(repo, base)}
