"""JSON of labels, statuses, deployments, environments, workflow runs and protections, as GitHub writes it.

In: records and the address of this server. Out: JSON data. Never: state that changes.
"""

from __future__ import annotations

from typing import Any

from bot.emulators.github.shapes import account, moment, repository
from bot.emulators.github.state import Protection, Repository
from bot.emulators.github.workstate import CommitStatus, Deployment, DeploymentStatus, Environment, Run


def commit_status(repo: Repository, item: CommitStatus, base: str) -> dict[str, Any]:
    """One status of a commit."""
    return {
        "id": item.id,
        "node_id": f"SC_{item.id}",
        "state": item.state,
        "context": item.context,
        "description": item.description,
        "target_url": item.target_url,
        "creator": account(item.creator, base),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.created_at),
        "url": f"{base}/repos/{repo.full_name}/statuses/{item.sha}",
    }


def deployment(repo: Repository, item: Deployment, base: str) -> dict[str, Any]:
    """One deployment."""
    url = f"{base}/repos/{repo.full_name}/deployments/{item.id}"
    return {
        "id": item.id,
        "node_id": f"DE_{item.id}",
        "url": url,
        "sha": item.sha,
        "ref": item.ref,
        "task": item.task,
        "payload": item.payload,
        "environment": item.environment,
        "original_environment": item.environment,
        "description": item.description,
        "creator": account(item.creator, base),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": f"{base}/repos/{repo.full_name}",
        "transient_environment": item.transient,
        "production_environment": item.production,
    }


def deployment_status(repo: Repository, of: Deployment, item: DeploymentStatus, base: str) -> dict[str, Any]:
    """One status of a deployment."""
    url = f"{base}/repos/{repo.full_name}/deployments/{of.id}"
    return {
        "id": item.id,
        "node_id": f"DES_{item.id}",
        "url": f"{url}/statuses/{item.id}",
        "state": item.state,
        "description": item.description,
        "environment": item.environment,
        "environment_url": item.environment_url,
        "log_url": item.log_url,
        "target_url": item.log_url,
        "creator": account(item.creator, base),
        "created_at": moment(item.created_at),
        "updated_at": moment(item.created_at),
        "deployment_url": url,
        "repository_url": f"{base}/repos/{repo.full_name}",
    }


def environment(repo: Repository, item: Environment, base: str) -> dict[str, Any]:
    """One environment with the people who must agree."""
    reviewers = [{"type": "User", "reviewer": {"login": login}} for login in item.reviewers]
    rule = {"id": item.id + 1, "type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers}
    return {
        "id": item.id,
        "node_id": f"EN_{item.id}",
        "name": item.name,
        "url": f"{base}/repos/{repo.full_name}/environments/{item.name}",
        "html_url": f"{base}/{repo.full_name}/deployments/activity_log?environments_filter={item.name}",
        "created_at": moment(item.created_at),
        "updated_at": moment(item.created_at),
        "protection_rules": [rule] if reviewers else [],
        "deployment_branch_policy": None,
    }


def workflow(repo: Repository, number: int, path: str, name: str, base: str) -> dict[str, Any]:
    """One workflow."""
    return {
        "id": number,
        "node_id": f"W_{number}",
        "name": name,
        "path": path,
        "state": "active",
        "url": f"{base}/repos/{repo.full_name}/actions/workflows/{number}",
        "html_url": f"{base}/{repo.full_name}/blob/{repo.default_branch}/{path}",
    }


def run(repo: Repository, item: Run, base: str) -> dict[str, Any]:
    """One run of a workflow."""
    url = f"{base}/repos/{repo.full_name}/actions/runs/{item.id}"
    return {
        "id": item.id,
        "node_id": f"WFR_{item.id}",
        "name": item.name,
        "display_title": item.name,
        "path": item.path,
        "workflow_id": repo.work.workflows[item.path],
        "run_number": item.number,
        "run_attempt": item.attempt,
        "event": item.event,
        "status": item.status,
        "conclusion": item.conclusion,
        "head_branch": item.branch,
        "head_sha": item.sha,
        "pull_requests": [_pull_of(repo, number, base) for number in item.pulls],
        "actor": account(item.actor, base),
        "triggering_actor": account(item.actor, base),
        "created_at": moment(item.created_at),
        "run_started_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "url": url,
        "html_url": f"{base}/{repo.full_name}/actions/runs/{item.id}",
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "repository": repository(repo, base),
        "head_repository": repository(repo, base),
    }


def _pull_of(repo: Repository, number: int, base: str) -> dict[str, Any]:
    made = repo.issues[number].pull
    ends = {"head": {"ref": made.head, "sha": made.head_sha}, "base": {"ref": made.base}} if made else {}
    return {"number": number, "url": f"{base}/repos/{repo.full_name}/pulls/{number}", **ends}


def check_run(repo: Repository, item: Run, base: str) -> dict[str, Any]:
    """A run of a workflow as the check of its commit."""
    done = item.status == "completed"
    return {
        "id": item.id,
        "name": item.name,
        "head_sha": item.sha,
        "status": item.status,
        "conclusion": item.conclusion,
        "started_at": moment(item.created_at),
        "completed_at": moment(item.updated_at) if done else None,
        "details_url": f"{base}/{repo.full_name}/actions/runs/{item.id}",
        "html_url": f"{base}/{repo.full_name}/runs/{item.id}",
        "app": {"id": 15_368, "slug": "github-actions", "name": "GitHub Actions"},
    }


def protection(repo: Repository, branch: str, rules: Protection, base: str) -> dict[str, Any]:
    """The rules of a protected branch; what is not asked for has no key."""
    url = f"{base}/repos/{repo.full_name}/branches/{branch}/protection"
    shown: dict[str, Any] = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": rules.enforce_admins},
        **{name: {"enabled": False} for name in ("allow_force_pushes", "allow_deletions", "required_linear_history")},
    }
    if rules.approvals is not None:
        shown["required_pull_request_reviews"] = {
            "dismiss_stale_reviews": rules.dismiss_stale,
            "require_code_owner_reviews": False,
            "required_approving_review_count": rules.approvals,
            "require_last_push_approval": False,
        }
    if rules.checks:
        shown["required_status_checks"] = required(rules)
    return shown


def required(rules: Protection) -> dict[str, Any]:
    """The checks that a protected branch asks for."""
    checks = [{"context": name, "app_id": None} for name in rules.checks]
    return {"strict": rules.strict, "contexts": list(rules.checks), "checks": checks}
