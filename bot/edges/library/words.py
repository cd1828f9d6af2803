"""Text as words that can be looked up: what people type into a search is data, never the syntax of a query.

In: text that anybody wrote. Out: plain words; a text cut to a few sentences. Never: a quote, an operator, a control
character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 700
"""Characters of a piece's text."""
_MOST: Final = 64
_NAMES: Final = (
    ("c++", re.compile(r"\bc\+\+"), "cplusplus"),
    ("c#", re.compile(r"\bc#"), "csharp"),
    (".net", re.compile(r"(?<![\w.])\.net\b"), "dotnet"),
    ("js", re.compile(r"\bnode\.?js\b"), "nodejs"),
    ("postgresql", re.compile(r"\bpostgresql\b"), "postgres"),
)
"""Names that would fall apart into letters, or that people write in two ways."""
_WORD: Final = re.compile(r"[^\W_]{1,40}")
_EMPTY: Final = frozenset(
    re.findall(
        r"[a-z]+",
        "a an and are as at be by can do for from has have how if in is it its may must no not of on or our per so than"
        " that the their them then there these they this to use used was we what when where which who will with you",
    )
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def plain(text: str) -> str:
    """The text as it is indexed: lower case, names of technologies in one spelling, no control characters."""
    text = text.lower()
    for sign, name, word in _NAMES:
        if sign in text:
            text = name.sub(word, text)
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def words_of(phrases: Iterable[str]) -> tuple[str, ...]:
    """At most 64 different words in lower case, in the order of the phrases, without those that say nothing."""
    found: dict[str, None] = {}
    for phrase in phrases:
        for word in _WORD.findall(plain(phrase[:2_000])):
            if word not in _EMPTY:
                found.setdefault(word)
            if len(found) == _MOST:
                return tuple(found)
    return tuple(found)


def cut(text: str, longest: int = LONGEST) -> str:
    """The text on one line, at most so many characters, ended at a sentence or a word where it is cut."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    if len(line) <= longest:
        return line
    part = line[: longest - 1]
    sentence = part.rfind(". ")
    if sentence > longest // 2:
        return part[: sentence + 1]
    return part[: part.rfind(" ") if " " in part[longest // 2 :] else None].rstrip() + "…"
