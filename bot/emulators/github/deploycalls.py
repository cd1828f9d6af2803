"""The REST calls of deployments, their statuses, and environments.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never: HTTP, a deployment.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from bot.emulators.github import gitstore, history, hooks, landing, workshapes
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.site import Site
from bot.emulators.github.state import Repository
from bot.emulators.github.workstate import Deployment, DeploymentState, DeploymentStatus, Environment

_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
_TEXT = 140


def create_deployment(call: Call) -> Reply:
    """``POST …/deployments``: 409 when the commit's checks are not good, unless ``required_contexts`` says otherwise;
    202 and no deployment when a branch was behind, unless ``auto_merge`` is off.
    """
    repo = call.repo("write")
    ref = call.text("ref", "Deployment")
    sha = history.resolve(repo.path, ref)
    if sha is None:
        raise ApiError(422, f"No ref found for: {ref}")
    if call.flag("auto_merge", default=True) and _behind(repo, ref, sha):
        return _auto_merged(call, repo, ref, sha)
    _contexts(call, repo, ref, sha)
    now, name = call.site.clock.now(), call.text("environment", "Deployment", required=False) or "production"
    item = Deployment(
        call.site.next_id(), sha, ref, call.text("task", "Deployment", required=False) or "deploy", name,
        call.text("description", "Deployment", required=False) or None, call.data.get("payload", {}),
        call.flag("transient_environment", default=False),
        call.flag("production_environment", default=name == "production"), call.token.account, now, now,
    )  # fmt: skip
    repo.work.deployments.append(item)
    environment(call.site, repo, name, now)
    call.tell(repo, "deployment", hooks.deployed(repo, item, call.base))
    return Reply(workshapes.deployment(repo, item, call.base), 201)


def _auto_merged(call: Call, repo: Repository, ref: str, sha: str) -> Reply:
    """The default branch merged into the branch, which the caller has to deploy again."""
    tip = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}") or ""
    try:
        tree = history.merged_tree(repo.path, sha, tip)
    except history.Conflict as error:
        raise ApiError(409, f"Conflict merging {repo.default_branch} into {ref}.") from error
    words, author = (
        f"Merge {repo.default_branch} into {ref}\n",
        landing.person(call.token.account, landing.stamp(call.site)),
    )
    merged = history.write_commit(repo.path, tree, [sha, tip], words, author=author)
    gitstore.update_ref(repo.path, f"refs/heads/{ref}", merged)
    who = call.token.account
    for event, payload in landing.moved(call.site, repo, ref, before=sha, after=merged, who=who, base=call.base):
        call.tell(repo, event, payload)
    return Reply({"message": f"Auto-merged {repo.default_branch} into {ref} on deployment."}, 202)


def environment(site: Site, repo: Repository, name: str, now: datetime) -> Environment:
    """The environment of a name; the first deployment makes it."""
    return repo.work.environments.get(name) or repo.work.environments.setdefault(
        name, Environment(site.next_id(), name, now)
    )


def _behind(repo: Repository, ref: str, sha: str) -> bool:
    """Whether a branch lacks something of the default branch; GitHub would merge that into it first."""
    branch = gitstore.ref(repo.path, f"refs/heads/{ref}")
    tip = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}")
    return branch is not None and tip is not None and not history.is_ancestor(repo.path, tip, sha)


def _contexts(call: Call, repo: Repository, ref: str, sha: str) -> None:
    """The checks that must be good: those that are named, all of the commit without names."""
    states = landing.checks(repo, sha)
    named = call.data.get("required_contexts")
    wanted = [str(name) for name in named] if isinstance(named, list) else list(states)
    shown = [{"context": name, "state": states.get(name, "pending")} for name in wanted]
    if any(states.get(name) not in landing.GOOD for name in wanted):
        error = {"contexts": shown, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        raise ApiError(409, f"Conflict: Commit status checks failed for {ref}.", errors=[error])


def list_deployments(call: Call) -> Reply:
    """``GET …/deployments`` with ``sha``, ``ref``, ``task`` and ``environment``, newest first."""
    repo = call.repo()
    wanted = {name: call.query[name] for name in ("sha", "ref", "task", "environment") if call.query.get(name)}
    rows = [
        item
        for item in reversed(repo.work.deployments)
        if all(getattr(item, name) == value for name, value in wanted.items())
    ]
    return Reply([workshapes.deployment(repo, item, call.base) for item in rows])


def get_deployment(call: Call) -> Reply:
    """``GET …/deployments/{deployment}``."""
    repo = call.repo()
    return Reply(workshapes.deployment(repo, _deployment(call, repo), call.base))


def _deployment(call: Call, repo: Repository) -> Deployment:
    for item in repo.work.deployments:
        if item.id == int(call.params["deployment"]):
            return item
    raise not_found()


def create_status(call: Call) -> Reply:
    """``POST …/deployments/{deployment}/statuses``; a success makes earlier ones of the environment inactive."""
    repo = call.repo("write")
    of = _deployment(call, repo)
    state = cast("DeploymentState", call.one_of("state", "DeploymentStatus", _STATES))
    about = call.text("description", "DeploymentStatus", required=False)
    if len(about) > _TEXT:
        words = "description is too long (maximum is 140 characters)"
        raise invalid("DeploymentStatus", field_name="description", message=words)
    item = _store(call, of, state, about)
    if state == "success" and call.flag("auto_inactive", default=True):
        for other in _earlier(repo, of, item.environment):
            _store(call, other, "inactive", "")
    call.tell(repo, "deployment_status", hooks.deployment_told(repo, of, item, call.base))
    return Reply(workshapes.deployment_status(repo, of, item, call.base), 201)


def _store(call: Call, of: Deployment, state: DeploymentState, about: str) -> DeploymentStatus:
    mine = state != "inactive"
    url, log = (
        call.text(name, "DeploymentStatus", required=False) if mine else "" for name in ("environment_url", "log_url")
    )
    log = log or (call.text("target_url", "DeploymentStatus", required=False) if mine else "")
    name = (call.text("environment", "DeploymentStatus", required=False) if mine else "") or of.environment
    now = call.site.clock.now()
    item = DeploymentStatus(call.site.next_id(), state, about, name, url, log, call.token.account, now)
    of.statuses.append(item)
    of.environment, of.updated_at = name, now
    return item


def _earlier(repo: Repository, of: Deployment, name: str) -> list[Deployment]:
    """Successful deployments before this one to the same environment that are neither transient nor production."""
    return [
        item
        for item in repo.work.deployments
        if item.id < of.id
        and (item.environment, item.transient, item.production) == (name, False, False)
        and item.statuses
        and item.statuses[-1].state == "success"
    ]


def list_statuses(call: Call) -> Reply:
    """``GET …/deployments/{deployment}/statuses``, newest first."""
    repo = call.repo()
    of = _deployment(call, repo)
    return Reply([workshapes.deployment_status(repo, of, item, call.base) for item in reversed(of.statuses)])


def list_environments(call: Call) -> Reply:
    """``GET …/environments``."""
    repo = call.repo()
    rows = [workshapes.environment(repo, item, call.base) for item in repo.work.environments.values()]
    return Reply({"total_count": len(rows), "environments": rows}, pages="environments")


def get_environment(call: Call) -> Reply:
    """``GET …/environments/{environment}``."""
    repo = call.repo()
    found = repo.work.environments.get(call.params["environment"])
    if found is None:
        raise not_found()
    return Reply(workshapes.environment(repo, found, call.base))


_D = "/repos/{owner}/{name}/deployments"
_E = "/repos/{owner}/{name}/environments"
_READ, _WRITE = ("deployments", "read"), ("deployments", "write")

DEPLOY_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _D, list_deployments, _READ),
    Operation("POST", _D, create_deployment, _WRITE, creates=True),
    Operation("GET", _D + "/{deployment:int}", get_deployment, _READ),
    Operation("GET", _D + "/{deployment:int}/statuses", list_statuses, _READ),
    Operation("POST", _D + "/{deployment:int}/statuses", create_status, _WRITE, creates=True),
    Operation("GET", _E, list_environments, ("actions", "read")),
    Operation("GET", _E + "/{environment:path}", get_environment, ("actions", "read")),
)
