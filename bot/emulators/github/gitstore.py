"""The git side of the emulator: real bare repositories, written by explicit git commands.

In: files and refs. Out: object ids and texts. Never: a checkout, the user's git configuration, a clock.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

SEED_DATE = "1767225600 +0000"
"""2026-01-01T00:00:00Z: seeded repositories have the same commit everywhere."""

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every git process of the emulator sees."""
    return {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT, **(extra or {})}


def run(path: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """One git command in a bare repository. Raises subprocess.CalledProcessError."""
    command = ["git", "--git-dir", str(path), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment(), timeout=60)
    return done.stdout


def create(path: Path, default_branch: str) -> None:
    """An empty bare repository that serves partial clones."""
    path.mkdir(parents=True)
    run(path, "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}")
    for key, value in (("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true"), ("gc.auto", "0")):
        run(path, "config", key, value)


def read_folder(folder: Path) -> dict[str, bytes]:
    """The regular files below a folder, by POSIX path; ``.git`` is left out."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in files.items() if ".git" not in name.split("/")}


def commit(
    path: Path, branch: str, files: Mapping[str, bytes | None], *, author: str, message: str, date: str = SEED_DATE
) -> str:
    """One commit on top of a branch (``None`` removes a file); returns its id. ``author`` is ``Name <email>``."""
    name = f"refs/heads/{branch}"
    return commit_at(path, name, ref(path, name), files, who=f"{author} {date}", message=message)


def commit_at(
    path: Path, name: str, parent: str | None, files: Mapping[str, bytes | None], *, who: str, message: str
) -> str:
    """One commit on top of another one, under a full ref name; ``who`` is name, address and date."""
    stream = _stream(name, parent, files, who=who, message=message)
    run(path, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return ref(path, name) or ""


def _stream(
    name: str, parent: str | None, files: Mapping[str, bytes | None], *, who: str, message: str
) -> Iterator[bytes]:
    yield f"commit {name}\nauthor {who}\ncommitter {who}\n".encode()
    yield _data(message.encode())
    if parent:
        yield f"from {parent}\n".encode()
    for file, content in sorted(files.items()):
        quoted = '"' + file.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        if content is None:
            yield f"D {quoted}\n".encode()
        else:
            yield f"M 100644 inline {quoted}\n".encode() + _data(content)
    yield b"done\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def ref(path: Path, name: str) -> str | None:
    """The commit of a full ref name, or None."""
    listed = run(path, "for-each-ref", "--format=%(refname) %(objectname)", name).decode().splitlines()
    return next((line.split(" ")[1] for line in listed if line.split(" ")[0] == name), None)


def update_ref(path: Path, name: str, sha: str) -> None:
    """Point a ref at a commit."""
    run(path, "update-ref", name, sha)


def delete_ref(path: Path, name: str) -> None:
    """Delete a ref."""
    run(path, "update-ref", "-d", name)


def commit_facts(path: Path, sha: str) -> dict[str, str] | None:
    """Tree, author and committer of a commit (names, addresses, moments in ISO 8601) and its message, or None."""
    facts = {
        "tree": "%T", "author": "%an", "author_email": "%ae", "author_date": "%aI",
        "committer": "%cn", "committer_email": "%ce", "committer_date": "%cI", "message": "%B",
    }  # fmt: skip
    try:
        shown = run(path, "show", "--no-patch", f"--format={'%x00'.join(facts.values())}", sha, "--")
    except subprocess.CalledProcessError:
        return None
    return dict(zip(facts, shown.decode("utf-8", "replace").rstrip("\n").split("\0"), strict=True))


def branches(path: Path) -> dict[str, str]:
    """Branch heads by name."""
    listed = run(path, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").decode()
    return dict(line.rsplit(" ", 1) for line in listed.splitlines())


def entry(path: Path, commit_sha: str, name: str) -> tuple[str, str] | None:
    """Kind (``blob``, ``tree``) and id of a path at a commit, or None."""
    listed = run(path, "ls-tree", "-z", commit_sha, "--", name).decode("utf-8", "replace").split("\0")
    for line in listed:
        facts, _, found = line.partition("\t")
        if found == name:
            return facts.split(" ")[1], facts.split(" ")[2]
    return None


def names(path: Path, commit_sha: str, folder: str) -> list[tuple[str, str, str]]:
    """Kind, id and path of the entries of a folder."""
    where = [f"{folder}/"] if folder else []
    listed = run(path, "ls-tree", "-z", commit_sha, "--", *where).decode("utf-8", "replace").split("\0")
    rows = [line.partition("\t") for line in listed if line]
    return [(facts.split(" ")[1], facts.split(" ")[2], found) for facts, _, found in rows]


def blob(path: Path, sha: str) -> bytes:
    """The content of a file."""
    return run(path, "cat-file", "blob", sha)


def size(path: Path, sha: str) -> int:
    """Bytes of a file."""
    return int(run(path, "cat-file", "-s", sha))


def texts(path: Path, commit_sha: str) -> dict[str, str]:
    """Every file of a commit by path."""
    listed = run(path, "ls-tree", "-r", "-z", commit_sha).decode("utf-8", "replace").split("\0")
    rows = [line.partition("\t") for line in listed if line]
    return {name: blob(path, facts.split(" ")[2]).decode("utf-8", "replace") for facts, _, name in rows}


def diff(path: Path, base: str, head: str) -> str:
    """The three-dot diff that a pull request shows."""
    return run(path, "diff", "--no-color", f"{base}...{head}").decode("utf-8", "replace")


def merge_base(path: Path, one: str, other: str) -> str | None:
    """The newest common commit, or None for strangers."""
    try:
        return run(path, "merge-base", one, other).decode().strip()
    except subprocess.CalledProcessError:
        return None
