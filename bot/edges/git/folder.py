"""A folder of this computer, read as it lies on disk; it need not be a git repository.

In: a folder. Out: a ``Tree``. Never: a file outside the folder, a device or pipe, a program started. ``commit`` is
None: what lies on disk is no commit, and the same files have to give the same bytes in every checkout.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.edges.git.limits import GitLimits
from bot.edges.git.links import Links, Resolved, link_notes, link_nouns
from bot.edges.git.listing import Listing, clean_path, odd_path, summed
from bot.edges.git.objects import nothing_to_read
from bot.edges.git.process import timed_out, too_big
from bot.edges.git.texts import texts_of, too_large, too_many
from bot.errors import Code, Refusal, Refused
from bot.model.command import FolderTarget
from bot.model.tree import Tree, Unread
from bot.ports import YamlReader

SKIPPED: Final = frozenset({".git", "node_modules", "vendor", ".venv"})
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_folder(
    target: FolderTarget,
    *,
    select: Callable[[Sequence[str], str], tuple[str, ...]],
    yaml: YamlReader,
    limits: GitLimits,
) -> Tree:
    """The survey set of a folder. Raises Refused (repo-url, repo-empty, repo-too-big) or Unavailable (repo-timeout)."""
    root = _root(target)
    walk = _Walk(root, target.folder, limits, time.monotonic() + limits.seconds)
    found, targets = walk.listing()
    if not found.files and not found.links:
        raise Refused(nothing_to_read(target.folder))
    links = Links(found.files, targets)
    resolved = {path: links.resolve(path) for path in found.links}
    readable = tuple(sorted((*found.files, *(path for path, to in resolved.items() if to.path))))
    chosen = select(readable, "")
    unread: list[Unread] = []
    texts = texts_of(_contents(root, chosen[: limits.files], resolved, limits=limits, unread=unread), limits)
    documents, odd = yaml.read(texts.yaml())
    notes = (
        *found.unread, *too_many(len(chosen), limits), *unread, *texts.unread, *odd, *link_notes(resolved, resolved, ())
    )  # fmt: skip
    return Tree(
        name=root.name or "folder",
        ref=None,
        commit=None,
        paths=readable,
        texts=texts.texts,
        yaml=documents,
        links=link_nouns(found.links, targets, ()),
        unread=summed(notes, limits.notes),
    )


def _root(target: FolderTarget) -> Path:
    try:
        root = Path(target.folder).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        root = None
    if root is None or not root.is_dir():
        raise Refused(
            Refusal(
                code=Code.REPO_URL,
                message=f"{target.folder!r} is neither an https repository address nor a folder that can be read.",
                remedy='Write git_repo: "https://github.com/owner/name", or the path of an existing folder.',
            )
        )
    return root


@dataclass(frozen=True)
class _Walk:
    root: Path
    shown: str
    limits: GitLimits
    deadline: float
    notes: list[Unread] = field(default_factory=list)

    def listing(self) -> tuple[Listing, dict[str, str]]:
        files: dict[str, str] = {}
        targets: dict[str, str] = {}
        for path, entry in self._entries():
            if entry.is_symlink():
                targets[path] = self._target(entry)
            elif entry.is_file(follow_symlinks=False):
                files[path] = ""
            else:
                self.notes.append(Unread(path=path, reason="not a regular file"))
            self._check(len(files) + len(targets))
        return Listing(files, dict.fromkeys(targets, ""), (), tuple(self.notes)), targets

    def _entries(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        ahead = [("", str(self.root))]
        while ahead:
            prefix, folder = ahead.pop()
            for entry in self._scan(prefix, folder):
                path = clean_path(os.fsencode(prefix + entry.name))
                if path is None:
                    self.notes.append(odd_path(os.fsencode(prefix + entry.name)))
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED:
                        ahead.append((f"{path}/", entry.path))
                elif entry.name not in SKIPPED:
                    yield path, entry

    def _scan(self, prefix: str, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            self.notes.append(Unread(path=prefix or ".", reason="the folder cannot be opened"))
            return []

    def _target(self, entry: os.DirEntry[str]) -> str:
        """An absolute target inside the folder is written relative to the link, so that one rule resolves both."""
        try:
            target = os.fsencode(Path(entry.path).readlink()).decode("utf-8", errors="replace")
        except OSError:
            return "/an unreadable link"
        if not target.startswith(f"{self.root}/"):
            return target
        return os.path.relpath(target, Path(entry.path).parent)

    def _check(self, count: int) -> None:
        if count > self.limits.entries:
            raise Refused(too_big(self.shown, f"{self.limits.entries:,} files"))
        if count % 256 == 0 and time.monotonic() > self.deadline:
            raise timed_out(self.shown, self.limits.seconds)


def _contents(
    root: Path, chosen: Sequence[str], resolved: dict[str, Resolved], *, limits: GitLimits, unread: list[Unread]
) -> Iterator[tuple[str, bytes]]:
    """One file at a time, so that memory stays within the limits; what cannot be read is added to ``unread``."""
    for path in chosen:
        real = resolved[path].path if path in resolved else path
        try:
            raw = read_beneath(root, real or path, limit=limits.file_bytes)
        except OSError:
            unread.append(Unread(path=path, reason="the file cannot be opened"))
            continue
        if raw is None:
            unread.append(too_large(path, limits))
        else:
            yield path, raw


def read_beneath(root: Path, path: str, *, limit: int) -> bytes | None:
    """A regular file below ``root``, opened folder by folder so that no link is followed; None beyond ``limit`` bytes.

    Raises OSError for a link on the way, or anything but a regular file.
    """
    *folders, name = path.split("/")
    with contextlib.ExitStack() as stack:
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, at)
        for folder in folders:
            at = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=at)
            stack.callback(os.close, at)
        file = os.open(name, _FLAGS, dir_fd=at)
        with os.fdopen(file, "rb") as stream:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(f"{path} is not a regular file")
            raw = stream.read(limit + 1)
    return None if len(raw) > limit else raw
