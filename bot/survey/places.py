"""Where things lie: folders, base names and the parts of a repository that say nothing about the application.

In: POSIX paths relative to the repository root. Out: the same. Never: the file system.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

IGNORED_FOLDERS: Final = frozenset(
    {
        ".git", ".cache", ".devcontainer", ".idea", ".mypy_cache", ".next", ".nuxt", ".terraform", ".tox", ".venv",
        ".vscode", ".yarn", "__pycache__", "bower_components", "node_modules", "site-packages", "third_party",
        "third-party", "thirdparty", "vendor", "vendored", "venv",
    }
)  # fmt: skip
"""Other people's code, caches and editors: never read."""

BUILT_FOLDERS: Final = frozenset({"build", "coverage", "dist", "gen", "generated", "genproto", "out", "target"})
"""What tools write: no source is read there (Dockerfiles in ``build/`` are)."""

SIDE_FOLDERS: Final = frozenset(
    {
        "__tests__", "__mocks__", "acceptance", "benchmark", "benchmarks", "ci", "cypress", "demo", "demos", "doc",
        "docs", "e2e", "e2e-tests", "example", "examples", "fixtures", "hack", "integration", "integration-tests",
        "mock", "mocks", "playwright", "sample", "samples", "script", "scripts", "seed-data", "spec", "specs", "test",
        "testdata", "tests", "tools", "tutorial", "tutorials",
    }
)  # fmt: skip
"""Beside the application: read last, and never a service while something better exists."""

TEST_FOLDERS: Final = frozenset(
    {
        "__tests__", "__mocks__", "acceptance", "cypress", "e2e", "e2e-tests", "fixtures", "integration-tests", "mocks",
        "playwright", "spec", "specs", "test", "testdata", "tests",
    }
)  # fmt: skip

_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


def folder_of(path: str) -> str:
    """The folder of a file; the empty string is the root."""
    return path.rpartition("/")[0]


def base_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def is_below(path: str, folder: str) -> bool:
    """True when a file lies in a folder or deeper; everything lies below the root."""
    return folder == "" or path.startswith(folder + "/")


def within(folder: str, other: str) -> bool:
    """True when a folder is another one or lies below it."""
    return other in {"", folder} or folder.startswith(other + "/")


def join(folder: str, relative: str) -> str | None:
    """A relative path as seen from a folder; None when it is absolute or leaves the repository."""
    if relative.startswith("/") or "\0" in relative or "\\" in relative or "://" in relative:
        return None
    joined = posixpath.normpath(posixpath.join(folder or ".", relative))
    if joined == ".":
        return ""
    return None if joined == ".." or joined.startswith("../") else joined


def parts_of(path: str) -> list[str]:
    """The folders of a file, lower case."""
    return path.lower().split("/")[:-1]


def is_ignored(path: str) -> bool:
    """True below a folder that is never read."""
    return not IGNORED_FOLDERS.isdisjoint(path.split("/"))


def is_aside(path: str) -> bool:
    """True below a folder that lies beside the application (tests, examples, tools)."""
    return not SIDE_FOLDERS.isdisjoint(parts_of(path))


def slug(text: str) -> str:
    """A DNS-1123 label of at most 63 characters; the empty string when nothing is left."""
    return _NOT_A_NAME.sub("-", text[:400].lower()).strip("-")[:63].strip("-")
