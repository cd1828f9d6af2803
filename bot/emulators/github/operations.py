"""What each REST call does: one function per call, one closed table.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never:
HTTP, limits, faults (the server adds them).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.github import gitstore, shapes
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.site import Site
from bot.emulators.github.state import Account, Comment, Issue, Pull, Reaction, Repository, Role, Token, at_least

BODY_LIMIT = 65_536
_INLINE = 1_000_000
"""Bytes above which the contents call leaves the content out."""


@dataclass(frozen=True)
class Call:
    """One authenticated call."""

    site: Site
    token: Token
    params: Mapping[str, str]
    query: Mapping[str, str]
    data: Mapping[str, Any]
    accept: str
    base: str

    def repo(self, needed: Role = "read") -> Repository:
        """The repository, if the caller may see it and has the role. Raises ApiError(403, 404)."""
        found = self.site.world.repository(f"{self.params['owner']}/{self.params['name']}")
        if found is None or not self.site.visible(found, self.token):
            raise not_found()
        if not at_least(found.role(self.token.account.login), needed):
            raise ApiError(403, "Must have push access to repository.")
        return found

    def issue(self, repo: Repository) -> Issue:
        """The issue or pull request of the path."""
        found = repo.issues.get(int(self.params["number"]))
        if found is None:
            raise not_found()
        return found

    def comment(self, repo: Repository) -> tuple[Issue, Comment]:
        """The comment of the path with its issue."""
        found = self.site.world.comment(repo, int(self.params["comment"]))
        if found is None:
            raise not_found()
        return found

    def text(self, name: str, resource: str, *, required: bool = True) -> str:
        """A string field of the body."""
        value = self.data.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            raise invalid(resource, field_name=name, code="missing_field")
        return value


def get_user(call: Call) -> Reply:
    """``GET /user``: not for an App's installation token."""
    if call.token.account.kind == "Bot":
        raise ApiError(403, "Resource not accessible by integration")
    return Reply(shapes.account(call.token.account, call.base))


def get_named_user(call: Call) -> Reply:
    """``GET /users/{login}``."""
    return Reply(shapes.account(_account(call), call.base))


def _account(call: Call) -> Account:
    found = call.site.world.accounts.get(call.params["login"].lower())
    if found is None:
        raise not_found()
    return found


def get_rate_limit(call: Call) -> Reply:
    """``GET /rate_limit``."""
    return Reply({"resources": {"core": {"limit": call.site.limits.per_hour}}})


def get_repo(call: Call) -> Reply:
    """``GET /repos/{owner}/{name}``."""
    return Reply(shapes.repository(call.repo(), call.base))


def get_permission(call: Call) -> Reply:
    """``GET …/collaborators/{login}/permission``."""
    repo = call.repo()
    return Reply(shapes.permission(repo, _account(call), call.base))


def get_contents(call: Call) -> Reply:
    """``GET …/contents/{path}``: a file (base64, up to 1 MB) or a folder's entries."""
    repo, path = call.repo(), call.params["path"].strip("/")
    sha = _commit(repo, call.query.get("ref") or repo.default_branch)
    entry = gitstore.entry(repo.path, sha, path) if path else ("tree", "")
    if entry is None:
        raise not_found()
    kind, blob = entry
    if kind != "blob":
        rows = gitstore.names(repo.path, sha, path)
        return Reply(
            [_content(repo, found, "file" if kind == "blob" else "dir", sha, call) for kind, sha, found in rows]
        )
    content = gitstore.blob(repo.path, blob)
    large = len(content) > _INLINE
    return Reply(
        {
            **_content(repo, path, "file", blob, call),
            "size": len(content),
            "encoding": "none" if large else "base64",
            "content": "" if large else base64.encodebytes(content).decode(),
        }
    )


def _content(repo: Repository, path: str, kind: str, sha: str, call: Call) -> dict[str, Any]:
    url = f"{call.base}/repos/{repo.full_name}/contents/{path}"
    return {"type": kind, "path": path, "name": path.rsplit("/", 1)[-1], "sha": sha, "url": url}


def _commit(repo: Repository, ref: str) -> str:
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}"):
        sha = gitstore.ref(repo.path, name)
        if sha:
            return sha
    raise ApiError(404, f"No commit found for the ref {ref}")


