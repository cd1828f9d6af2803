"""Bytes of strangers become text, or a reason why not.

In: contents by path, in the order of their importance. Out: texts within the limits and notes. Never: a guess passed
off as fact: a file that is not UTF-8 is marked.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.edges.git.limits import GitLimits
from bot.model.quantity import KIB, MIB
from bot.model.tree import Unread

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LFS: Final = b"version https://git-lfs.github.com/spec/"
_YAML: Final = (".yaml", ".yml")


@dataclass(frozen=True)
class Texts:
    """Texts by path, and notes."""

    texts: dict[str, str]
    unread: tuple[Unread, ...]

    def yaml(self) -> dict[str, bytes]:
        """The YAML files again as UTF-8 bytes, for the reader of hostile YAML."""
        return {path: text.encode() for path, text in self.texts.items() if path.lower().endswith(_YAML)}


def texts_of(contents: Iterable[tuple[str, bytes]], limits: GitLimits) -> Texts:
    """Decode what fits. A path may share its bytes with another; each counts."""
    texts: dict[str, str] = {}
    unread: list[Unread] = []
    room = limits.total_bytes
    for path, raw in contents:
        if len(raw) > room:
            unread.append(beyond_all(path, limits))
            continue
        text, note = decode(raw)
        if text is not None:
            room -= len(raw)
            texts[path] = text
        if note is not None:
            unread.append(Unread(path=path, reason=note))
    return Texts(texts, tuple(unread))


def decode(raw: bytes) -> tuple[str | None, str | None]:
    """Text and note: UTF-8 with or without a byte order mark, UTF-16 with one, else Latin-1 and a note."""
    if raw.startswith(_LFS):
        return None, "Git LFS pointer, the content was not read"
    if raw.startswith(_UTF16):
        return _utf16(raw)
    if b"\0" in raw:
        return None, "binary, or UTF-16 without a byte order mark"
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "not UTF-8; read as Latin-1, so letters beyond ASCII may be wrong"


def too_large(path: str, limits: GitLimits) -> Unread:
    """The note about a file beyond the limit for one file."""
    return Unread(path=path, reason=f"larger than the limit of {limits.file_bytes / KIB:g} KiB for one file")


def beyond_all(path: str, limits: GitLimits) -> Unread:
    """The note about a file for which no room was left."""
    return Unread(path=path, reason=f"beyond the limit of {limits.total_bytes / MIB:g} MiB in all")


def too_many(count: int, limits: GitLimits) -> tuple[Unread, ...]:
    """The note about files beyond the limit of the survey set."""
    if count <= limits.files:
        return ()
    reason = f"{count - limits.files:,} files of the survey set were not read (limit {limits.files:,})"
    return (Unread(path=".", reason=reason),)


def _utf16(raw: bytes) -> tuple[str | None, str | None]:
    try:
        text = raw.decode("utf-16")
    except UnicodeDecodeError:
        return None, "broken UTF-16"
    return (None, "binary") if "\0" in text else (text, None)
