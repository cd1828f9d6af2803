"""When two names mean the same service: ``rs-cart``, ``examplevotingapp_cart`` and ``cart``.

In: names of folders, images, workloads. Out: yes or no, and how well. Never: a guess between two equal matches.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SEPARATORS: Final = re.compile(r"[-_.\s]+")


@lru_cache(maxsize=4096)
def key_of(name: str) -> str:
    """A name without case and separators."""
    return _SEPARATORS.sub("", name[:300].lower())


def same(name: str, other: str) -> bool:
    """True when two names differ in case and separators only."""
    return bool(name) and key_of(name) == key_of(other)


def ends_with(name: str, other: str) -> bool:
    """True when the last words of a name are the other one: ``rs-cart`` ends with ``cart``."""
    words, wanted = _words(name), _words(other)
    return bool(wanted[0]) and len(words) >= len(wanted) and words[-len(wanted) :] == wanted


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(_SEPARATORS.split(name[:300].lower()))


def rank(name: str, other: str) -> int:
    """0 for the same, 1 when one ends with the other, 2 for strangers."""
    if same(name, other):
        return 0
    return 1 if ends_with(name, other) or ends_with(other, name) else 2
