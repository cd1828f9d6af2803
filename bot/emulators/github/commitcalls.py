"""The REST calls about commits: one commit, its pull requests, comparisons, statuses and checks, branches' rules.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never: HTTP.
"""

from __future__ import annotations

from typing import Any, cast

from bot.emulators.github import commitshapes, gitstore, history, hooks, landing, shapes, workshapes
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.state import Issue, Protection, Repository
from bot.emulators.github.workstate import CommitStatus, StatusState

_STATES = ("error", "failure", "pending", "success")
_PER_CONTEXT = 1_000
_TEXT = 140


def get_commit(call: Call) -> Reply:
    """``GET …/commits/{ref}``: an id, branch or tag."""
    repo = call.repo()
    sha = call.commit(repo, call.params["ref"])
    return Reply(commitshapes.full_commit(call.site.world, repo, history.facts(repo.path, sha), call.base))


def list_commits(call: Call) -> Reply:
    """``GET …/commits`` with ``sha`` and ``path``, newest first."""
    repo = call.repo()
    start = history.resolve(repo.path, call.query.get("sha", repo.default_branch))
    if start is None:
        raise not_found()
    path = call.query.get("path")
    wanted = None if path is None else set(history.touching(repo.path, start, path))
    rows = reversed(history.log(repo.path, start, limit=10_000))
    shown = [item for item in rows if wanted is None or item["sha"] in wanted]
    return Reply([commitshapes.commit(call.site.world, repo, item, call.base) for item in shown])


def commit_pulls(call: Call) -> Reply:
    """``GET …/commits/{sha}/pulls``."""
    repo = call.repo()
    found = landing.introduced(repo, call.commit(repo, call.params["ref"]))
    return Reply([_pull(call, repo, issue) for issue in found])


def _pull(call: Call, repo: Repository, issue: Issue) -> dict[str, Any]:
    pull = call.site.refreshed(repo, issue)
    if pull is None:
        raise not_found()
    return shapes.pull(repo, issue, pull, call.base)


def compare(call: Call) -> Reply:
    """``GET …/compare/{base}...{head}``: 250 commits and 300 files at most."""
    repo = call.repo()
    old, dots, new = call.params["range"].partition("...")
    ends = [history.resolve(repo.path, name.removeprefix(f"{repo.owner}:")) for name in (old, new)]
    if not dots or ends[0] is None or ends[1] is None:
        raise not_found()
    base, head = ends[0], ends[1]
    common = gitstore.merge_base(repo.path, base, head)
    if common is None:
        raise ApiError(404, f"No common ancestor between {old} and {new}.")
    return Reply(_compared(call, repo, base, head, common))


def _compared(call: Call, repo: Repository, base: str, head: str, common: str) -> dict[str, Any]:
    ahead, behind = (len(history.ids(repo.path, f"{one}..{two}")) for one, two in ((base, head), (head, base)))
    words = {(True, False): "ahead", (False, True): "behind", (True, True): "diverged"}
    world, path = call.site.world, repo.path
    commits, files = history.log(path, f"{base}..{head}"), history.changes(path, common, head)
    return {
        "url": f"{call.base}/repos/{repo.full_name}/compare/{call.params['range']}",
        "status": words.get((ahead > 0, behind > 0), "identical"),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "base_commit": commitshapes.commit(world, repo, history.facts(path, base), call.base),
        "merge_base_commit": commitshapes.commit(world, repo, history.facts(path, common), call.base),
        "commits": [commitshapes.commit(world, repo, item, call.base) for item in commits],
        "files": [commitshapes.file(repo, item, head, call.base) for item in files[: history.SHOWN_FILES]],
    }


def create_status(call: Call) -> Reply:
    """``POST …/statuses/{sha}``."""
    repo = call.repo("write")
    sha = call.commit(repo, call.params["ref"])
    state = cast("StatusState", call.one_of("state", "Status", _STATES))
    context = call.text("context", "Status", required=False) or "default"
    if sum((item.sha, item.context) == (sha, context) for item in repo.work.statuses) >= _PER_CONTEXT:
        raise invalid("Status", message="This SHA and context has reached the maximum number of statuses.")
    about, target = (call.data.get(name) for name in ("description", "target_url"))
    if isinstance(about, str) and len(about) > _TEXT:
        raise invalid("Status", field_name="description", message="description is too long (maximum is 140 characters)")
    item = CommitStatus(
        call.site.next_id(), sha, state, context, about, target, call.token.account, call.site.clock.now()
    )
    repo.work.statuses.append(item)
    call.tell(repo, "status", hooks.status_set(repo, item, call.base))
    return Reply(workshapes.commit_status(repo, item, call.base), 201)