def get_ref(call: Call) -> Reply:
    """``GET …/git/ref/{ref}``."""
    repo = call.repo()
    sha = gitstore.ref(repo.path, f"refs/{call.params['ref']}")
    if sha is None:
        raise not_found()
    return Reply({"ref": f"refs/{call.params['ref']}", "object": {"type": "commit", "sha": sha}})


def get_branch(call: Call) -> Reply:
    """``GET …/branches/{branch}``."""
    repo = call.repo()
    sha = gitstore.ref(repo.path, f"refs/heads/{call.params['branch']}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    return Reply({"name": call.params["branch"], "commit": {"sha": sha}, "protected": False})


def get_issue(call: Call) -> Reply:
    """``GET …/issues/{number}``."""
    repo = call.repo()
    return Reply(shapes.issue(repo, call.issue(repo), call.base))


def list_comments(call: Call) -> Reply:
    """``GET …/issues/{number}/comments``, oldest first."""
    repo = call.repo()
    issue = call.issue(repo)
    return Reply([shapes.comment(repo, issue, item, call.base) for item in issue.comments])


def get_comment(call: Call) -> Reply:
    """``GET …/issues/comments/{comment}``."""
    repo = call.repo()
    return Reply(shapes.comment(repo, *call.comment(repo), call.base))


def create_comment(call: Call) -> Reply:
    """``POST …/issues/{number}/comments``."""
    repo = call.repo()
    issue = call.issue(repo)
    if issue.locked and not at_least(repo.role(call.token.account.login), "write"):
        raise ApiError(403, "Unable to create comment because issue is locked.")
    body = _short(call.text("body", "IssueComment"), "IssueComment")
    item = call.site.store_comment(issue, call.token.account, body)
    return Reply(shapes.comment(repo, issue, item, call.base), 201)


def edit_comment(call: Call) -> Reply:
    """``PATCH …/issues/comments/{comment}``."""
    repo = call.repo()
    issue, item = call.comment(repo)
    if item.account != call.token.account and not at_least(repo.role(call.token.account.login), "write"):
        raise ApiError(403, "Must have admin rights to Repository.")
    item.body = _short(call.text("body", "IssueComment"), "IssueComment")
    item.updated_at = call.site.clock.now()
    return Reply(shapes.comment(repo, issue, item, call.base))


def _short(body: str, resource: str) -> str:
    if len(body) > BODY_LIMIT:
        message = f"Body is too long (maximum is {BODY_LIMIT} characters)"
        raise invalid(resource, field_name="body", code="unprocessable", message=message)
    return body


def react_to_issue(call: Call) -> Reply:
    """``POST …/issues/{number}/reactions``."""
    return _react(call, call.issue(call.repo()).reactions)


def react_to_comment(call: Call) -> Reply:
    """``POST …/issues/comments/{comment}/reactions``."""
    return _react(call, call.comment(call.repo())[1].reactions)


def _react(call: Call, reactions: list[Reaction]) -> Reply:
    content = call.data.get("content")
    if content not in shapes.REACTIONS:
        raise invalid("Reaction", field_name="content", code="invalid")
    for item in reactions:
        if item.account == call.token.account and item.content == content:
            return Reply(shapes.reaction(item, call.base))
    item = Reaction(call.site.next_id(), call.token.account, content)
    reactions.append(item)
    return Reply(shapes.reaction(item, call.base), 201)


def list_issue_reactions(call: Call) -> Reply:
    """``GET …/issues/{number}/reactions``."""
    return Reply([shapes.reaction(item, call.base) for item in call.issue(call.repo()).reactions])


def list_comment_reactions(call: Call) -> Reply:
    """``GET …/issues/comments/{comment}/reactions``."""
    return Reply([shapes.reaction(item, call.base) for item in call.comment(call.repo())[1].reactions])


def list_pulls(call: Call) -> Reply:
    """``GET …/pulls`` with ``state``, ``head`` and ``base``, newest first."""
    repo = call.repo()
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    shown = []
    for issue in sorted(repo.issues.values(), key=lambda item: -item.number):
        pull = call.site.refreshed(repo, issue)
        if pull is None or state not in {"all", issue.state} or base not in {None, pull.base}:
            continue
        if head is None or head.lower() == f"{repo.owner}:{pull.head}".lower():
            shown.append(shapes.pull(repo, issue, pull, call.base))
    return Reply(shown)


def get_pull(call: Call) -> Reply:
    """``GET …/pulls/{number}``; the diff when that is asked for."""
    repo = call.repo()
    issue, pull = _pull(call, repo)
    if "diff" in call.accept:
        return Reply(text=call.site.diff(repo, issue), media="application/vnd.github.diff; charset=utf-8")
    return Reply(shapes.pull(repo, issue, pull, call.base))


def _pull(call: Call, repo: Repository) -> tuple[Issue, Pull]:
    issue = call.issue(repo)
    pull = call.site.refreshed(repo, issue)
    if pull is None:
        raise not_found()
    return issue, pull


def create_pull(call: Call) -> Reply:
    """``POST …/pulls``."""
    repo = call.repo("write")
    head, base = call.text("head", "PullRequest"), call.text("base", "PullRequest")
    title, body = call.text("title", "PullRequest"), call.text("body", "PullRequest", required=False)
    if len(title) > 256:
        raise invalid("PullRequest", field_name="title", message="title is too long (maximum is 256 characters)")
    issue = call.site.open_pull(
        repo,
        call.token.account,
        title=title,
        body=_short(body, "Issue"),
        head=head.removeprefix(f"{repo.owner}:"),
        base=base,
        draft=call.data.get("draft") is True,
    )
    return Reply(shapes.pull(repo, issue, _made(issue), call.base), 201)


def _made(issue: Issue) -> Pull:
    if issue.pull is None:
        raise not_found()
    return issue.pull


def edit_pull(call: Call) -> Reply:
    """``PATCH …/pulls/{number}``: title, body, state."""
    repo = call.repo("write")
    issue, pull = _pull(call, repo)
    if "title" in call.data:
        issue.title = call.text("title", "PullRequest")
    if "body" in call.data:
        issue.body = _short(call.text("body", "PullRequest", required=False), "Issue")
    if call.data.get("state") in {"open", "closed"}:
        issue.state = "open" if call.data["state"] == "open" else "closed"
    issue.updated_at = call.site.clock.now()
    return Reply(shapes.pull(repo, issue, pull, call.base))


@dataclass(frozen=True)
class Operation:
    """One call of the API and the token permission it needs."""

    method: str
    path: str
    act: Callable[[Call], Reply]
    permission: tuple[str, str] = ("metadata", "read")
    creates: bool = False


_R = "/repos/{owner}/{name}"

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/user", get_user),
    Operation("GET", "/users/{login}", get_named_user),
    Operation("GET", "/rate_limit", get_rate_limit),
    Operation("GET", _R, get_repo),
    Operation("GET", _R + "/collaborators/{login}/permission", get_permission),
    Operation("GET", _R + "/contents/{path:path}", get_contents, ("contents", "read")),
    Operation("GET", _R + "/contents", get_contents, ("contents", "read")),
    Operation("GET", _R + "/git/ref/{ref:path}", get_ref, ("contents", "read")),
    Operation("GET", _R + "/git/refs/{ref:path}", get_ref, ("contents", "read")),
    Operation("GET", _R + "/branches/{branch:path}", get_branch, ("contents", "read")),
    Operation("GET", _R + "/issues/comments/{comment:int}", get_comment, ("issues", "read")),
    Operation("PATCH", _R + "/issues/comments/{comment:int}", edit_comment, ("issues", "write")),
    Operation("GET", _R + "/issues/comments/{comment:int}/reactions", list_comment_reactions, ("issues", "read")),
    Operation("POST", _R + "/issues/comments/{comment:int}/reactions", react_to_comment, ("issues", "write")),
    Operation("GET", _R + "/issues/{number:int}", get_issue, ("issues", "read")),
    Operation("GET", _R + "/issues/{number:int}/comments", list_comments, ("issues", "read")),
    Operation("POST", _R + "/issues/{number:int}/comments", create_comment, ("issues", "write"), creates=True),
    Operation("GET", _R + "/issues/{number:int}/reactions", list_issue_reactions, ("issues", "read")),
    Operation("POST", _R + "/issues/{number:int}/reactions", react_to_issue, ("issues", "write")),
    Operation("GET", _R + "/pulls", list_pulls, ("pull_requests", "read")),
    Operation("POST", _R + "/pulls", create_pull, ("pull_requests", "write"), creates=True),
    Operation("GET", _R + "/pulls/{number:int}", get_pull, ("pull_requests", "read")),
    Operation("PATCH", _R + "/pulls/{number:int}", edit_pull, ("pull_requests", "write")),
)
