"""Reads a repository as untrusted data: a port with two doors, one for an https remote, one for a folder.

In: a target. Out: a ``Tree`` within the limits, and notes about what was not read. Never: a checkout, a followed
submodule, link or redirect, a file left on disk, anything of the repository executed.
"""

from __future__ import annotations

import difflib
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.edges.git.failures import GitOutage, Kind
from bot.edges.git.folder import read_folder
from bot.edges.git.limits import GitLimits
from bot.edges.git.links import Links, Resolved, link_notes, link_nouns, link_target
from bot.edges.git.listing import Listing, folders_of, summed
from bot.edges.git.objects import Blobs, Opened, fetch_blobs, list_tree, nothing_to_read, open_repository, read_blobs
from bot.edges.git.process import Git
from bot.edges.git.refs import Revision, divide
from bot.edges.git.remote import Remote, public_remote
from bot.edges.git.texts import beyond_all, texts_of, too_large, too_many
from bot.edges.git.warm import warmed
from bot.errors import Broken, Code, Refusal, Refused, Unavailable
from bot.model.command import FolderTarget, RepoTarget
from bot.model.tree import Tree, Unread
from bot.ports import YamlReader

Select = Callable[[Sequence[str], str], tuple[str, ...]]
_PAUSES: Final[dict[Kind, tuple[float, ...]]] = {"outage": (0.5, 1.0), "broken": (0.5,), "busy": (60.0,)}
"""Seconds before each further try. A host that is busy says how long it wants, but git does not pass that on: one
minute is the longest that a command waits for it.
"""
_MISSING: Final = "the remote could not send it"


@dataclass(frozen=True, kw_only=True)
class GitRepos:
    """The ``Repos`` port. ``select`` picks the survey set, most important first; ``locate`` decides where to read."""

    select: Select
    yaml: YamlReader
    locate: Callable[[RepoTarget], Remote] = public_remote
    limits: GitLimits = field(default_factory=GitLimits)
    workdir: Path | None = None
    git: str = "git"
    pause: Callable[[float], None] = time.sleep

    def read(self, target: RepoTarget | FolderTarget) -> Tree:
        """The survey set. Raises Refused (repo-*) or Unavailable (repo-unreachable, repo-timeout)."""
        if isinstance(target, FolderTarget):
            with warmed(self.yaml) as yaml:
                return read_folder(target, select=self.select, yaml=yaml, limits=self.limits)
        return _Bridge(self, target, deadline=time.monotonic() + self.limits.seconds).tree()


@dataclass
class _Bridge:
    """Short outages are bridged until one deadline, which the search for the place and a minute that a busy host asked
    for move: neither is time that the reading took.
    """

    repos: GitRepos
    target: RepoTarget
    deadline: float

    def tree(self) -> Tree:
        """Raises as ``GitRepos.read``."""
        for tried in itertools.count():
            try:
                return self._once()
            except Unavailable as outage:
                pause = self._pause(outage, tried)
                if pause is None:
                    raise
            self.repos.pause(pause)
        raise Broken("a repository was read without end")

    def _pause(self, outage: Unavailable, tried: int) -> float | None:
        """Seconds until the next try, None when there is none."""
        kind = _kind(outage)
        pauses = _PAUSES.get(kind, ())
        if tried >= len(pauses):
            return None
        self.deadline += pauses[tried] if kind == "busy" else 0.0
        return pauses[tried] if time.monotonic() + pauses[tried] < self.deadline else None

    def _once(self) -> Tree:
        began = time.monotonic()
        remote = self.repos.locate(self.target)
        self.deadline += time.monotonic() - began
        with warmed(self.repos.yaml) as yaml:
            return _Reading(
                repos=self.repos, yaml=yaml, target=self.target, remote=remote, deadline=self.deadline
            ).tree()


