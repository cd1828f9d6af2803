"""What a phrase rule is, and the numbers inside phrases.

In: matches of bounded patterns. Out: values with units. Never: a number that was rounded or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.quantity import Bytes

Category = Literal[
    "workload and scale",
    "SLAs and performance",
    "criticality and tier",
    "tech stack",
    "statefulness",
    "data and storage",
    "dependencies",
    "special requirements",
]
Found = re.Match[str]
Changes = Mapping[str, object]

NUM: Final = r"(?:\d{1,3}(?:[,.' ]\d{3})+(?!\d)|\d{1,15}(?:[.,]\d{1,6})?)"
SCALE: Final = r"(?:\s?(?:k|m|mio|thousand|million|bn|billion)\b)?"
SIZE: Final = r"\s?(?:[kmgtp]i?b|[kmgt]i|bytes?|kilobytes?|megabytes?|gigabytes?|terabytes?)\b"
COUNT: Final = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
UP_TO: Final = r"(?:up to|at most|max(?:imum)?(?: of)?|about|around|roughly|approx(?:imately)?\.?|ca\.?|~|<=?|>=?|\u2264|\u2265)?\s?"

_SCALES: Final = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9,
}  # fmt: skip
_COUNTS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12,
}  # fmt: skip
_SIZES: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_NUMBER: Final = re.compile(rf"({NUM})({SCALE})", re.IGNORECASE)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[,.' ]\d{3})+")


@dataclass(frozen=True, kw_only=True)
class PhraseRule:
    """One row of the table.

    ``changes`` gives the ``Demand`` fields that a match sets; empty means understood but not acted on, and ``note`` says
    why. ``field`` is the one shown.
    """

    id: str
    category: Category
    pattern: str
    field: str | None
    examples: tuple[str, ...]
    changes: Callable[[Found], Changes] = lambda _found: {}
    note: str = ""
    negatable: bool = True


def number(text: str, *, grouped_dots: bool = False) -> float:
    """The number in ``2,000``, ``2k``, ``1.5 million``, ``2'000`` or ``1,5``.

    A dot before exactly three digits is a decimal point unless ``grouped_dots`` (rates: nobody means 2.000 requests).
    """
    match = _NUMBER.search(text)
    if match is None:
        return 0.0
    digits, scale = match[1], match[2].strip().lower()
    return _digits(digits, grouped_dots=grouped_dots) * _SCALES.get(scale, 1.0)


def _digits(digits: str, *, grouped_dots: bool) -> float:
    grouped = _GROUPED.fullmatch(digits) is not None and not digits.startswith("0")
    if grouped and (grouped_dots or "." not in digits or digits.count(".") > 1):
        return float(re.sub(r"[,.' ]", "", digits))
    return float(digits.replace(",", ".").replace(" ", "").replace("'", ""))


def counted(text: str) -> float:
    """A number in digits or, up to twelve, in words."""
    return float(_COUNTS[text.lower()]) if text.lower() in _COUNTS else number(text)


def last_number(text: str, *, grouped_dots: bool = False) -> float:
    """The last number of a text: the higher end of a range."""
    found = list(_NUMBER.finditer(text))
    return number(found[-1][0], grouped_dots=grouped_dots) if found else 0.0


def size(text: str, *, memory: bool = False) -> Bytes:
    """Bytes of ``50 GB`` (decimal), ``50 GiB`` (binary) or ``1.5 terabytes``; memory is always counted in binary."""
    unit = re.search(rf"{NUM}\s?([a-z]+)", text, re.IGNORECASE)
    name = unit[1].lower() if unit else "b"
    power = _SIZES.get(name[0], 0) if not name.startswith("byte") else 0
    base = 1024 if memory or (len(name) > 1 and name[1] == "i" and name not in {"kilobyte", "kilobytes"}) else 1000
    digits = re.search(NUM, text)
    return Bytes(round(_digits(digits[0], grouped_dots=False) * base**power)) if digits else Bytes(0)


def sets(**fields: object) -> Callable[[Found], Changes]:
    """A rule that sets the same values whatever matched."""
    return lambda _found: fields
