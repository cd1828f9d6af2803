"""Workflow runs: how they come to be and end, and the REST calls that show and start them.

In: facts of a run and authenticated calls. Out: records, webhooks to send, replies. Never: a run that is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from bot.emulators.github import gitstore, history, hooks, workshapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.answers import ApiError, Reply, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.landing import Event
from bot.emulators.github.site import Site
from bot.emulators.github.state import Repository
from bot.emulators.github.workstate import Conclusion, Run, RunStatus

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class NewRun:
    """What a run begins with; ``path`` is the workflow's file."""

    path: str
    event: str
    branch: str
    sha: str
    pulls: tuple[int, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


def begin(site: Site, repo: Repository, new: NewRun, *, who: Account, base: str) -> tuple[Run, list[Event]]:
    """A run in the queue."""
    number = 1 + sum(item.path == new.path for item in repo.work.runs)
    workflow_id(site, repo, new.path)
    name, now = _name(repo, new.path, new.sha), site.clock.now()
    made = Run(
        site.next_id(), number, new.path, name, new.event, new.branch, new.sha, who, "queued", None, now, now,
        new.pulls, new.inputs,
    )  # fmt: skip
    repo.work.runs.append(made)
    return made, [("workflow_run", hooks.run_event(repo, made, "requested", base))]


def turn(
    site: Site, repo: Repository, item: Run, *, status: RunStatus, conclusion: Conclusion | None, base: str
) -> list[Event]:
    """A run goes on, or ends with a conclusion."""
    item.status, item.conclusion, item.updated_at = status, conclusion, site.clock.now()
    if status not in {"in_progress", "completed"}:
        return []
    return [("workflow_run", hooks.run_event(repo, item, status, base))]


def workflow_id(site: Site, repo: Repository, path: str) -> int:
    """The number of a workflow."""
    return repo.work.workflows.get(path) or repo.work.workflows.setdefault(path, site.next_id())


def _read(repo: Repository, path: str, sha: str) -> dict[Any, Any]:
    """The workflow as data; empty when it is not there or no mapping."""
    entry = gitstore.entry(repo.path, sha, path) if sha else None
    try:
        data = yaml.safe_load(gitstore.blob(repo.path, entry[1])) if entry else None
    except yaml.YAMLError:
        data = None
    return data if isinstance(data, dict) else {}


def _name(repo: Repository, path: str, sha: str) -> str:
    return str(_read(repo, path, sha).get("name") or path)


def _workflows(call: Call, repo: Repository) -> dict[str, int]:
    """Numbers of the workflows of the default branch and of those that ran, by file."""
    tip = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}")
    rows = gitstore.names(repo.path, tip, FOLDER) if tip else []
    for kind, _, path in rows:
        if kind == "blob" and PurePosixPath(path).suffix in {".yml", ".yaml"}:
            workflow_id(call.site, repo, path)
    return repo.work.workflows


def _workflow(call: Call, repo: Repository) -> str:
    """The file of the path's workflow, which is a number or a file's name."""
    asked = call.params["workflow"]
    for path, number in _workflows(call, repo).items():
        if asked in {str(number), PurePosixPath(path).name}:
            return path
    raise not_found()


def _shown(call: Call, repo: Repository, path: str) -> dict[str, Any]:
    tip = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}") or ""
    number, name = repo.work.workflows[path], _name(repo, path, tip)
    return workshapes.workflow(repo, number, path, name, call.base)


def list_workflows(call: Call) -> Reply:
    """``GET …/actions/workflows``."""
    repo = call.repo()
    rows = [_shown(call, repo, path) for path in sorted(_workflows(call, repo))]
    return Reply({"total_count": len(rows), "workflows": rows}, pages="workflows")


def get_workflow(call: Call) -> Reply:
    """``GET …/actions/workflows/{workflow}``."""
    repo = call.repo()
    return Reply(_shown(call, repo, _workflow(call, repo)))


