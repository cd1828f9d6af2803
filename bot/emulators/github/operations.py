"""What each REST call does: one function per call, one closed table.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never:
HTTP, limits, faults (the server adds them).
"""

from __future__ import annotations

from datetime import datetime

from bot.emulators.github import hooks, shapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.actioncalls import ACTION_OPERATIONS
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.commitcalls import COMMIT_OPERATIONS
from bot.emulators.github.deploycalls import DEPLOY_OPERATIONS
from bot.emulators.github.gitcalls import GIT_OPERATIONS
from bot.emulators.github.labels import LABEL_OPERATIONS
from bot.emulators.github.reviewcalls import REVIEW_OPERATIONS, full
from bot.emulators.github.state import Comment, Issue, Reaction, Repository, at_least

__all__ = ["OPERATIONS", "Call", "Operation"]

BODY_LIMIT = 65_536


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


def list_issues(call: Call) -> Reply:
    """``GET …/issues`` with ``state``, ``since``, ``sort`` and ``direction``; pull requests are issues."""
    repo, state = call.repo(), call.query.get("state", "open")
    found = [item for item in repo.issues.values() if state in {"all", item.state} and _since(call, item.updated_at)]
    newest_first = call.query.get("direction", "desc") != "asc"
    found.sort(key=lambda item: (_sorted_by(call, item), item.number), reverse=newest_first)
    return Reply([shapes.issue(repo, item, call.base) for item in found])


def list_repo_comments(call: Call) -> Reply:
    """``GET …/issues/comments`` with ``since``, and with ``direction`` when there is a ``sort``."""
    repo = call.repo()
    rows = [(issue, item) for issue in repo.issues.values() for item in issue.comments]
    found = [row for row in rows if _since(call, row[1].updated_at)]
    descending = "sort" in call.query and call.query.get("direction", "desc") != "asc"
    found.sort(key=lambda row: (_sorted_by(call, row[1]), row[1].id), reverse=descending)
    return Reply([shapes.comment(repo, issue, item, call.base) for issue, item in found])


def _since(call: Call, moment: datetime) -> bool:
    try:
        return moment.replace(microsecond=0) >= datetime.fromisoformat(call.query.get("since", "2000-01-01T00:00:00Z"))
    except ValueError:
        raise invalid("Issue", field_name="since", code="invalid") from None


def _sorted_by(call: Call, item: Issue | Comment) -> datetime:
    moment = item.updated_at if call.query.get("sort") == "updated" else item.created_at
    return moment.replace(microsecond=0)


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
    if issue.pull is None and not call.allows("issues"):
        raise ApiError(403, "Resource not accessible by integration")
    if issue.locked and not at_least(call.site.role(repo, call.token), "write"):
        raise ApiError(403, "Unable to create comment because issue is locked.")
    body = _short(call.text("body", "IssueComment"), "IssueComment")
    item = call.site.store_comment(issue, call.token.account, body)
    call.tell(repo, "issue_comment", hooks.comment_created(repo, issue, item, call.base))
    return Reply(shapes.comment(repo, issue, item, call.base), 201)


def edit_comment(call: Call) -> Reply:
    """``PATCH …/issues/comments/{comment}``."""
    repo = call.repo()
    issue, item = call.comment(repo)
    if item.account != call.token.account and not at_least(call.site.role(repo, call.token), "write"):
        raise ApiError(403, "Must have admin rights to Repository.")
    before, item.body = item.body, _short(call.text("body", "IssueComment"), "IssueComment")
    item.updated_at = call.site.clock.now()
    payload = hooks.comment_event(repo, issue, item, "edited", sender=call.token.account, base=call.base)
    call.tell(repo, "issue_comment", {**payload, "changes": {"body": {"from": before}}})
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
    """``GET …/pulls`` with ``state``, ``head``, ``base``, ``sort`` and ``direction``."""
    repo = call.repo()
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    shown = []
    for issue in _pulls_in_order(call, repo):
        pull = call.site.refreshed(repo, issue)
        if pull is None or state not in {"all", issue.state} or base not in {None, pull.base}:
            continue
        if head is None or head.lower() == f"{(pull.fork or repo).owner}:{pull.head}".lower():
            shown.append(shapes.pull(repo, issue, pull, call.base))
    return Reply(shown)


def _pulls_in_order(call: Call, repo: Repository) -> list[Issue]:
    """``direction`` is descending for ``created`` and without a ``sort``, else ascending."""
    sort = call.query.get("sort", "created")
    descending = call.query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    return sorted(repo.issues.values(), key=lambda item: (_sorted_by(call, item), item.number), reverse=descending)