def combined_status(call: Call) -> Reply:
    """``GET …/commits/{ref}/status``: the newest status of each context; ``pending`` without any."""
    repo = call.repo()
    sha = call.commit(repo, call.params["ref"])
    found = repo.work.latest(sha)
    states = {item.state for item in found}
    bad, waiting = states & {"error", "failure"}, not states or "pending" in states
    return Reply(
        {
            "state": "failure" if bad else "pending" if waiting else "success",
            "sha": sha,
            "total_count": len(found),
            "statuses": [workshapes.commit_status(repo, item, call.base) for item in found],
            "repository": shapes.repository(repo, call.base),
            "url": f"{call.base}/repos/{repo.full_name}/commits/{sha}/status",
        },
        pages="statuses",
    )


def list_statuses(call: Call) -> Reply:
    """``GET …/commits/{ref}/statuses``, newest first."""
    repo = call.repo()
    sha = call.commit(repo, call.params["ref"])
    found = [item for item in reversed(repo.work.statuses) if item.sha == sha]
    return Reply([workshapes.commit_status(repo, item, call.base) for item in found])


def list_checks(call: Call) -> Reply:
    """``GET …/commits/{ref}/check-runs``: the runs of workflows, which are all the checks of this GitHub."""
    repo = call.repo()
    sha = call.commit(repo, call.params["ref"])
    rows = [workshapes.check_run(repo, item, call.base) for item in repo.work.runs if item.sha == sha]
    return Reply({"total_count": len(rows), "check_runs": rows}, pages="check_runs")


def get_branch(call: Call) -> Reply:
    """``GET …/branches/{branch}``."""
    repo, name = call.repo(), call.params["branch"]
    sha = gitstore.ref(repo.path, f"refs/heads/{name}")
    if sha is None:
        raise ApiError(404, "Branch not found")
    return Reply(
        {
            **_branch(call, repo, name, sha),
            "commit": commitshapes.commit(call.site.world, repo, history.facts(repo.path, sha), call.base),
        }
    )


def _branch(call: Call, repo: Repository, name: str, sha: str) -> dict[str, Any]:
    rules = repo.protected.get(name)
    url = f"{call.base}/repos/{repo.full_name}/branches/{name}/protection"
    checks = workshapes.required(rules or Protection())
    level = "non_admins" if rules and rules.checks else "off"
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{call.base}/repos/{repo.full_name}/commits/{sha}"},
        "protected": rules is not None,
        "protection": {"enabled": rules is not None, "required_status_checks": {"enforcement_level": level, **checks}},
        "protection_url": url,
    }


def list_branches(call: Call) -> Reply:
    """``GET …/branches``, by name."""
    repo = call.repo()
    heads = sorted(gitstore.branches(repo.path).items())
    wanted = call.query.get("protected")
    rows = [_branch(call, repo, name, sha) for name, sha in heads]
    return Reply([row for row in rows if wanted is None or row["protected"] == (wanted == "true")])


def get_protection(call: Call) -> Reply:
    """``GET …/branches/{branch}/protection``."""
    repo, name = call.repo(), call.params["branch"]
    if gitstore.ref(repo.path, f"refs/heads/{name}") is None:
        raise ApiError(404, "Branch not found")
    rules = repo.protected.get(name)
    if rules is None:
        raise ApiError(404, "Branch not protected")
    return Reply(workshapes.protection(repo, name, rules, call.base))


_R = "/repos/{owner}/{name}"
_CODE = ("contents", "read")

COMMIT_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _R + "/commits", list_commits, _CODE),
    Operation("GET", _R + "/commits/{ref:path}/pulls", commit_pulls, ("pull_requests", "read")),
    Operation("GET", _R + "/commits/{ref:path}/status", combined_status, ("statuses", "read")),
    Operation("GET", _R + "/commits/{ref:path}/statuses", list_statuses, ("statuses", "read")),
    Operation("GET", _R + "/commits/{ref:path}/check-runs", list_checks, ("checks", "read")),
    Operation("GET", _R + "/commits/{ref:path}", get_commit, _CODE),
    Operation("GET", _R + "/compare/{range:path}", compare, _CODE),
    Operation("POST", _R + "/statuses/{ref}", create_status, ("statuses", "write")),
    Operation("GET", _R + "/branches", list_branches, _CODE),
    Operation("GET", _R + "/branches/{branch:path}/protection", get_protection, ("administration", "read")),
    Operation("GET", _R + "/branches/{branch:path}", get_branch, _CODE),
)
