"""Whose folder is it: the bot writes only where it wrote before for the same application, or where nothing is.

In: the change set and what the base holds. Out: nothing, or a refusal. Never: a folder that a person made by hand is
replaced, a path that leaves the application's folder or touches git's or GitHub's own files.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate

from bot.edges.github.gitrun import Repository
from bot.errors import Code, Refusal, Refused
from bot.model.additions import Additions
from bot.model.changes import ChangeSet

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MEMORY = "plan.json"
_TOMBSTONE = "removed.json"
_FOLDER = "040000"


def checked_paths(changes: ChangeSet) -> None:
    """Every path is plain, deep inside its root and outside ``.git*``. Raises Refused(policy)."""
    if isinstance(changes, Additions):
        return  # its own form admits plain paths only
    root = changes.root.split("/")
    if len(root) < 2 or not all(_plain(part) for part in root):
        raise _policy(f"the folder `{changes.root[:80]}` is not one that the bot may write to")
    for file in changes.files:
        parts = file.path.split("/")
        if parts[: len(root)] != root or len(parts) == len(root) or not all(_plain(part) for part in parts):
            raise _policy("a file's path is not one that the bot may write to")


def _plain(part: str) -> bool:
    return bool(_SEGMENT.fullmatch(part)) and part not in {".", ".."} and not part.lower().startswith(".git")


def guard_folder(changes: ChangeSet, *, remote: Repository, ref: str, name: str) -> None:
    """Refuse (conflict) when the folder on branch ``name`` belongs to another application or to a person, and files to
    add that are there already.
    """
    if isinstance(changes, Additions):
        _guard_additions(changes, remote=remote, ref=ref, name=name)
        return
    entries = _entries(changes.root, remote=remote, ref=ref)
    ancestors = [path for path in _prefixes(changes.root) if entries.get(path, ("tree", ""))[0] != "tree"]
    if ancestors:
        raise _conflict(f"`{ancestors[0]}` on `{name}` is no folder", "Move it away, then repeat the command.")
    if changes.root not in entries:
        return
    memory = entries.get(f"{changes.root}/{_MEMORY}")
    if memory is None and entries.get(f"{changes.root}/{_TOMBSTONE}", ("", ""))[0] == "blob":
        return
    if memory is None or memory[0] != "blob":
        raise _conflict(
            f"`{changes.root}` on `{name}` exists and was not made by this bot",
            "Name the application differently, or move that folder away.",
        )
    theirs, ours = _git_repo(remote.remote("cat-file", "blob", memory[1])), _git_repo(changes.content(_path(changes)))
    if ours is not None and theirs != ours:
        raise _conflict(
            f"`{changes.root}` on `{name}` belongs to another application's repository",
            "Name the application differently, or close or remove the other one first.",
        )


def _guard_additions(changes: Additions, *, remote: Repository, ref: str, name: str) -> None:
    paths = [part for file in changes.files for part in _prefixes(file.path)]
    listed = remote.local("ls-tree", "-z", "-t", ref, "--", *dict.fromkeys(paths))
    there = {
        path: facts.split(" ")[0] for facts, _, path in (line.partition("\t") for line in listed.split("\0")) if path
    }
    taken = [file.path for file in changes.files if file.path in there]
    files = [path for path in paths if path in there and there[path] != _FOLDER and path not in taken]
    if taken or files:
        raise _conflict(f"`{(taken or files)[0]}` on `{name}` is there already", "Give the command again.")


def _path(changes: ChangeSet) -> str:
    return f"{changes.root}/{_MEMORY}"


def _prefixes(root: str) -> list[str]:
    return list(accumulate(root.split("/"), lambda left, right: f"{left}/{right}"))


def _entries(root: str, *, remote: Repository, ref: str) -> dict[str, tuple[str, str]]:
    """Kind and object id of the root's ancestors, the root and its memory, as far as they exist."""
    memories = (f"{root}/{_MEMORY}", f"{root}/{_TOMBSTONE}")
    listed = remote.local("ls-tree", "-z", "-t", ref, "--", *_prefixes(root), *memories)
    found = {}
    for line in listed.split("\0"):
        facts, _, path = line.partition("\t")
        if path:
            mode, kind, sha = facts.split(" ")
            found[path] = ("link" if mode == "120000" else kind, sha)
    return found


def _git_repo(plan: str | None) -> str | None:
    """``request.git_repo`` of a plan, compared without case, slash and ``.git``; empty when the plan is unreadable."""
    if plan is None:
        return None
    try:
        data = json.loads(plan)
    except (ValueError, RecursionError):
        return ""
    request = data.get("request") if isinstance(data, dict) else None
    named = request.get("git_repo") if isinstance(request, dict) else None
    return named.lower().rstrip("/").removesuffix(".git") if isinstance(named, str) else ""


def _policy(what: str) -> Refused:
    return Refused(
        Refusal(code=Code.POLICY, message=f"Nothing was written: {what}.", remedy="Give the application a plain name.")
    )


def _conflict(what: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.CONFLICT, message=f"Nothing was written: {what}.", remedy=remedy))