def get_review_comment(call: Call) -> Reply:
    """``GET …/pulls/comments/{comment}``."""
    repo = call.repo()
    return Reply(shapes.review_comment(repo, *_review_comment(call, repo), call.base))


def react_to_review_comment(call: Call) -> Reply:
    """``POST …/pulls/comments/{comment}/reactions``."""
    return _react(call, _review_comment(call, call.repo())[1].reactions)


def _review_comment(call: Call, repo: Repository) -> tuple[Issue, Comment]:
    found = call.site.world.review_comment(repo, int(call.params["comment"]))
    if found is None:
        raise not_found()
    return found


def create_pull(call: Call) -> Reply:
    """``POST …/pulls``."""
    repo = call.repo("write")
    if call.token.job is not None and not repo.jobs_open_pulls:
        raise ApiError(403, "GitHub Actions is not permitted to create or approve pull requests.")
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
    pull = call.site.refreshed(repo, issue)
    if pull is None:
        raise not_found()
    shown = full(call, repo, issue, pull)
    call.tell(repo, "pull_request", hooks.pull_event(repo, issue, "opened", call.token.account, call.base))
    return Reply(shown, 201)


def edit_pull(call: Call) -> Reply:
    """``PATCH …/pulls/{number}``: title, body, state."""
    repo = call.repo("write")
    issue, pull = call.pull(repo)
    before = (issue.title, issue.body, issue.state)
    if "title" in call.data:
        issue.title = call.text("title", "PullRequest")
    if "body" in call.data:
        issue.body = _short(call.text("body", "PullRequest", required=False), "Issue")
    if call.data.get("state") in {"open", "closed"}:
        if pull.merged_at is not None and call.data["state"] == "open":
            raise invalid(
                "PullRequest", field_name="state", message="state cannot be changed. The pull request is merged."
            )
        issue.state = "open" if call.data["state"] == "open" else "closed"
    issue.updated_at = call.site.clock.now()
    for action in _edits(issue, before):
        call.tell(repo, "pull_request", hooks.pull_event(repo, issue, action, call.token.account, call.base))
    return Reply(full(call, repo, issue, pull))


def _edits(issue: Issue, before: tuple[str, str, str]) -> list[str]:
    edited = ["edited"] if (issue.title, issue.body) != before[:2] else []
    turned = {"open": "reopened", "closed": "closed"}[issue.state]
    return [*edited, turned] if issue.state != before[2] else edited


_R = "/repos/{owner}/{name}"

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/user", get_user),
    Operation("GET", "/users/{login}", get_named_user),
    Operation("GET", "/rate_limit", get_rate_limit),
    Operation("GET", _R, get_repo),
    *GIT_OPERATIONS,
    *COMMIT_OPERATIONS,
    *REVIEW_OPERATIONS,
    *LABEL_OPERATIONS,
    *DEPLOY_OPERATIONS,
    *ACTION_OPERATIONS,
    Operation("GET", _R + "/collaborators/{login}/permission", get_permission),
    Operation("GET", _R + "/issues", list_issues, ("issues", "read")),
    Operation("GET", _R + "/issues/comments", list_repo_comments, ("issues", "read")),
    Operation("GET", _R + "/issues/comments/{comment:int}", get_comment, ("issues", "read")),
    Operation("PATCH", _R + "/issues/comments/{comment:int}", edit_comment, ("issues", "write")),
    Operation("GET", _R + "/issues/comments/{comment:int}/reactions", list_comment_reactions, ("issues", "read")),
    Operation("POST", _R + "/issues/comments/{comment:int}/reactions", react_to_comment, ("issues", "write")),
    Operation("GET", _R + "/issues/{number:int}", get_issue, ("issues", "read")),
    Operation("GET", _R + "/issues/{number:int}/comments", list_comments, ("issues", "read")),
    Operation(
        "POST",
        _R + "/issues/{number:int}/comments",
        create_comment,
        ("issues", "write"),
        creates=True,
        also=(("pull_requests", "write"),),
    ),
    Operation("GET", _R + "/issues/{number:int}/reactions", list_issue_reactions, ("issues", "read")),
    Operation("POST", _R + "/issues/{number:int}/reactions", react_to_issue, ("issues", "write")),
    Operation("GET", _R + "/pulls", list_pulls, ("pull_requests", "read")),
    Operation("POST", _R + "/pulls", create_pull, ("pull_requests", "write"), creates=True),
    Operation("GET", _R + "/pulls/comments/{comment:int}", get_review_comment, ("pull_requests", "read")),
    Operation(
        "POST", _R + "/pulls/comments/{comment:int}/reactions", react_to_review_comment, ("pull_requests", "write")
    ),
    Operation("PATCH", _R + "/pulls/{number:int}", edit_pull, ("pull_requests", "write")),
)
