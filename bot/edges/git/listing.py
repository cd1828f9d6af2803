"""What a tree holds: files, links and submodules by path, read from ``ls-tree -r -z``.

In: git's listing, bytes that a stranger chose. Out: clean paths and what was left out, with the reason. Never: a path
that is not UTF-8, holds control characters, or points upwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot.model.tree import Unread

_ODD: Final = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")
_CONTROLS: Final = bytes((*range(1, 32), 127))
_DOTS: Final = ("//", "/./", "/../")
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


@dataclass
class Incoming:
    """Takes ``git ls-tree -r -z`` in pieces, so that most of the work is done while git still writes."""

    count: int = 0
    _pieces: list[bytes] = field(default_factory=list)
    _rest: list[bytes] = field(default_factory=list)
    _named: dict[str, str] = field(default_factory=dict)
    _text: bool = True

    def take(self, piece: bytes) -> None:
        """The next bytes; a record may be cut anywhere."""
        self._pieces.append(piece)
        whole, end, rest = piece.rpartition(b"\0")
        if not end:
            self._rest.append(rest)
            return
        self.count += piece.count(b"\0")
        records, self._rest = b"".join((*self._rest, whole)), [rest]
        try:
            found = records.decode("utf-8").split("\0")
        except UnicodeDecodeError:
            self._text = False
        else:
            self._named.update(zip(_names(found), found, strict=True))

    def listing(self, *, part: str, entries: int) -> Listing:
        """What came. Beyond ``entries`` the entries of ``part`` come first and the rest is noted."""
        if self._text and self.count <= entries and _all_clean(self._named):
            return _grouped(self._named)
        return _one_by_one(b"".join(self._pieces), part=part, entries=entries)


def _one_by_one(raw: bytes, *, part: str, entries: int) -> Listing:
    count = raw.count(b"\0")
    kept = _capped(raw.split(b"\0")[:-1], part=part, entries=entries)
    named = [(record, record.partition(b"\t")[2]) for record in kept]
    records = [record.decode("utf-8") for record, name in named if clean_path(name) is not None]
    odd = (odd_path(name) for _, name in named if clean_path(name) is None)
    found = _grouped(dict(zip(_names(records), records, strict=True)))
    return replace(found, unread=(*_beyond(count, entries), *odd))


def _all_clean(paths: Collection[str]) -> bool:
    """True when every path would pass ``clean_path``: the same rules, asked of all paths at once, which is usual and
    about ten times faster than one by one. Joined by slashes, an empty name and a name of dots look the same wherever
    they stand.
    """
    joined = f"/{'/'.join(paths)}/"
    if any(sign in joined for sign in _DOTS) or _UTF8_WIDTH * max(map(len, paths), default=0) > _LONGEST:
        return False
    raw = joined.encode("utf-8")
    return len(raw.translate(None, _CONTROLS)) == len(raw)


def _names(records: list[str]) -> list[str]:
    return [record.partition("\t")[2] for record in records]


def _grouped(named: dict[str, str]) -> Listing:
    """Files, links and submodules."""
    if all(record[1] == "0" for record in named.values()):
        return Listing(Ids(named))
    files = {path: record for path, record in named.items() if record[1] == "0"}
    links = {path: record for path, record in named.items() if record.startswith("120")}
    modules = tuple(path for path, record in named.items() if record.startswith("160"))
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
