"""Typed access to a YAML document: a value of the wrong type is absent, and every value knows its line.

In: ``YamlDocument``. Out: views. Never: an exception for a shape that was not expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.noun import JsonValue
from bot.model.profile import Evidence
from bot.model.tree import YamlDocument

MAX_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class View:
    """A value in a document; ``value`` is None where nothing is."""

    path: str
    document: YamlDocument
    value: JsonValue
    pointer: str = ""

    def __getitem__(self, key: str | int) -> View:
        """The value at a key or index, or a view of nothing."""
        value: JsonValue = None
        if isinstance(self.value, dict) and isinstance(key, str):
            value = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            value = self.value[key]
        escaped = str(key).replace("~", "~0").replace("/", "~1")
        return View(self.path, self.document, value, f"{self.pointer}/{escaped}")

    def at(self, *keys: str) -> View:
        """The value below several keys."""
        view = self
        for key in keys:
            view = view[key]
        return view

    def items(self) -> Iterator[tuple[str, View]]:
        """The entries of a mapping; nothing for anything else."""
        if isinstance(self.value, dict):
            for key in list(self.value)[:MAX_ITEMS]:
                yield key, self[key]

    def each(self) -> Iterator[View]:
        """The items of a list; nothing for anything else."""
        if isinstance(self.value, list):
            for index in range(min(len(self.value), MAX_ITEMS)):
                yield self[index]

    def has(self, key: str) -> bool:
        """True when a mapping holds the key, whatever its value."""
        return isinstance(self.value, dict) and key in self.value

    @property
    def text(self) -> str | None:
        """A text, or a number as text; at most 4,000 characters."""
        if isinstance(self.value, str):
            return self.value[:4_000]
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        return None

    @property
    def number(self) -> int | None:
        """A whole number, also when it was quoted."""
        if isinstance(self.value, bool):
            return None
        if isinstance(self.value, int):
            return self.value
        if isinstance(self.value, str) and self.value.isascii() and self.value.isdigit() and len(self.value) <= 18:
            return int(self.value)
        return None

    @property
    def line(self) -> int | None:
        """The 1-based line, or that of the nearest value above it."""
        pointer = self.pointer
        while pointer and pointer not in self.document.lines:
            pointer = pointer.rpartition("/")[0]
        return self.document.lines.get(pointer)

    def evidence(self, excerpt: str = "") -> Evidence:
        """Where the value stands; the excerpt is the caller's, because values may be secret."""
        return Evidence(path=self.path, line=self.line, excerpt=excerpt[:120])


def roots(path: str, documents: tuple[YamlDocument, ...]) -> Iterator[View]:
    """The mappings among the documents of a file."""
    for document in documents:
        if isinstance(document.value, dict):
            yield View(path, document, document.value)
