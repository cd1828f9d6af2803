"""What GitHub answered before, with its tag: asked again with the tag, an unchanged answer costs nothing.

In: an address and its answer. Out: the same answer later. Never: an answer without asking GitHub (the right to see it
may be gone), more memory than its bound.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass

ENTRIES = 1_024
CHARACTERS = 16_000_000
"""The texts of all remembered answers together."""


@dataclass(frozen=True)
class Tagged:
    """One answer: its tag, its JSON text, and the ``Link`` header that a 304 may leave out."""

    tag: str
    text: str
    link: str

    @property
    def data(self) -> object:
        """The answer's data, a fresh copy."""
        return json.loads(self.text)


class Etags:
    """The last answers of one credential, the least used ones forgotten first."""

    def __init__(self, *, entries: int = ENTRIES, characters: int = CHARACTERS) -> None:
        self._entries = entries
        self._characters = characters
        self._kept: OrderedDict[str, Tagged] = OrderedDict()
        self._held = 0
        self._turn = threading.Lock()

    def get(self, key: str) -> Tagged | None:
        """The remembered answer of an address."""
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: str, *, tag: str, data: object, link: str) -> None:
        """Remember an answer."""
        new = Tagged(tag, json.dumps(data, separators=(",", ":")), link)
        with self._turn:
            self._drop(self._kept.pop(key, None))
            self._kept[key] = new
            self._held += len(new.text)
            while len(self._kept) > self._entries or self._held > self._characters:
                self._drop(self._kept.popitem(last=False)[1])

    def _drop(self, old: Tagged | None) -> None:
        self._held -= len(old.text) if old else 0
