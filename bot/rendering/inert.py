"""Other people's words as data: no mention, reference, link, image, HTML or fence of theirs acts on GitHub.

In: untrusted text. Out: Markdown that shows the words and does nothing. Never: a lost word without a visible mark.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LIMIT: Final = 2_000
"""Characters of one piece of text; longer ones are cut with a visible note."""

_JOINER: Final = "\u200b"
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()!|~$&#])")
_ACTS: Final = re.compile(r"(?<=[@#])(?=\w)|(?<=GH-)(?=\d)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?=://)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)", re.IGNORECASE)
_LINE_START: Final = re.compile(r"^(\s*)([-+=:])", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^(\s*\d+)([.)])(?=\s|$)", re.MULTILINE)
"""A digit itself cannot be escaped: the mark behind it is, where it would begin a list."""


def _plain(text: str, limit: int) -> str:
    """One line without control, bidirectional or invisible characters, cut at ``limit``."""
    shown = "".join(letter for letter in text[: 4 * limit] if letter in "\n\t " or _visible(letter))
    line = " ".join(shown.split())
    return line if len(line) <= limit else f"{line[:limit]}… cut"


def _visible(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def inert_text(text: str, limit: int = LIMIT) -> str:
    """Prose: every character that Markdown could read as markup is escaped, mentions and addresses are broken."""
    escaped = _MARKUP.sub(r"\\\1", _plain(text, limit))
    escaped = _ACTS.sub(_JOINER, _ADDRESS.sub(_JOINER, escaped))
    return _NUMBERED.sub(r"\1\\\2", _LINE_START.sub(r"\1\\\2", escaped))


def inert_code(text: str, limit: int = LIMIT) -> str:
    """A code span, its fence longer than any run of backticks inside."""
    shown = _plain(text, limit)
    if not shown:
        return "` `"
    fence = "`" * (_longest_run(shown, "`") + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fence(text: str, language: str = "") -> str:
    """A code block, its fence longer than any run of backticks inside."""
    shown = "".join(letter for letter in text if letter in "\n\t" or _visible(letter))
    mark = "`" * max(3, _longest_run(shown, "`") + 1)
    return f"{mark}{language}\n{shown.rstrip()}\n{mark}"


def _longest_run(text: str, letter: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(letter)}+", text)), default=0)
