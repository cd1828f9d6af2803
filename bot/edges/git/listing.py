"""What a tree holds: files, links and submodules by path, read from ``ls-tree -r -z``.

In: git's listing, bytes that a stranger chose. Out: clean paths and what was left out, with the reason. Never: a path
that is not UTF-8, holds control characters, or points upwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot.model.tree import Unread

_ODD: Final = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")
_CONTROLS: Final = bytes({*range(1, 32), 127} - {9})
_TAB_TO_SLASH: Final = bytes.maketrans(b"\t", b"/")
_DOTS: Final = (b"//", b"/./", b"/../", b"/\0", b"/.\0", b"/..\0")
_LONGEST: Final = 4096
_UTF8_WIDTH: Final = 4
_SHOWN: Final = 200


@dataclass(frozen=True)
class Listing:
    """Object ids by path. For a folder on disk the ids are empty."""

    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Files and links, in byte order."""
        return tuple(sorted((*self.files, *self.links)))


def listing(raw: bytes, *, part: str, entries: int) -> Listing:
    """Parse ``git ls-tree -r -z``. Beyond ``entries`` the entries of ``part`` come first and the rest is noted."""
    count = raw.count(b"\0")
    records = _all_clean(raw) if count <= entries else None
    if records is not None:
        return _grouped(records)
    kept = _capped(raw.split(b"\0")[:-1], part=part, entries=entries)
    named = [(record, record.partition(b"\t")[2]) for record in kept]
    clean = [record.decode("utf-8") for record, name in named if clean_path(name) is not None]
    odd = (odd_path(name) for _, name in named if clean_path(name) is None)
    return replace(_grouped(clean), unread=(*_beyond(count, entries), *odd))


def _grouped(records: list[str]) -> Listing:
    """Files, links and submodules. Where all are blobs the paths begin in the same column, which is three times faster
    to cut than to search.
    """
    special = [record for record in records if record[1] != "0"]
    if not special:
        at = records[0].index("\t") + 1 if records else 0
        return Listing(Ids({record[at:]: record for record in records}))
    files = {record.partition("\t")[2]: record for record in records if record[1] == "0"}
    links = {record.partition("\t")[2]: record for record in special if record.startswith("120")}
    modules = tuple(record.partition("\t")[2] for record in special if record.startswith("160"))
    return Listing(Ids(files), Ids(links), modules)


class Ids(Mapping[str, str]):
    """Object ids by path, cut out of the listing's records only when asked for: most never are."""

    def __init__(self, records: dict[str, str]) -> None:
        self._records = records

    def __getitem__(self, path: str) -> str:
        return self._records[path].partition("\t")[0].rpartition(" ")[2]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, path: object) -> bool:
        return path in self._records


def _all_clean(raw: bytes) -> list[str] | None:
    """The records as text when every path would pass ``clean_path``: the same rules, asked of the whole at once, which
    is usual and about ten times faster than one by one.
    """
    slashed = raw.translate(_TAB_TO_SLASH, _CONTROLS)
    if len(slashed) != len(raw) or raw.count(b"\t") != raw.count(b"\0") or any(sign in slashed for sign in _DOTS):
        return None
    try:
        records = raw.decode("utf-8").split("\0")[:-1]
    except UnicodeDecodeError:
        return None
    return records if _UTF8_WIDTH * max(map(len, records), default=0) <= _LONGEST else None


def clean_path(name: bytes) -> str | None:
    """The path as text, or None when no reader should have to cope with it."""
    if len(name) > _LONGEST:
        return None
    try:
        path = name.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _ODD.search(path) else path


def printable(name: bytes) -> str:
    """A hostile name for a note: one line, printable, short."""
    return ascii(name.decode("utf-8", errors="replace"))[1:-1][:_SHOWN]


def odd_path(name: bytes) -> Unread:
    """The note about a path that was skipped."""
    return Unread(path=printable(name), reason="the name is not UTF-8, too long, or holds control characters or dots")


def folders_of(paths: Iterable[str]) -> frozenset[str]:
    """Every folder that holds one of the paths."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return frozenset(found)


def summed(notes: Sequence[Unread], limit: int) -> tuple[Unread, ...]:
    """At most ``limit`` notes; the rest becomes one."""
    if len(notes) <= limit:
        return tuple(notes)
    return (*notes[:limit], Unread(path=".", reason=f"{len(notes) - limit:,} more paths were not read"))


def _capped(records: list[bytes], *, part: str, entries: int) -> list[bytes]:
    if len(records) <= entries or not part:
        return records[:entries]
    below = b"\t" + part.encode() + b"/"
    return sorted(records, key=lambda record: below not in record)[:entries]


def _beyond(count: int, entries: int) -> tuple[Unread, ...]:
    if count <= entries:
        return ()
    return (Unread(path=".", reason=f"{count:,} entries, only {entries:,} were looked at (limit {entries:,})"),)
