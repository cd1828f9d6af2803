"""What a row of the request's table is, and how rows are found in a text.

In: the text on one line. Out: ``Said`` values with their places, and the text without them. Never: one letter taken
twice, time that grows faster than the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as filled
from typing import Any, Final, Literal

from bot.errors import Code, Refusal, Refused
from bot.survey.description.negation import OWN_NEGATION, is_denied

TAKEN: Final = "\u241f"
LONGEST: Final = 2_000
"""Characters of a request: a page of text; what is longer describes an application."""

About = Literal["names", "source", "size", "network", "placement", "protection", "cluster", "add-ons"]
_SPACED: Final = re.compile(r"(?<![\w.,'/-])[1-9]\d{0,2}(?: \d{3})+(?![\w.,'])(?! ?[kmgt]i?b\b)", re.IGNORECASE)
_COUNTED_SIZE: Final = re.compile(r"(?<=\d) (?=\d{3} ?[kmgt]i?b\b)", re.IGNORECASE)
_NEIGHBOURS: Final = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_GROUPS: Final = re.compile(r"(?<![\w.,'])\d{1,3}(?:[,.']\d{3})+(?!\d)")
_DASHES: Final = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2019": "'"}
)
_TIMES: Final = str.maketrans({"\u00d7": "x", "\u201c": '"', "\u201d": '"', "\u2018": "'"})


@dataclass(frozen=True, kw_only=True)
class RequestRule:
    """One row. ``changes`` gives what a match states (nothing: the phrase is listed as not acted on, with ``note``).

    ``field`` is what a reviewer sees it under. ``negatable``: "no", "without" before it turn it into ``denied``.
    ``changes`` may raise ``Refused`` for a value that no machine can have.
    """

    id: str
    about: About
    field: str | None
    pattern: str
    examples: tuple[str, ...]
    changes: Callable[[re.Match[str]], Mapping[str, Any]] = lambda _found: {}
    note: str = ""
    negatable: bool = False
    denied: Mapping[str, Any] = filled(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """A phrase that a rule took: where it stands and what it states."""

    rule: RequestRule
    start: int
    end: int
    text: str
    changes: Mapping[str, Any]
    denied: bool = False
    refusal: Refusal | None = None


Compiled = tuple[tuple[RequestRule, re.Pattern[str]], ...]


def compiled(rules: Sequence[RequestRule]) -> Compiled:
    """Rules with their patterns, any case."""
    return tuple((rule, re.compile(rule.pattern, re.IGNORECASE | re.ASCII)) for rule in rules)


def prepared(text: str) -> str:
    """One line, single spaces, plain digits and dashes, nothing invisible; a space at both ends.

    The same as the description's, which keeps its own beside its cap.
    """
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).translate(_DASHES).translate(_TIMES)
    letters = (
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in folded[:LONGEST]
        if unicodedata.category(letter) not in {"Cf", "Cs"} and letter != TAKEN
    )
    return " " + _numerals(" ".join("".join(letters).split())) + " "


def _numerals(text: str) -> str:
    """Spaces between digits made plain: ``10 000 users`` is one number, ``2 100GB disks`` are two, so are all others.

    Numbers that are grouped in two ways, or that begin with a zero and are grouped, are no numbers at all.
    """
    joined = _SPACED.sub(lambda found: found[0].replace(" ", ""), text)
    parted = _NEIGHBOURS.sub(" ; ", _COUNTED_SIZE.sub(" x ", joined))
    return _GROUPS.sub(lambda found: found[0] if _uniform(found[0]) else re.sub(r"[,.']", " ; ", found[0]), parted)


def _uniform(digits: str) -> bool:
    marks = {letter for letter in digits if not letter.isdigit()}
    return len(marks) == 1 and (not digits.startswith("0") or re.fullmatch(r"\d+[.,]\d+", digits) is not None)


def recognised(whole: str, left: str, rules: Compiled) -> tuple[list[Said], str]:
    """The phrases of ``left`` (``whole`` with earlier phrases hidden) in the order of the rules, and what is left.

    A phrase that states something that cannot be carries its ``refusal``: whether it counts is known only when the
    text is known to be a request.
    """
    said: list[Said] = []
    for rule, pattern in rules:
        found = [match for match in pattern.finditer(left) if match[0].strip()]
        said += [_said(rule, match, whole) for match in found]
        left = hidden(left, [match.span() for match in found])
    return said, left


def hidden(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with these places covered; its length stays. Spans are in reading order."""
    parts, end = [], 0
    for start, stop in spans:
        parts += [text[end:start], TAKEN * (stop - start)]
        end = stop
    return "".join([*parts, text[end:]])


def _said(rule: RequestRule, match: re.Match[str], whole: str) -> Said:
    start, end = match.span()
    text = plain(whole[start:end].strip(" ,;(:"))
    inner = start + len(match[0]) - len(match[0].lstrip(" ,;("))
    denied = rule.negatable and OWN_NEGATION.search(match[0]) is None and is_denied(whole, inner, end)
    if denied:
        return Said(rule, start, end, text, rule.denied, denied=True)
    try:
        return Said(rule, start, end, text, rule.changes(match))
    except Refused as stop:
        return Said(rule, start, end, text, {}, refusal=stop.refusal)


def plain(text: str) -> str:
    """Words of the request for a report: ASCII, at most 80 characters."""
    return ascii(text)[1:-1][:80]


def shown(text: str) -> str:
    """Untrusted text for a message: ASCII, quoted, at most 48 characters. The same as the rules of names show it."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def refuse(message: str, remedy: str, code: Code = Code.POLICY) -> Refused:
    """A value that no machine can have, to be raised."""
    return Refused(Refusal(code=code, message=message, remedy=remedy))
