"""The REST calls of a pull request on its way: its files and commits, reviews, reviewers, and the merge.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never: HTTP.
"""

from __future__ import annotations

from typing import Any, cast

from bot.emulators.github import commitshapes, gitstore, history, hooks, landing, pushes, shapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.state import Issue, MergeMethod, Pull, Repository, Review, ReviewState

_FILES = 3_000
_STATES: dict[str | None, ReviewState] = {
    "APPROVE": "approved",
    "REQUEST_CHANGES": "changes_requested",
    "COMMENT": "commented",
    None: "pending",
}


def get_pull(call: Call) -> Reply:
    """``GET …/pulls/{number}``; the diff when that is asked for."""
    repo = call.repo()
    issue, pull = call.pull(repo)
    if "diff" in call.accept:
        return Reply(text=call.site.diff(repo, issue), media="application/vnd.github.diff; charset=utf-8")
    return Reply(full(call, repo, issue, pull))


def full(call: Call, repo: Repository, issue: Issue, pull: Pull) -> dict[str, Any]:
    """A pull request with what lists leave out: whether it can be merged, and how much it is."""
    merge_sha = landing.publish(repo, issue, pull)
    found = _changes(repo, pull)
    is_open = issue.state == "open"
    return {
        **shapes.pull(repo, issue, pull, call.base),
        "merge_commit_sha": merge_sha,
        "mergeable": merge_sha is not None if is_open else None,
        "rebaseable": merge_sha is not None if is_open else None,
        "mergeable_state": landing.mergeable_state(repo, issue, pull),
        "comments": len(issue.comments),
        "review_comments": len(pull.review_comments),
        "commits": len(history.ids(repo.path, f"{pull.base_sha}..{pull.head_sha}")),
        "additions": sum(item.additions for item in found),
        "deletions": sum(item.deletions for item in found),
        "changed_files": len(found),
    }


def _changes(repo: Repository, pull: Pull) -> list[history.Change]:
    common = gitstore.merge_base(repo.path, pull.base_sha, pull.head_sha) or pull.base_sha
    return history.changes(repo.path, common, pull.head_sha)


def list_files(call: Call) -> Reply:
    """``GET …/pulls/{number}/files``: 3,000 at most."""
    repo = call.repo()
    _, pull = call.pull(repo)
    return Reply([commitshapes.file(repo, item, pull.head_sha, call.base) for item in _changes(repo, pull)[:_FILES]])


def list_commits(call: Call) -> Reply:
    """``GET …/pulls/{number}/commits``: 250 at most, oldest first."""
    repo = call.repo()
    _, pull = call.pull(repo)
    rows = history.log(repo.path, f"{pull.base_sha}..{pull.head_sha}")
    return Reply([commitshapes.commit(call.site.world, repo, item, call.base) for item in rows])


def is_merged(call: Call) -> Reply:
    """``GET …/pulls/{number}/merge``: 204 when merged."""
    if call.pull(call.repo())[1].merged_at is None:
        raise not_found()
    return Reply(status=204)


