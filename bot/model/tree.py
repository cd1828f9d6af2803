"""A repository as read: paths, the texts of the survey set, parsed YAML with line numbers, and what was not read.

In: what the git or folder edge read within its caps. Out: the survey's only input. Never: file handles, code that runs.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import JsonValue, Noun


class Unread(Noun):
    """Something that could not be read; the rest was. Shown in the pull request as ``read-limits``."""

    path: str
    reason: str


class YamlDocument(Noun):
    """One YAML document as plain data. ``lines`` maps a JSON pointer (``/services/web/ports/0``, root is the empty
    string) to its 1-based line.
    """

    value: JsonValue
    lines: dict[str, int] = {}


class Link(Noun):
    """A symbolic link or submodule entry: noted, never followed out of the tree."""

    path: str
    kind: Literal["symlink", "submodule"]
    target: str | None = None


class Tree(Noun):
    """A repository at one commit, relative to ``part`` when a part of a monorepo was named.

    ``paths`` are all file paths (sorted, POSIX, relative to the repository root, whole repository). ``texts`` and
    ``yaml`` hold the survey set only. ``part`` is the folder that the command named, or the empty string for all.
    """

    name: str
    ref: str | None
    commit: str | None
    part: str = ""
    paths: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    yaml: dict[str, tuple[YamlDocument, ...]] = {}
    links: tuple[Link, ...] = ()
    unread: tuple[Unread, ...] = ()
