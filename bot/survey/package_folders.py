"""The folders of a repository that hold a package file of any language.

In: a tree. Out: folders. Never: what the files say; that is ``bot.survey.code``.
"""

from __future__ import annotations

from typing import Final

from bot.model.tree import Tree
from bot.survey.places import base_of, folder_of, is_aside, is_ignored

_PACKAGES: Final = frozenset(
    {
        "build.gradle", "build.gradle.kts", "cargo.toml", "composer.json", "gemfile", "go.mod", "mix.exs",
        "package.json", "pipfile", "pom.xml", "pyproject.toml", "requirements.txt", "setup.py",
    }
)  # fmt: skip
_PROJECTS: Final = (".csproj", ".fsproj", ".vbproj")


def package_folders(tree: Tree) -> tuple[str, ...]:
    """Folders that hold a package file of any language, aside and ignored ones left out."""
    found = {
        folder_of(path)
        for path in tree.texts
        if (base_of(path).lower() in _PACKAGES or base_of(path).lower().endswith(_PROJECTS))
        and not is_aside(path)
        and not is_ignored(path)
    }
    return tuple(sorted(found, key=lambda folder: (folder.count("/") + bool(folder), folder)))
