"""Files that were just planned, as a checkout: for ``create --apply``, where no commit exists.

In: a change set. Out: what ``bot.deploy.Checkout`` says. Never: a file outside the change set's own folder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bot.model.changes import ChangeSet


@dataclass(frozen=True)
class Unmerged:
    """``bot.deploy.Checkout`` of one change set; its only commit is a hash of its files."""

    changes: ChangeSet

    def head(self) -> str:
        """40 hexadecimal digits that are the same for the same files."""
        known = hashlib.sha256()
        for file in self.changes.files:
            known.update(f"{file.path}\0{file.content}\0".encode())
        return known.hexdigest()[:40]

    def parent(self, commit: str) -> None:
        """Nothing was before."""
        del commit

    def changed(self, base: str | None, head: str) -> tuple[str, ...]:
        """Every file."""
        del base
        return self.paths(head, "")

    def paths(self, commit: str, root: str) -> tuple[str, ...]:
        """See ``bot.deploy.Checkout``."""
        del commit
        return tuple(file.path for file in self.changes.files if not root or file.path.startswith(f"{root}/"))

    def text(self, commit: str, path: str) -> str | None:
        """See ``bot.deploy.Checkout``."""
        del commit
        return self.changes.content(path)

    def export(self, commit: str, root: str, into: Path) -> None:
        """See ``bot.deploy.Checkout``."""
        for path in self.paths(commit, root):
            target = into / path.removeprefix(f"{root}/")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.write_text(self.changes.content(path) or "", encoding="utf-8")
