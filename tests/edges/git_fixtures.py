"""Real repositories and readers for the tests of ``bot.edges.git``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.edges.git import GitLimits, GitRepos, Remote
from bot.model.command import RepoTarget
from bot.model.tree import Unread, YamlDocument
from tests.git_server import Host, git_host, run_git

TARGET = RepoTarget(host="git.example.test", owner="org", name="shop")
SURVEY = re.compile(r"(^|/)(Dockerfile|README\.md|package\.json|big\.txt|.*\.ya?ml)$")


class PlainYaml:
    """A reader that only says which files it got."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, files: Mapping[str, bytes]) -> tuple[dict[str, tuple[YamlDocument, ...]], tuple[Unread, ...]]:
        self.files = dict(files)
        return {path: (YamlDocument(value=None),) for path in files}, ()


def survey_set(paths: Sequence[str], part: str) -> tuple[str, ...]:
    return tuple(path for path in paths if path.startswith(part) and SURVEY.search(path))


def repository(root: Path, files: Mapping[str, str | bytes], *, branches: Sequence[str] = ()) -> Path:
    folder = root / "org" / "shop.git"
    folder.mkdir(parents=True)
    run_git("init", "-q", "-b", "main", ".", cwd=folder)
    run_git("config", "uploadpack.allowFilter", "true", cwd=folder)
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    run_git("add", "-A", cwd=folder)
    commit(folder)
    for branch in branches:
        run_git("branch", branch, cwd=folder)
    return folder


def commit(folder: Path) -> str:
    run_git("commit", "-q", "--allow-empty", "-m", "work", cwd=folder)
    return head(folder)


def head(folder: Path) -> str:
    return run_git("rev-parse", "HEAD", cwd=folder).decode().strip()


def add_entry(folder: Path, mode: str, path: str, content: bytes) -> None:
    """An index entry that no file system has to hold: links to anywhere, odd names, submodules."""
    oid = run_git("hash-object", "-w", "--stdin", cwd=folder, stdin=content).decode().strip()
    add_oid(folder, mode, path, oid)


def add_oid(folder: Path, mode: str, path: str, oid: str) -> None:
    run_git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}", cwd=folder)


def locator(host: Host) -> Callable[[RepoTarget], Remote]:
    return lambda target: Remote(url=f"{host.url}/{target.owner}/{target.name}.git", protocol="http")


def reader(host: Host, workdir: Path, *, limits: GitLimits | None = None, yaml: PlainYaml | None = None) -> GitRepos:
    workdir.mkdir(exist_ok=True)
    return GitRepos(
        select=survey_set,
        yaml=yaml or PlainYaml(),
        locate=locator(host),
        limits=limits or GitLimits(seconds=10),
        workdir=workdir,
        pause=lambda _seconds: None,
    )


@contextmanager
def served(tmp_path: Path, mode: str = "plain", *, limits: GitLimits | None = None) -> Iterator[tuple[GitRepos, Host]]:
    with git_host(tmp_path, mode) as host:
        yield reader(host, tmp_path / "work", limits=limits), host
