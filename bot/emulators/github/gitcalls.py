"""The REST calls that read and change git's own things: files, refs, branches, commits.

In: an authenticated call. Out: a reply; each of them raises ``ApiError`` as GitHub would. Never: HTTP.
"""

from __future__ import annotations

import base64
from typing import Any

from bot.emulators.github import gitstore, landing, shapes
from bot.emulators.github.answers import ApiError, Reply, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.state import Repository

_INLINE = 1_000_000
"""Bytes above which the contents call leaves the content out."""


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
            "encoding": "none" if large else "base64",
            "content": "" if large else base64.encodebytes(content).decode(),
        }
    )


def _content(repo: Repository, path: str, kind: str, sha: str, call: Call) -> dict[str, Any]:
    ref = call.query.get("ref", repo.default_branch)
    page = "blob" if kind == "file" else "tree"
    return {
        "type": kind,
        "path": path,
        "name": path.rsplit("/", 1)[-1],
        "sha": sha,
        "size": 0 if kind == "dir" else gitstore.size(repo.path, sha),
        "url": f"{call.base}/repos/{repo.full_name}/contents/{path}?ref={ref}",
        "html_url": f"{call.base}/{repo.full_name}/{page}/{ref}/{path}",
        "git_url": f"{call.base}/repos/{repo.full_name}/git/{page}s/{sha}",
        "download_url": f"{call.base}/raw/{repo.full_name}/{ref}/{path}" if kind == "file" else None,
    }


def _commit(repo: Repository, ref: str) -> str:
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}"):
        sha = gitstore.ref(repo.path, name)
        if sha:
            return sha
    if len(ref) == 40 and ref.isalnum() and gitstore.commit_facts(repo.path, ref) is not None:
        return ref
    raise ApiError(404, f"No commit found for the ref {ref}")


def get_ref(call: Call) -> Reply:
    """``GET …/git/ref/{ref}``."""
    repo = call.repo()
    sha = gitstore.ref(repo.path, f"refs/{call.params['ref']}")
    if sha is None:
        raise not_found()
    return Reply(_ref(call.params["ref"], sha))


def matching_refs(call: Call) -> Reply:
    """``GET …/git/matching-refs/{ref}``: refs whose name begins so, by name."""
    repo, start = call.repo(), call.params["ref"]
    heads = {f"heads/{name}": sha for name, sha in gitstore.branches(repo.path).items()}
    return Reply([_ref(name, sha) for name, sha in sorted(heads.items()) if name.startswith(start)])


def _ref(name: str, sha: str) -> dict[str, Any]:
    return {"ref": f"refs/{name}", "object": {"type": "commit", "sha": sha}}


def delete_ref(call: Call) -> Reply:
    """``DELETE …/git/refs/{ref}``."""
    repo, ref = call.repo("write"), call.params["ref"]
    if not ref.startswith("heads/"):
        raise ApiError(422, "Reference does not exist")
    branch = ref.removeprefix("heads/")
    before = call.site.delete_branch(repo, branch)
    for event, payload in landing.moved(
        call.site, repo, branch, before=before, after="", who=call.token.account, base=call.base
    ):
        call.tell(repo, event, payload)
    return Reply(status=204)


def get_commit(call: Call) -> Reply:
    """``GET …/git/commits/{sha}``."""
    repo, sha = call.repo(), call.params["sha"]
    facts = gitstore.commit_facts(repo.path, sha) if sha.isalnum() else None
    if facts is None:
        raise not_found()
    return Reply(shapes.git_commit(repo, sha, facts, call.base))


_R = "/repos/{owner}/{name}"

GIT_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _R + "/contents/{path:path}", get_contents, ("contents", "read")),
    Operation("GET", _R + "/contents", get_contents, ("contents", "read")),
    Operation("GET", _R + "/git/ref/{ref:path}", get_ref, ("contents", "read")),
    Operation("GET", _R + "/git/matching-refs/{ref:path}", matching_refs, ("contents", "read")),
    Operation("DELETE", _R + "/git/refs/{ref:path}", delete_ref, ("contents", "write")),
    Operation("GET", _R + "/git/commits/{sha}", get_commit, ("contents", "read")),
    Operation("GET", _R + "/git/refs/{ref:path}", get_ref, ("contents", "read")),
)
