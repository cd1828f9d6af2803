"""Symbolic links as data: where a link of the tree points, worked out without touching a file system.

In: the paths of a tree and the targets of its links. Out: the path of a file of the same tree, or the reason why not.
Never: a path outside the tree, more than five hops.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from bot.model.tree import Link, Unread

MAX_HOPS: Final = 5
MAX_TARGET: Final = 1024


@dataclass(frozen=True)
class Resolved:
    """Exactly one of ``path`` and ``reason``."""

    path: str | None
    reason: str = ""


@dataclass(frozen=True)
class Links:
    """The links of a tree; a link whose target is not known is absent from ``targets``."""

    files: Collection[str]
    targets: Mapping[str, str]

    def resolve(self, path: str) -> Resolved:
        """Follow a link (or a path through a linked folder) to a file of the tree."""
        ahead = path.split("/")[::-1]
        done: list[str] = []
        hops = 0
        while ahead:
            word = ahead.pop()
            if word == ".." and not done:
                return Resolved(None, "symbolic link out of the tree, not followed")
            if word == "..":
                done.pop()
                continue
            if word in {"", "."}:
                continue
            done.append(word)
            target = self.targets.get("/".join(done))
            if target is None:
                continue
            hops += 1
            stop = _refused(target, hops)
            if stop is not None:
                return stop
            done.pop()
            ahead.extend(target.split("/")[::-1])
        return self._arrived("/".join(done))

    def _arrived(self, path: str) -> Resolved:
        if path in self.files:
            return Resolved(path)
        return Resolved(None, "symbolic link to a folder or to nothing, not followed")


def _refused(target: str, hops: int) -> Resolved | None:
    if hops > MAX_HOPS:
        return Resolved(None, f"symbolic link loop or chain of more than {MAX_HOPS}, not followed")
    if target.startswith("/"):
        return Resolved(None, "symbolic link out of the tree, not followed")
    return None


def link_target(raw: bytes) -> str | None:
    """The content of a link as text, or None when no file system would accept it."""
    if not raw or len(raw) > MAX_TARGET or b"\0" in raw or b"\n" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def link_nouns(paths: Collection[str], targets: Mapping[str, str], modules: Collection[str]) -> tuple[Link, ...]:
    """Every link and submodule as a noun, sorted."""
    symlinks = (Link(path=path, kind="symlink", target=targets.get(path)) for path in paths)
    submodules = (Link(path=path, kind="submodule") for path in modules)
    return tuple(sorted((*symlinks, *submodules), key=lambda link: link.path))


def link_notes(
    paths: Collection[str], resolved: Mapping[str, Resolved], modules: Collection[str]
) -> tuple[Unread, ...]:
    """What was not followed, for the pull request."""
    stopped = (
        Unread(path=path, reason=resolved[path].reason or "symbolic link, not followed")
        for path in sorted(paths)
        if resolved[path].path is None
    )
    return (*stopped, *(Unread(path=path, reason="submodule, not read") for path in sorted(modules)))
