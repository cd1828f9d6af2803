"""Rendered files: what the pull request adds.

In: rendered text. Out: an immutable set, sorted by path. Never: a path outside the application's own folder.
"""

from __future__ import annotations

from pydantic import model_validator

from bot.model.noun import Noun


class RenderedFile(Noun):
    """One file, POSIX path relative to the infrastructure repository's root."""

    path: str
    content: str


class ChangeSet(Noun):
    """All files of one application; ``root`` is the only folder they may lie in (``apps/<app>``)."""

    root: str
    files: tuple[RenderedFile, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> ChangeSet:
        paths = [file.path for file in self.files]
        if paths != sorted(set(paths)):
            raise ValueError("files must be sorted by path and unique")
        for path in paths:
            if not path.startswith(self.root + "/") or ".." in path.split("/"):
                raise ValueError(f"{path} is outside {self.root}")
        return self

    def content(self, path: str) -> str | None:
        """The text of one file, or None."""
        return next((file.content for file in self.files if file.path == path), None)
