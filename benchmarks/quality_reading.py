"""A corpus repository read by the product's own path: git, survey, description, sizing, files, checks.

In: a folder of clones, a commit, patterns to leave out. Out: a ``Preview`` or a ``Refusal``. Never: the network, a
change to a clone.

A bare repository in a temporary folder borrows the objects of the clone and gets one commit: the corpus tree, less what
is to be stripped. So partial clones work, and the product reads a remote as it always does.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot import app
from bot.edges.git import GitRepos, Remote
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refusal
from bot.flow.house import House
from bot.flow.preview import Preview, preview
from bot.flow.steps import Straight
from bot.model.cluster import ClusterSnapshot
from bot.model.command import Provision, RepoTarget
from bot.model.config import Config
from bot.settings import Settings
from bot.survey.selection import select

SNAPSHOT: Final = Path(__file__).parents[1] / "examples" / "cluster-snapshot.json"
BRANCH: Final = "corpus"
_ENVIRONMENT: Final = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "corpus"), ("EMAIL", "corpus"), ("DATE", "1700000000 +0000"))
    },
}


class MissingCloneError(Exception):
    """A repository of the corpus has no clone, or not at the commit."""


def plan(repository: Path, repo: str, *, part: str, description: str) -> Preview | Refusal:
    """The product's answer for a part of a repository."""
    owner, _, name = repo.partition("/")
    words = (BRANCH, *part.split("/")) if part else (BRANCH,)
    target = RepoTarget(host="github.com", owner=owner, name=name, tree=words)
    house = _house(repository)
    return preview(
        Provision(target=target, app_description=description),
        house,
        steps=Straight(clock=house.clock),
        config=Config(),
        when_unreachable="refuse",
        progress=lambda _: None,
    )


def _house(repository: Path) -> House:
    snapshot = ClusterSnapshot.model_validate_json(SNAPSHOT.read_bytes())
    house = app.build_house(Settings(), inventory=app.SnapshotInventory(snapshot))
    remote = Remote(url=repository.as_uri(), protocol="file")
    return dataclasses.replace(house, repos=GitRepos(select=select, yaml=ChildYamlReader(), locate=lambda _: remote))


@contextmanager
def borrowed(clones: Path, repo: str, *, commit: str, strip: tuple[str, ...] = (), keep: str = "") -> Iterator[Path]:
    """A bare repository with the corpus tree as its only commit. Raises MissingCloneError."""
    objects = _objects(clones, repo)
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        home = Path(folder) / "repo.git"
        home.mkdir()
        _git(home, "init", "--quiet", "--bare", "-b", BRANCH, ".")
        (home / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            _git(home, "config", name, "true")
        try:
            listing = _git(home, "ls-tree", "-r", "-z", commit)
        except subprocess.CalledProcessError as error:
            raise MissingCloneError(f"the clone of {repo} lacks commit {commit}") from error
        _git(home, "update-index", "-z", "--index-info", stdin=_left(listing, strip, keep))
        tree = _git(home, "write-tree", "--missing-ok").decode().strip()
        made = _git(home, "commit-tree", tree, "-m", "corpus").decode().strip()
        _git(home, "update-ref", f"refs/heads/{BRANCH}", made)
        yield home


def _objects(clones: Path, repo: str) -> Path:
    owner, _, name = repo.partition("/")
    for folder in (clones / owner / name, clones / owner / f"{name}.git", clones / f"{owner}+{name}"):
        for inner in ("", ".git", "repo", "repo/.git"):
            if (folder / inner / "objects").is_dir():
                return (folder / inner / "objects").resolve()
    raise MissingCloneError(f"no clone of {repo}: git clone --bare https://github.com/{repo} {owner}/{name}")


def _left(listing: bytes, strip: tuple[str, ...], keep: str) -> bytes:
    """The entries that stay. A pattern that covers the service's own folder spares that folder."""
    entries = listing.rstrip(b"\0").split(b"\0")
    return b"".join(
        entry + b"\0"
        for entry in entries
        if not _stripped(entry.partition(b"\t")[2].decode(errors="replace"), strip, keep)
    )


def _stripped(path: str, strip: tuple[str, ...], keep: str) -> bool:
    for pattern in strip:
        spared = keep and f"{keep}/".startswith(pattern) and path.startswith(f"{keep}/")
        inside = path.startswith(pattern) if pattern.endswith("/") else fnmatch.fnmatchcase(path, pattern)
        if inside and not spared:
            return True
    return False


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=_ENVIRONMENT, input=stdin, capture_output=True, check=True
    ).stdout
