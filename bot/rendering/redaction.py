"""The one exit for words: secrets leave as ``[redacted]``, whatever form they took on the way.

In: secret values, then any text. Out: the same text without them. Never: a list of the secrets, a change to text that
holds none.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from urllib.parse import quote, quote_plus

MASK = "[redacted]"

MINIMUM = 8
"""Shorter values are no secrets: replacing every ``test`` or ``token`` of a text would destroy it and hide nothing."""

_LINE = 24
"""A multi-line secret (a PEM key) may be printed in parts: each of its lines of this length counts as a secret."""

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|\bgh[a-z]_[A-Za-z0-9._-]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bAKIA[A-Z0-9]{16}\b"
    r"|\bsk-[A-Za-z0-9_-]{32,}"
    r"|(?<=PVEAPIToken=)[^\s'\"]{8,}"
    r"|(?<=://)[^\s/@:'\"<>]{1,200}:[^\s/@'\"<>]{1,600}(?=@)"
)
"""Tokens known by their shape. GitHub's 2026 format holds dots and dashes and is some 520 characters long, so no fixed
length is used."""


KEPT = 256
"""How many added values are remembered: a minted token lives an hour, so those of long ago may be forgotten."""


class Secrets:
    """Exact values that leave no exit; more may be added while other threads redact.

    ``values`` stay for good. Values of fewer than 8 characters are ignored. It never prints what it holds.
    """

    def __init__(self, values: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._fixed = frozenset(form for value in values for form in _forms(value))
        self._added: dict[str, frozenset[str]] = {}
        self._all = _longest_first(self._fixed)

    def add(self, value: str) -> None:
        """From now on this value is a secret too; the oldest of more than ``KEPT`` added ones is forgotten."""
        with self._lock:
            self._added.pop(value, frozenset())
            self._added[value] = frozenset(_forms(value))
            while len(self._added) > KEPT:
                del self._added[next(iter(self._added))]
            self._all = _longest_first(self._fixed.union(*self._added.values()))

    def keep(self, value: str) -> None:
        """From now on this value is a secret for good."""
        with self._lock:
            self._fixed |= frozenset(_forms(value))
            self._all = _longest_first(self._fixed.union(*self._added.values()))

    def redact(self, text: str) -> str:
        """The text without them, in any form: exact, base64 at any alignment, URL-, JSON- and HTML-encoded."""
        for form in self._all:
            if form in text:
                text = text.replace(form, MASK)
        return _SHAPES.sub(MASK, text)


def redactor(secrets: Sequence[str]) -> Callable[[str], str]:
    """A function that takes every secret out of a text; see ``Secrets``."""
    return Secrets(secrets).redact


def _longest_first(forms: Collection[str]) -> tuple[str, ...]:
    """A value that holds another one goes first, whole."""
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> Iterator[str]:
    for value in _parts(secret):
        yield value
        yield quote(value, safe="")
        yield quote_plus(value)
        yield json.dumps(value)[1:-1]
        yield html.escape(value)
        yield from _base64_cores(value.encode("utf-8", "surrogatepass"))


def _parts(secret: str) -> Iterator[str]:
    value = secret.strip()
    if len(value) >= MINIMUM:
        yield value
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _LINE and not line.startswith("-----"))


def _base64_cores(value: bytes) -> Iterator[str]:
    """The characters that stay the same wherever the value stands inside an encoded text (three alignments)."""
    for shift in range(3):
        first = math.ceil(shift * 8 / 6)
        last = (shift + len(value)) * 8 // 6
        padded = b"\0" * shift + value
        yield base64.b64encode(padded).decode()[first:last]
        yield base64.urlsafe_b64encode(padded).decode()[first:last]
