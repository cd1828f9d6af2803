"""Files to add to a repository that people own: beside what is there, in place of nothing.

In: rendered files. Out: a change set that deletes nothing. Never: a path of git's or GitHub's own, a file that exists.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import model_validator

from bot.model.changes import ChangeSet

_PART: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9._-]{0,199}", re.ASCII)


class Additions(ChangeSet):
    """A change set whose files may lie anywhere: ``root`` is empty, nothing is taken away below it, and whoever writes
    it refuses (conflict) where one of its paths is taken on the default branch.
    """

    root: str = ""

    @model_validator(mode="after")
    def _inside(self) -> Additions:
        paths = [file.path for file in self.files]
        if self.root or not paths or paths != sorted(set(paths)):
            raise ValueError("additions have no root; their files are sorted by path and unique")
        for path in paths:
            if not all(_plain(part) for part in path.split("/")):
                raise ValueError(f"{path} is not a path that may be added")
        return self


def _plain(part: str) -> bool:
    return bool(_PART.fullmatch(part)) and part not in {".", ".."} and not part.lower().startswith(".git")