def _kind(outage: Unavailable) -> Kind:
    """What git said; a name that does not resolve is an outage like any other."""
    if isinstance(outage, GitOutage):
        return outage.kind
    return "outage" if outage.code is Code.REPO_UNREACHABLE else "slow"


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One try of one remote until one deadline."""

    repos: GitRepos
    yaml: YamlReader
    target: RepoTarget
    remote: Remote
    deadline: float

    def tree(self) -> Tree:
        """Raises as ``GitRepos.read``."""
        with tempfile.TemporaryDirectory(prefix="ai-provision-", dir=self.repos.workdir) as folder:
            git = Git(
                folder=Path(folder),
                remote=self.remote,
                shown=self.target.url,
                limits=self.repos.limits,
                deadline=self.deadline,
                binary=self.repos.git,
            )
            revision = divide(git, self.target.tree)
            return self._survey(git, revision, filtered=True) or self._whole(git, revision)

    def _whole(self, git: Git, revision: Revision) -> Tree:
        tree = self._survey(git, revision, filtered=False)
        if tree is None:
            raise Refused(nothing_to_read(git.shown))
        return tree

    def _survey(self, git: Git, revision: Revision, *, filtered: bool) -> Tree | None:
        """None when the remote refuses to send single blobs, so that all of them have to be asked for."""
        opened = open_repository(git, revision, filtered=filtered)
        found = list_tree(git, opened, revision.part)
        check_part(found, revision.part, git.shown)
        chosen = self.repos.select(found.paths, revision.part)
        shop = _Shop(git, found, opened)
        if not shop.fetch(chosen[: git.limits.files]):
            return None
        return self._tree(shop, revision, chosen)

    def _tree(self, shop: _Shop, revision: Revision, chosen: Sequence[str]) -> Tree:
        limits = shop.git.limits
        got = shop.read(chosen[: limits.files])
        texts = texts_of(got.contents, limits)
        documents, odd = self.yaml.read(texts.yaml())
        notes = (*shop.found.unread, *too_many(len(chosen), limits), *got.unread, *texts.unread, *odd)
        return Tree(
            name=self.target.name,
            ref=shop.opened.ref,
            commit=shop.opened.commit,
            part=revision.part,
            paths=tuple(sorted((*shop.found.files, *(path for path, to in got.resolved.items() if to.path)))),
            texts=texts.texts,
            yaml=documents,
            links=link_nouns(shop.found.links, got.targets, shop.found.modules),
            unread=summed(notes, limits.notes),
        )


@dataclass(frozen=True)
class _Got:
    contents: tuple[tuple[str, bytes], ...]
    resolved: dict[str, Resolved]
    targets: dict[str, str]
    unread: tuple[Unread, ...]


@dataclass(frozen=True)
class _Shop:
    """One listing and the blobs behind it."""

    git: Git
    found: Listing
    opened: Opened

    def fetch(self, chosen: Sequence[str]) -> bool:
        """One batch: the chosen files, and every link up to the limit; a second one only for targets of links."""
        ids = [self.found.files.get(path) or self.found.links[path] for path in chosen]
        links = list(self.found.links.values())[: self.git.limits.links]
        return self.opened.whole or fetch_blobs(self.git, (*ids, *links))

    def read(self, chosen: Sequence[str]) -> _Got:
        """The contents of the chosen paths, links resolved inside the tree."""
        targets = self._targets(chosen)
        links = Links(self.found.files, targets)
        resolved = {path: self._resolve(links, path) for path in self.found.links}
        real = {path: resolved[path].path if path in resolved else path for path in chosen}
        self._fetch_targets(real, chosen)
        wanted = {path: self.found.files[to] for path, to in real.items() if to is not None}
        blobs = read_blobs(self.git, tuple(wanted.values()))
        contents = tuple((path, blobs.contents[name]) for path, name in wanted.items() if name in blobs.contents)
        notes = (self._left_out(path, name, blobs) for path, name in wanted.items() if name not in blobs.contents)
        return _Got(contents, resolved, targets, (*notes, *link_notes(resolved, resolved, self.found.modules)))

    def _left_out(self, path: str, name: str, blobs: Blobs) -> Unread:
        if name in blobs.large:
            return too_large(path, self.git.limits)
        return beyond_all(path, self.git.limits) if name in blobs.beyond else Unread(path=path, reason=_MISSING)

    def _resolve(self, links: Links, path: str) -> Resolved:
        return links.resolve(path) if path in links.targets else Resolved(None, "symbolic link, target not readable")

    def _targets(self, chosen: Sequence[str]) -> dict[str, str]:
        looked = dict(list(self.found.links.items())[: self.git.limits.links])
        looked.update({path: self.found.links[path] for path in chosen if path in self.found.links})
        blobs = read_blobs(self.git, tuple(looked.values())).contents if looked else {}
        read = {path: link_target(blobs[name]) for path, name in looked.items() if name in blobs}
        return {path: target for path, target in read.items() if target is not None}

    def _fetch_targets(self, real: dict[str, str | None], chosen: Sequence[str]) -> None:
        known = {self.found.files.get(path) for path in chosen}
        more = {self.found.files[to] for to in real.values() if to is not None} - known
        if more and not self.opened.whole:
            fetch_blobs(self.git, more)


def check_part(found: Listing, part: str, shown: str) -> None:
    """Raises Refused(repo-empty) for a tree without files, or a part that is no folder of it."""
    if not found.files and not found.links:
        raise Refused(nothing_to_read(shown))
    if not part:
        return
    folders = folders_of(found.paths)
    if part in folders:
        return
    near = difflib.get_close_matches(part, folders, n=3, cutoff=0.5)
    hint = f" The nearest folders are {', '.join(near)}." if near else ""
    raise Refused(
        Refusal(
            code=Code.REPO_EMPTY,
            message=f"{shown} names no folder of the repository.{hint}",
            remedy="Write /tree/<branch>/<folder> with a folder that holds files.",
        )
    )
