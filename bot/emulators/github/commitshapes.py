"""JSON of commits, changed files and comparisons, as GitHub writes it.

In: facts of git. Out: JSON data, and the payload of ``push``. Never: state that changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.emulators.github import history, shapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.history import Change
from bot.emulators.github.state import Repository, World

_PUSHED = 50
"""Commits that a ``push`` names here; GitHub stops at 2,048."""

_NONE = "0" * 40


def commit(world: World, repo: Repository, facts: dict[str, str], base: str) -> dict[str, Any]:
    """One commit of a list."""
    sha, url = facts["sha"], f"{base}/repos/{repo.full_name}"
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "commit": {
            "author": _person(facts, "author"),
            "committer": _person(facts, "committer"),
            "message": facts["message"],
            "tree": {"sha": facts["tree"], "url": f"{url}/git/trees/{facts['tree']}"},
            "url": f"{url}/git/commits/{sha}",
            "comment_count": 0,
            "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
        },
        "url": f"{url}/commits/{sha}",
        "html_url": f"{base}/{repo.full_name}/commit/{sha}",
        "author": _account(world, facts["author"], base),
        "committer": _account(world, facts["committer"], base),
        "parents": [{"sha": one, "url": f"{url}/commits/{one}"} for one in facts["parents"].split()],
    }


def full_commit(world: World, repo: Repository, facts: dict[str, str], base: str) -> dict[str, Any]:
    """One commit with its files against its first parent."""
    found = history.changes(repo.path, history.parent_of(repo.path, facts["sha"]), facts["sha"])
    more, less = sum(item.additions for item in found), sum(item.deletions for item in found)
    files = [file(repo, item, facts["sha"], base) for item in found[: history.SHOWN_FILES]]
    stats = {"total": more + less, "additions": more, "deletions": less}
    return {**commit(world, repo, facts, base), "stats": stats, "files": files}


def file(repo: Repository, item: Change, sha: str, base: str) -> dict[str, Any]:
    """One changed file."""
    shown = {
        "sha": item.blob,
        "filename": item.path,
        "status": item.status,
        "additions": item.additions,
        "deletions": item.deletions,
        "changes": item.additions + item.deletions,
        "blob_url": f"{base}/{repo.full_name}/blob/{sha}/{item.path}",
        "raw_url": f"{base}/{repo.full_name}/raw/{sha}/{item.path}",
        "contents_url": f"{base}/repos/{repo.full_name}/contents/{item.path}?ref={sha}",
    }
    shown |= {} if item.patch is None else {"patch": item.patch}
    return shown | ({} if item.previous is None else {"previous_filename": item.previous})


def pushed(
    world: World, repo: Repository, branch: str, *, before: str, after: str, sender: Account, base: str
) -> dict[str, Any]:
    """The payload of ``push``; an empty ``before`` is a new branch, an empty ``after`` a deleted one."""
    made = _made(repo, branch, before, after)
    commits = [_pushed_commit(world, repo, facts, base) for facts in made[-_PUSHED:]]
    head = _pushed_commit(world, repo, history.facts(repo.path, after), base) if after else None
    forced = bool(before and after) and not history.is_ancestor(repo.path, before, after)
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or _NONE,
        "after": after or _NONE,
        "base_ref": None,
        "created": not before,
        "deleted": not after,
        "forced": forced,
        "compare": f"{base}/{repo.full_name}/compare/{before[:12]}...{after[:12]}",
        "commits": commits,
        "head_commit": head,
        "pusher": {"name": sender.login, "email": f"{sender.login}@example.invalid"},
    }


def _made(repo: Repository, branch: str, before: str, after: str) -> list[dict[str, str]]:
    """The commits that a push brings, oldest first."""
    if not after:
        return []
    if before:
        return history.log(repo.path, f"{before}..{after}", limit=2_048)
    known = history.resolve(repo.path, repo.default_branch) if branch != repo.default_branch else None
    return history.log(repo.path, f"{known}..{after}" if known else after, limit=2_048)


def _pushed_commit(world: World, repo: Repository, facts: dict[str, str], base: str) -> dict[str, Any]:
    found = history.changes(repo.path, history.parent_of(repo.path, facts["sha"]), facts["sha"])
    moved = [item.previous for item in found if item.previous and item.status == "renamed"]
    return {
        "id": facts["sha"],
        "tree_id": facts["tree"],
        "distinct": True,
        "message": facts["message"],
        "timestamp": facts["committer_date"],
        "url": f"{base}/{repo.full_name}/commit/{facts['sha']}",
        "author": _pusher(world, facts, "author"),
        "committer": _pusher(world, facts, "committer"),
        "added": [item.path for item in found if item.status in {"added", "renamed", "copied"}],
        "removed": [*(item.path for item in found if item.status == "removed"), *moved],
        "modified": [item.path for item in found if item.status in {"modified", "changed"}],
    }


def _person(facts: dict[str, str], role: str) -> dict[str, Any]:
    date = datetime.fromisoformat(facts[f"{role}_date"]).astimezone(UTC)
    return {"name": facts[role], "email": facts[f"{role}_email"], "date": shapes.moment(date)}


def _pusher(world: World, facts: dict[str, str], role: str) -> dict[str, Any]:
    shown = {"name": facts[role], "email": facts[f"{role}_email"], "date": facts[f"{role}_date"]}
    known = world.accounts.get(facts[role].lower())
    return {**shown, "username": known.login} if known else shown


def _account(world: World, name: str, base: str) -> dict[str, Any] | None:
    """The account of a name; None when the address belongs to nobody here."""
    known = world.accounts.get(name.lower())
    return shapes.account(known, base) if known else None
