"""Whether a number follows from somebody's words: it stands there, or a relative word makes it of the present one.

In: plain words, a key of ``/ai-refine``, its new value and the present one. Out: yes or no. Never: a number that only a
model said and that is far from the present one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from bot.model.quantity import Bytes, MilliCpu

NEAR: Final = (Fraction(1, 2), Fraction(2))
"""A number that the words do not hold stays within these multiples of the present one."""
_SLACK: Final = Fraction(1, 50)
"""Rounding to a whole unit: 2 %."""
_COUNTS: Final = frozenset({"replicas", "min", "max", "target"})
_CPUS: Final = frozenset({"cpu", "cpu_limit"})
_WORDS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
}  # fmt: skip
_HALF: Final = Fraction(1, 2)
_FACTORS: Final = (
    (re.compile(r"\b(?:doubl\w{1,3}|twice|twofold)\b"), Fraction(2)),
    (re.compile(r"\b(?:tripl\w{1,3}|threefold|thrice)\b"), Fraction(3)),
    (re.compile(r"\bquadrupl\w{1,3}\b"), Fraction(4)),
    (re.compile(r"\b(?:halv\w{1,3}|half)\b"), _HALF),
    (re.compile(r"\bhalf (?:as (?:much|many) )?(?:more|again)\b"), Fraction(3, 2)),
    (re.compile(r"\ba third (?:more|again)\b"), Fraction(4, 3)),
    (re.compile(r"\ba quarter (?:more|again)\b"), Fraction(5, 4)),
    (re.compile(r"\ba third (?:less|fewer)\b"), Fraction(2, 3)),
    (re.compile(r"\ba quarter (?:less|fewer)\b"), Fraction(3, 4)),
)
_STEP: Final = re.compile(
    r"\b(?:more|add\w{0,3}|additional|extra|plus|less|fewer|minus|remov\w{1,3}|drop\w{0,4}|by)\b|(?<!\w)[+-]\d"
)
_NUMBER: Final = re.compile(
    r"(?<![\w.,])(?P<number>\d{1,9}(?:[.,]\d{1,6})?|" + "|".join(_WORDS) + r"|half an?)[ -]?(?P<unit>[a-z%]{1,12})?",
)
_THOUSANDS: Final = re.compile(r",(?=\d{3}$)")
_SIZE: Final = re.compile(
    r"(?P<power>[kmgtp])(?:i|ib|b|ig|igs)?|(?P<word>kilo|mega|giga|tera|kibi|mebi|gibi|tebi)bytes?"
)
_POWERS: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_MILLI: Final = re.compile(r"m|milli\w{0,8}")
_PODS: Final = re.compile(r"(?:pod|replica|instance)s?|cop(?:y|ies)")
_ANOTHER: Final = re.compile(r"\b(?:another|an (?:additional|extra))\b")
_TIMES: Final = re.compile(r"x|times|fold")
_PERCENT: Final = re.compile(r"%|percent|per")


@dataclass(frozen=True)
class Spoken:
    """A number with the word behind it, in lower case."""

    number: Fraction
    unit: str


def follows(words: str, *, key: str, value: str, present: str | None) -> bool:
    """True when the value stands in the words, follows from a relative word, or lies near the present one.

    ``value`` and ``present`` are as ``/ai-refine`` writes them; ``present`` None: the plan has no such number.
    """
    new, now = _read(key, value), None if present is None else _read(key, present)
    spoken = tuple(_spoken(words))
    said = {amount for one in spoken for amount in _amounts(key, one)}
    if new in said:
        return True
    if now is None:
        return False
    return NEAR[0] * now <= new <= NEAR[1] * now or any(_alike(new, made) for made in _made(words, spoken, said, now))


def _read(key: str, value: str) -> Fraction:
    """Pods, per cent, milli-CPU or bytes."""
    if key in _COUNTS:
        return Fraction(int(value))
    return Fraction(int(MilliCpu.parse(value) if key in _CPUS else Bytes.parse(value)))


def _spoken(words: str) -> Iterable[Spoken]:
    for match in _NUMBER.finditer(words.lower()):
        written, unit = match["number"], match["unit"] or ""
        number = _HALF if written.startswith("half") else _digits(written)
        yield Spoken(number, unit)


def _digits(written: str) -> Fraction:
    if written in _WORDS:
        return Fraction(_WORDS[written])
    return Fraction(_THOUSANDS.sub("", written).replace(",", "."))


def _amounts(key: str, one: Spoken) -> Iterable[Fraction]:
    """What a spoken number can mean for a key; a size needs its unit, and 512 MB may be meant in either base."""
    size, share = _SIZE.fullmatch(one.unit), _PERCENT.fullmatch(one.unit) or _TIMES.fullmatch(one.unit)
    if key in _CPUS and _MILLI.fullmatch(one.unit):
        yield one.number
    elif key in _CPUS and not (size or share or _PODS.fullmatch(one.unit)):
        yield one.number * 1000
    elif key in _COUNTS and not size and (not share or (key == "target" and _PERCENT.fullmatch(one.unit))):
        yield one.number
    elif size and key not in _COUNTS | _CPUS:
        power = _POWERS[(size["power"] or size["word"])[0]]
        yield one.number * 1024**power
        yield one.number * 1000**power


def _made(words: str, spoken: tuple[Spoken, ...], said: set[Fraction], now: Fraction) -> Iterable[Fraction]:
    """What the relative words make of the present number."""
    lowered = words.lower()
    yield from (factor * now for pattern, factor in _FACTORS if pattern.search(lowered))
    for one in spoken:
        if _TIMES.fullmatch(one.unit):
            yield one.number * now
        if _PERCENT.fullmatch(one.unit):
            share = one.number / 100
            yield from ((1 + share) * now, (1 - share) * now, share * now)
    if _ANOTHER.search(lowered):
        yield now + 1
    if _STEP.search(lowered):
        yield from (now + amount for amount in said)
        yield from (now - amount for amount in said)


def _alike(new: Fraction, made: Fraction) -> bool:
    """Equal, or next to it: a whole unit, or 2 %."""
    return made > 0 and abs(new - made) <= max(_SLACK * made, Fraction(1) if made < 10_000 else Fraction(0))
