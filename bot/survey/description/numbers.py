"""The numbers inside phrases: digits and words, thousands, decimals, multipliers, ranges, sizes.

In: matched text. Out: floats and bytes. Never: a number that was rounded or guessed.

The patterns use atomic groups and bounded repetition only, so that no text makes them slow.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.quantity import Bytes

_WORD_VALUES: Final = {
    "half a": 0.5, "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES: Final = {
    "hundred": 1e2, "k": 1e3, "tsd": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "mln": 1e6, "million": 1e6,
    "b": 1e9, "bn": 1e9, "billion": 1e9,
}  # fmt: skip
_POWERS: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

_START: Final = r"(?<!\w)(?<!\d[.,':/-])(?<![\s(]-)"
_DIGITS: Final = r"(?>\d{1,3}(?:[,.' ]\d{3}){1,5}(?!\d)|\d{1,12}(?!\d)(?:[.,]\d{1,6})?)(?!\d)(?![.,]\d)"
_TENS: Final = "|".join(word for word, value in _WORD_VALUES.items() if value >= 20)
_ONES: Final = "|".join(word for word, value in _WORD_VALUES.items() if len(word) > 2 and 1 <= value < 10)
_WORDS: Final = "|".join(word for word, value in _WORD_VALUES.items() if len(word) > 2 and value >= 1)
_ROUND: Final = r"(?=\s(?:hundred|thousand|million|billion)\b)"
NUM: Final = rf"{_START}(?:{_DIGITS}|(?<![a-z]-)(?:(?:{_TENS})-(?:{_ONES})|{_WORDS})(?=[\s-])|half an?{_ROUND}|(?<!half\s)an?{_ROUND})"
"""One number, in digits or in words."""

HIGH: Final = NUM.replace(_START, r"(?<!\w)(?<!\d[.,':/])(?<![\s(]-)", 1)
"""The same behind a hyphen: the higher end of a range."""

SCALE: Final = r"(?:[\s-]?(?:hundred|thousand|tsd|million|mio\.?|mln|billion|bn|k|m|b)(?![\w/])|[km](?=rps|qps|tps|rpm|req|users?|dau|mau))?"
"""``k``, ``million`` and the like, for counts and rates."""

SIZE: Final = r"\s?(?:[kmgtp]i?b|[kmgt]i|bytes?|kilobytes?|megabytes?|gigabytes?|terabytes?|petabytes?|gigs?)\b"
"""A unit of bytes."""

ABOUT: Final = r"(?:(?:up to|at most|at least|max\.?|maximum|max of|about|around|roughly|approx\.?|approximately|circa|ca\.|over|more than|some|only)\s|[~<>=\u2264\u2265\u2248]{1,2}\s?)?"
"""Words and signs before a number that do not change it."""

_ONE: Final = re.compile(rf"(?P<number>{NUM})(?P<scale>{SCALE})", re.IGNORECASE)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[,.' ]\d{3})+")
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SIZED: Final = re.compile(rf"(?P<number>{NUM})\s?(?P<unit>[a-z]+)", re.IGNORECASE)


def quantity(name: str) -> str:
    """A pattern for a number, or the higher end of a range, caught as ``name``."""
    one = rf"{NUM}{SCALE}"
    low = rf"(?:between\s{one}\sand\s|(?:from\s)?{one}\s?(?:-|to|\.\.)\s?)?"
    return rf"{ABOUT}{low}(?P<{name}>{HIGH}{SCALE})\+?"


def rate(text: str) -> float:
    """Requests or people: a dot before exactly three digits groups thousands (nobody means 2.000 requests)."""
    return _scaled(text, dots=True)


def measure(text: str) -> float:
    """Times, growth, ratios: a dot is a decimal point, a comma before exactly three digits groups thousands."""
    return _scaled(text, dots=False)


def percent(text: str) -> float:
    """``99.9``, ``99,95``: both marks are decimal."""
    match = _ONE.search(f" {text} ")
    return 0.0 if match is None else float(_worded(match["number"].replace(",", ".")))


def size(text: str, *, memory: bool = False) -> Bytes:
    """Bytes of ``50 GB`` (decimal), ``50 GiB`` (binary), ``1.5 terabytes``; memory is always counted in binary."""
    match = _SIZED.search(f" {text} ")
    if match is None:
        return Bytes(0)
    unit = match["unit"].lower()
    power = 0 if unit.startswith("byte") else _POWERS.get(unit[0], 0)
    binary = memory or unit[1:] in {"ib", "i"}
    return Bytes(round(_value(match["number"], dots=False) * (1024 if binary else 1000) ** power))


def _scaled(text: str, *, dots: bool) -> float:
    match = _ONE.search(f" {text} ")
    if match is None:
        return 0.0
    scale = match["scale"].strip(" -.").lower()
    return _value(match["number"], dots=dots and not scale) * _SCALES.get(scale, 1.0)


def _value(digits: str, *, dots: bool) -> float:
    grouped = _GROUPED.fullmatch(digits) is not None and not digits.startswith("0")
    if grouped and (dots or digits.count(".") != 1):
        return float(re.sub(r"[,.' ]", "", digits))
    return _worded(digits.replace(",", "."))


def _worded(digits: str) -> float:
    if not digits[0].isalpha():
        return float(digits) if _PLAIN.fullmatch(digits) else float(re.sub(r"[.' ]", "", digits))
    words = digits.lower().replace("half an", "half a")
    return float(sum(_WORD_VALUES[word] for word in words.split("-")))
