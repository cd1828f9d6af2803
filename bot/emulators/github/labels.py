"""Labels of a repository and of its issues and pull requests: the records and the REST calls.

In: names and authenticated calls. Out: labels and replies; each call raises ``ApiError`` as GitHub would. Never: HTTP.
"""

from __future__ import annotations

import re

from bot.emulators.github import hooks, shapes
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.site import Site
from bot.emulators.github.state import Issue, Label, Repository

_COLOR = re.compile(r"[0-9a-fA-F]{6}")
_NAME, _ABOUT, _MOST = 50, 100, 100


def list_labels(call: Call) -> Reply:
    """``GET …/labels``, by name."""
    repo = call.repo()
    rows = sorted(repo.labels.values(), key=lambda item: item.name.lower())
    return Reply([shapes.label(repo, item, call.base) for item in rows])


def get_label(call: Call) -> Reply:
    """``GET …/labels/{label}``."""
    repo = call.repo()
    found = repo.labels.get(call.params["label"].lower())
    if found is None:
        raise not_found()
    return Reply(shapes.label(repo, found, call.base))


def create_label(call: Call) -> Reply:
    """``POST …/labels``."""
    repo = call.repo("write")
    name, about = call.text("name", "Label"), call.text("description", "Label", required=False)
    color = call.text("color", "Label", required=False) or "ededed"
    _check(name, color, about)
    if name.lower() in repo.labels:
        raise invalid("Label", field_name="name", code="already_exists")
    made = Label(call.site.next_id(), name, color.lower(), about or None)
    repo.labels[name.lower()] = made
    return Reply(shapes.label(repo, made, call.base), 201)


def _check(name: str, color: str, about: str) -> None:
    if len(name) > _NAME:
        raise invalid("Label", field_name="name", message="name is too long (maximum is 50 characters)")
    if not _COLOR.fullmatch(color):
        raise invalid("Label", field_name="color", code="invalid")
    if len(about) > _ABOUT:
        raise invalid("Label", field_name="description", message="description is too long (maximum is 100 characters)")


def known(site: Site, repo: Repository, name: str) -> Label:
    """The label of a name; one that nobody made before is made."""
    return repo.labels.get(name.lower()) or repo.labels.setdefault(name.lower(), Label(site.next_id(), name, "ededed"))


def list_issue_labels(call: Call) -> Reply:
    """``GET …/issues/{number}/labels``."""
    repo = call.repo()
    return _all(call, repo, _issue(call, repo, "read"))


def add_labels(call: Call) -> Reply:
    """``POST …/issues/{number}/labels``: beside those that are there."""
    repo = call.repo("triage")
    issue = _issue(call, repo, "write")
    _put(call, repo, issue, [*issue.labels, *_wanted(call, repo)])
    return _all(call, repo, issue)


def set_labels(call: Call) -> Reply:
    """``PUT …/issues/{number}/labels``: in place of those that are there."""
    repo = call.repo("triage")
    issue = _issue(call, repo, "write")
    _put(call, repo, issue, _wanted(call, repo))
    return _all(call, repo, issue)


def clear_labels(call: Call) -> Reply:
    """``DELETE …/issues/{number}/labels``."""
    repo = call.repo("triage")
    _put(call, repo, _issue(call, repo, "write"), [])
    return Reply(status=204)


def remove_label(call: Call) -> Reply:
    """``DELETE …/issues/{number}/labels/{label}``: the labels that are left."""
    repo = call.repo("triage")
    issue = _issue(call, repo, "write")
    name = call.params["label"].lower()
    left = [item for item in issue.labels if item.name.lower() != name]
    if len(left) == len(issue.labels):
        raise ApiError(404, "Label does not exist")
    _put(call, repo, issue, left)
    return _all(call, repo, issue)


def _issue(call: Call, repo: Repository, level: str) -> Issue:
    """The issue of the path; the right to pull requests is none to issues."""
    issue = call.issue(repo)
    if issue.pull is None and not call.allows("issues", level):
        headers = {"x-accepted-github-permissions": f"issues={level}"}
        raise ApiError(403, "Resource not accessible by integration", headers=headers)
    return issue


def _wanted(call: Call, repo: Repository) -> list[Label]:
    names = call.data.get("labels")
    rows = [item.get("name") if isinstance(item, dict) else item for item in names] if isinstance(names, list) else None
    if rows is None or not all(isinstance(item, str) and item.strip() for item in rows):
        raise invalid("Label", field_name="labels", code="invalid")
    for name in rows:
        _check(str(name), "ededed", "")
    return [known(call.site, repo, str(name)) for name in rows]


def _put(call: Call, repo: Repository, issue: Issue, labels: list[Label]) -> None:
    for action, item in changed(issue, labels):
        issue.updated_at = call.site.clock.now()
        event = "pull_request" if issue.pull else "issues"
        payload = hooks.labelled(repo, issue, item, action, sender=call.token.account, base=call.base)
        call.tell(repo, event, payload)


def changed(issue: Issue, labels: list[Label]) -> list[tuple[str, Label]]:
    """Give an issue these labels; returns what that changed. Raises ApiError(422) above 100."""
    new = list({item.id: item for item in labels}.values())
    if len(new) > _MOST:
        raise invalid("Label", field_name="labels", message="Issues may have at most 100 labels")
    gone = [("unlabeled", item) for item in issue.labels if item not in new]
    came = [("labeled", item) for item in new if item not in issue.labels]
    issue.labels = new
    return [*gone, *came]


def _all(call: Call, repo: Repository, issue: Issue) -> Reply:
    return Reply([shapes.label(repo, item, call.base) for item in issue.labels])


_L = "/repos/{owner}/{name}/labels"
_I = "/repos/{owner}/{name}/issues/{number:int}/labels"
_READ, _WRITE = ("issues", "read"), ("issues", "write")
_ALSO_READ, _ALSO_WRITE = (("pull_requests", "read"),), (("pull_requests", "write"),)

LABEL_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _L, list_labels, _READ, also=_ALSO_READ),
    Operation("POST", _L, create_label, _WRITE, creates=True, also=_ALSO_WRITE),
    Operation("GET", _L + "/{label:path}", get_label, _READ, also=_ALSO_READ),
    Operation("GET", _I, list_issue_labels, _READ, also=_ALSO_READ),
    Operation("POST", _I, add_labels, _WRITE, creates=True, also=_ALSO_WRITE, bare="labels"),
    Operation("PUT", _I, set_labels, _WRITE, creates=True, also=_ALSO_WRITE, bare="labels"),
    Operation("DELETE", _I, clear_labels, _WRITE, also=_ALSO_WRITE),
    Operation("DELETE", _I + "/{label:path}", remove_label, _WRITE, also=_ALSO_WRITE),
)