def merge(call: Call) -> Reply:
    """``PUT …/pulls/{number}/merge``: 405 when it cannot be, 409 when the head is another one."""
    repo = call.repo("write")
    issue, pull = call.pull(repo)
    method = cast("MergeMethod", call.one_of("merge_method", "PullRequest", ("merge", "squash", "rebase"), "merge"))
    landing.refuse(repo, issue, pull, method)
    if call.data.get("sha") not in {None, pull.head_sha}:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    _workflows(call, repo, pull)
    before = gitstore.ref(repo.path, f"refs/heads/{pull.base}") or ""
    words = landing.Words(_word(call, "commit_title"), _word(call, "commit_message"))
    who = call.token.account
    sha = landing.land(call.site, repo, issue, who=who, method=method, words=words)
    call.tell(repo, "pull_request", hooks.pull_event(repo, issue, "closed", who, call.base))
    moved = landing.moved(call.site, repo, pull.base, before=before, after=sha, who=who, base=call.base)
    for event, payload in moved:
        call.tell(repo, event, payload)
    return Reply({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _word(call: Call, name: str) -> str | None:
    value = call.data.get(name)
    return value if isinstance(value, str) else None


def _workflows(call: Call, repo: Repository, pull: Pull) -> None:
    """A token without ``workflows`` merges no change of a workflow."""
    if call.allows("workflows"):
        return
    tip = gitstore.ref(repo.path, f"refs/heads/{pull.base}") or ""
    known = set(pushes.workflow_files(repo.path, tip))
    for path, _ in sorted(set(pushes.workflow_files(repo.path, pull.head_sha)) - known):
        raise ApiError(403, pushes.workflow_words(call.token, path))


def list_reviews(call: Call) -> Reply:
    """``GET …/pulls/{number}/reviews``, oldest first; a pending one is its author's alone."""
    repo = call.repo()
    issue, pull = call.pull(repo)
    seen = [item for item in pull.reviews if item.state != "pending" or item.account == call.token.account]
    return Reply([shapes.review(repo, issue, item, call.base) for item in seen])


def get_review(call: Call) -> Reply:
    """``GET …/pulls/{number}/reviews/{review}``."""
    repo = call.repo()
    issue, pull = call.pull(repo)
    return Reply(shapes.review(repo, issue, _review(call, pull), call.base))


def _review(call: Call, pull: Pull) -> Review:
    for item in pull.reviews:
        if item.id == int(call.params["review"]):
            return item
    raise not_found()


def create_review(call: Call) -> Reply:
    """``POST …/pulls/{number}/reviews``: nobody approves what is their own."""
    repo = call.repo()
    issue, pull = call.pull(repo)
    event, body = call.data.get("event"), call.text("body", "PullRequestReview", required=False)
    if event not in _STATES:
        raise invalid("PullRequestReview", field_name="event", code="invalid")
    _may_review(call, repo, issue, event, body)
    commit = call.data.get("commit_id") or pull.head_sha
    if commit not in history.ids(repo.path, f"{pull.base_sha}..{pull.head_sha}"):
        raise _unprocessable("Commit is not part of the pull request")
    item = Review(call.site.next_id(), call.token.account, _STATES[event], body, call.site.clock.now(), commit)
    pull.reviews.append(item)
    pull.reviewers = [who for who in pull.reviewers if who != call.token.account]
    issue.updated_at = item.submitted_at
    if item.state != "pending":
        call.tell(repo, "pull_request_review", hooks.review_submitted(repo, issue, item, call.base))
    return Reply(shapes.review(repo, issue, item, call.base))


def _may_review(call: Call, repo: Repository, issue: Issue, event: str | None, body: str) -> None:
    own = issue.account == call.token.account
    if own and event in {"APPROVE", "REQUEST_CHANGES"}:
        word = "approve" if event == "APPROVE" else "request changes on"
        raise _unprocessable(f"Can not {word} your own pull request")
    if event == "APPROVE" and call.token.job is not None and not repo.jobs_open_pulls:
        raise _unprocessable("GitHub Actions is not permitted to approve pull requests.")
    if event in {"REQUEST_CHANGES", "COMMENT"} and not body.strip():
        raise _unprocessable("Review comments must have a body")


def _unprocessable(message: str) -> ApiError:
    return ApiError(422, "Unprocessable Entity", errors=[message])


def dismiss_review(call: Call) -> Reply:
    """``PUT …/pulls/{number}/reviews/{review}/dismissals``."""
    repo = call.repo("write")
    issue, pull = call.pull(repo)
    item = _review(call, pull)
    call.text("message", "PullRequestReview")
    if item.state not in {"approved", "changes_requested"}:
        raise _unprocessable("Can not dismiss a commented pull request review")
    item.state = "dismissed"
    call.tell(repo, "pull_request_review", hooks.review_event(repo, issue, item, "dismissed", call.base))
    return Reply(shapes.review(repo, issue, item, call.base))


def request_reviewers(call: Call) -> Reply:
    """``POST …/pulls/{number}/requested_reviewers``: collaborators, never the author."""
    repo = call.repo("write")
    issue, pull = call.pull(repo)
    wanted = [_reviewer(call, repo, issue, name) for name in call.data.get("reviewers") or []]
    for who in wanted:
        if who not in pull.reviewers:
            pull.reviewers.append(who)
            payload = hooks.pull_event(repo, issue, "review_requested", call.token.account, call.base)
            shown = {"requested_reviewer": shapes.account(who, call.base)}
            call.tell(repo, "pull_request", {**payload, **shown})
    return Reply(shapes.pull(repo, issue, pull, call.base), 201)


def _reviewer(call: Call, repo: Repository, issue: Issue, name: object) -> Account:
    who = call.site.world.accounts.get(str(name).lower())
    if who is not None and who == issue.account:
        raise ApiError(422, "Review cannot be requested from pull request author.")
    if who is None or (who.login.lower() not in repo.roles and who.login.lower() != repo.owner.lower()):
        words = "Reviews may only be requested from collaborators. One or more of the users or teams you specified"
        raise ApiError(422, f"{words} is not a collaborator of the {repo.full_name} repository.")
    return who


_P = "/repos/{owner}/{name}/pulls/{number:int}"
_READ, _WRITE = ("pull_requests", "read"), ("pull_requests", "write")

REVIEW_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _P, get_pull, _READ),
    Operation("GET", _P + "/files", list_files, _READ),
    Operation("GET", _P + "/commits", list_commits, _READ),
    Operation("GET", _P + "/merge", is_merged, _READ),
    Operation("PUT", _P + "/merge", merge, ("contents", "write"), creates=True),
    Operation("GET", _P + "/reviews", list_reviews, _READ),
    Operation("POST", _P + "/reviews", create_review, _WRITE, creates=True),
    Operation("GET", _P + "/reviews/{review:int}", get_review, _READ),
    Operation("PUT", _P + "/reviews/{review:int}/dismissals", dismiss_review, _WRITE),
    Operation("POST", _P + "/requested_reviewers", request_reviewers, _WRITE, creates=True),
)
