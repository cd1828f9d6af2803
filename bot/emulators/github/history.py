"""Git's history for the emulator: lists of commits, comparisons, and merges of three kinds, all in bare repositories.

In: commits. Out: facts and new commits. Never: a checkout, a conflict that is resolved.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bot.emulators.github import gitstore

SHOWN_FILES = 300
"""Files that a comparison or a commit names at most."""

_FIELDS = {
    "sha": "%H", "parents": "%P", "tree": "%T", "author": "%an", "author_email": "%ae", "author_date": "%aI",
    "committer": "%cn", "committer_email": "%ce", "committer_date": "%cI", "message": "%B",
}  # fmt: skip
_WORDS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


class Conflict(Exception):
    """Two changes of the same lines."""


@dataclass(frozen=True)
class Change:
    """One changed file: GitHub's word for it, counts of lines, the unified diff without its head."""

    path: str
    status: str
    blob: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


@dataclass(frozen=True)
class Person:
    """Who writes a commit, and when: epoch seconds and zone."""

    name: str
    email: str
    date: str


GITHUB = ("GitHub", "noreply@github.com")
"""Who commits what is merged by a button."""


def resolve(path: Path, name: str) -> str | None:
    """The commit of a branch, tag, full or short id; None when there is none."""
    for full in (f"refs/heads/{name}", f"refs/tags/{name}", name if name.startswith("refs/") else ""):
        sha = gitstore.ref(path, full) if full else None
        if sha:
            return _try(path, "rev-parse", "--verify", "--quiet", f"{sha}^{{commit}}")
    if 4 <= len(name) <= 40 and all(letter in "0123456789abcdef" for letter in name):
        return _try(path, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return None


def _try(path: Path, *arguments: str) -> str | None:
    try:
        return gitstore.run(path, *arguments).decode().strip() or None
    except subprocess.CalledProcessError:
        return None


def log(path: Path, *revisions: str, limit: int = 250) -> list[dict[str, str]]:
    """Facts of the commits of a range, oldest first; the oldest ones when there are more than ``limit``."""
    form = "%x00".join(_FIELDS.values())
    shown = gitstore.run(path, "log", "-z", "--topo-order", "--reverse", f"--format={form}", *revisions, "--")
    values = shown.decode("utf-8", "replace").split("\0")
    width = len(_FIELDS)
    rows = [values[start : start + width] for start in range(0, len(values) - width + 1, width)][:limit]
    return [dict(zip(_FIELDS, [*row[:-1], row[-1].rstrip("\n")], strict=True)) for row in rows]


def facts(path: Path, sha: str) -> dict[str, str]:
    """Facts of one commit."""
    return log(path, "--max-count=1", sha)[0]


def ids(path: Path, *revisions: str) -> list[str]:
    """The commits of a range, oldest first."""
    return gitstore.run(path, "rev-list", "--topo-order", "--reverse", *revisions, "--").decode().split()


def touching(path: Path, start: str, name: str) -> list[str]:
    """The commits that changed a path, newest first."""
    return gitstore.run(path, "rev-list", start, "--", name).decode().split()


def is_ancestor(path: Path, old: str, new: str) -> bool:
    """Whether a commit lies in the history of another one."""
    return gitstore.merge_base(path, old, new) == old


def empty_tree(path: Path) -> str:
    """The id of the tree without files, which exists afterwards."""
    return gitstore.run(path, "mktree").decode().strip()


def changes(path: Path, old: str, new: str) -> list[Change]:
    """What differs between two commits (or trees), by path."""
    options = ("-M", "--no-color", "--no-ext-diff", "--full-index", old, new, "--")
    raw = gitstore.run(path, "diff", "--raw", "-z", "--no-abbrev", *options).decode("utf-8", "replace").split("\0")
    counts = gitstore.run(path, "diff", "--numstat", "-z", *options).decode("utf-8", "replace").split("\0")
    text = gitstore.run(path, "diff", *options).decode("utf-8", "replace")
    patches = _sections(text)
    rows = _raw(raw)
    numbers = _counts(counts)
    patched = patches if len(patches) == len(rows) else [None] * len(rows)
    found = zip(rows, numbers, patched, strict=True)
    return [
        Change(name, _WORDS.get(letter, "changed"), blob, more, less, patch, previous)
        for (letter, blob, name, previous), (more, less), patch in found
    ]


def _raw(values: list[str]) -> list[tuple[str, str, str, str | None]]:
    """Letter, blob, path and former path of ``--raw -z``."""
    rows: list[tuple[str, str, str, str | None]] = []
    rest = iter(values)
    for head in rest:
        if not head:
            break
        *_, old, new, letter = head.split(" ")
        first = next(rest)
        blob = old if letter[0] == "D" else new
        rows.append((letter[0], blob, next(rest), first) if letter[0] in "RC" else (letter[0], blob, first, None))
    return rows


def _counts(values: list[str]) -> list[tuple[int, int]]:
    """Added and removed lines of ``--numstat -z``; binary files have none."""
    rows, rest = [], iter(values)
    for head in rest:
        if not head:
            break
        more, less, name = head.split("\t")
        if not name:
            next(rest), next(rest)
        rows.append((int(more) if more != "-" else 0, int(less) if less != "-" else 0))
    return rows


def _sections(text: str) -> list[str | None]:
    """The hunks of each file of a diff; None where there are none (renamed alone, binary)."""
    found: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("diff --git "):
            found.append([])
        elif found:
            found[-1].append(line)
    return [_hunks(lines) for lines in found]


def _hunks(lines: list[str]) -> str | None:
    start = next((index for index, line in enumerate(lines) if line.startswith("@@")), None)
    return None if start is None else "\n".join(lines[start:]).rstrip("\n")


def parent_of(path: Path, sha: str) -> str:
    """The first parent, or the empty tree of a first commit."""
    return facts(path, sha)["parents"].partition(" ")[0] or empty_tree(path)


def merged_tree(path: Path, ours: str, theirs: str) -> str:
    """The tree of two commits merged. Raises Conflict."""
    try:
        return gitstore.run(path, "merge-tree", "--write-tree", ours, theirs).decode().splitlines()[0]
    except subprocess.CalledProcessError as error:
        raise Conflict from error


def applied_tree(path: Path, *, before: str, after: str, onto: str) -> str:
    """The tree of ``onto`` with the change from ``before`` to ``after``. Raises Conflict.

    ``merge-tree`` takes the common ancestor from history alone (a free choice came with git 2.40), so the three trees
    get a history of their own.
    """
    author = Person("x", "x@example.invalid", gitstore.SEED_DATE)
    trees = [gitstore.run(path, "rev-parse", f"{name}^{{tree}}").decode().strip() for name in (before, onto, after)]
    root = write_commit(path, trees[0], [], "x", author=author)
    ours, theirs = (write_commit(path, tree, [root], "x", author=author) for tree in trees[1:])
    return merged_tree(path, ours, theirs)


def write_commit(
    path: Path, tree: str, parents: list[str], message: str, *, author: Person, committer: Person | None = None
) -> str:
    """A commit of a tree; returns its id."""
    people = {"AUTHOR": author, "COMMITTER": committer or author}
    extra = {
        f"GIT_{role}_{key}": value
        for role, who in people.items()
        for key, value in (("NAME", who.name), ("EMAIL", who.email), ("DATE", who.date))
    }
    ends = [part for parent in parents for part in ("-p", parent)]
    command = ["git", "--git-dir", str(path), "commit-tree", tree, *ends]
    environment = gitstore.environment(extra)
    done = subprocess.run(command, input=message.encode(), capture_output=True, check=True, env=environment, timeout=60)
    return done.stdout.decode().strip()


def replayed(path: Path, base: str, head: str, *, committer: Person) -> str:
    """The commits of a head on top of a base, one by one, without merges. Raises Conflict."""
    tip = base
    for sha in ids(path, "--no-merges", f"{base}..{head}"):
        known = facts(path, sha)
        tree = applied_tree(path, before=parent_of(path, sha), after=sha, onto=tip)
        author = Person(known["author"], known["author_email"], known["author_date"])
        tip = write_commit(path, tree, [tip], known["message"], author=author, committer=committer)
    return tip