def dispatch(call: Call) -> Reply:
    """``POST …/actions/workflows/{workflow}/dispatches``: a run in the queue; its ``ref`` is a branch or tag."""
    repo = call.repo("write")
    path, ref = _workflow(call, repo), str(call.data.get("ref", ""))
    sha = history.resolve(repo.path, ref) if not ref.isalnum() or len(ref) < 40 else None
    if sha is None:
        raise ApiError(422, f"No ref found for: {ref}")
    inputs = call.data.get("inputs") or {}
    _may_dispatch(_read(repo, path, sha), inputs)
    new = NewRun(path, "workflow_dispatch", ref, sha, inputs=inputs)
    _, events = begin(call.site, repo, new, who=call.token.account, base=call.base)
    for event, payload in events:
        call.tell(repo, event, payload)
    return Reply(status=204)


def _may_dispatch(data: dict[Any, Any], inputs: Mapping[str, Any]) -> None:
    """The trigger has to be there, with these inputs. YAML 1.1 reads the key ``on`` as true."""
    triggers = data.get("on", data.get(True)) or {}
    names = [triggers] if isinstance(triggers, str) else triggers
    if "workflow_dispatch" not in names:
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    asked = (triggers.get("workflow_dispatch") or {}) if isinstance(triggers, dict) else {}
    known = asked.get("inputs") or {}
    strange = sorted(set(inputs) - set(known))
    if strange:
        raise ApiError(422, f"Unexpected inputs provided: {strange}")
    for name, rule in known.items():
        if (rule or {}).get("required") and name not in inputs and "default" not in rule:
            raise ApiError(422, f"Required input '{name}' not provided")


def list_runs(call: Call) -> Reply:
    """``GET …/actions/runs`` and ``…/actions/workflows/{workflow}/runs``, newest first."""
    repo = call.repo()
    path = _workflow(call, repo) if "workflow" in call.params else None
    rows = [item for item in reversed(repo.work.runs) if path in {None, item.path} and _wanted(call, item)]
    shown = [workshapes.run(repo, item, call.base) for item in rows]
    return Reply({"total_count": len(shown), "workflow_runs": shown}, pages="workflow_runs")


def _wanted(call: Call, item: Run) -> bool:
    """Whether a run passes the filters of the query; ``status`` is also a conclusion."""
    facts = {"head_sha": item.sha, "event": item.event, "branch": item.branch, "actor": item.actor.login}
    state = call.query.get("status")
    same = all(call.query.get(name, value) == value for name, value in facts.items())
    return same and state in {None, item.status, item.conclusion}


def get_run(call: Call) -> Reply:
    """``GET …/actions/runs/{run}``."""
    repo = call.repo()
    return Reply(workshapes.run(repo, _run(call, repo), call.base))


def _run(call: Call, repo: Repository) -> Run:
    for item in repo.work.runs:
        if item.id == int(call.params["run"]):
            return item
    raise not_found()


def cancel_run(call: Call) -> Reply:
    """``POST …/actions/runs/{run}/cancel``."""
    repo = call.repo("write")
    item = _run(call, repo)
    if item.status == "completed":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    events = turn(call.site, repo, item, status="completed", conclusion="cancelled", base=call.base)
    for event, payload in events:
        call.tell(repo, event, payload)
    return Reply({}, 202)


_A = "/repos/{owner}/{name}/actions"
_READ, _WRITE = ("actions", "read"), ("actions", "write")

ACTION_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _A + "/runs", list_runs, _READ),
    Operation("GET", _A + "/runs/{run:int}", get_run, _READ),
    Operation("POST", _A + "/runs/{run:int}/cancel", cancel_run, _WRITE),
    Operation("GET", _A + "/workflows", list_workflows, _READ),
    Operation("GET", _A + "/workflows/{workflow}", get_workflow, _READ),
    Operation("GET", _A + "/workflows/{workflow}/runs", list_runs, _READ),
    Operation("POST", _A + "/workflows/{workflow}/dispatches", dispatch, _WRITE),
)
