"""Two ways to rank pieces by words: SQLite's full-text search, and counting where SQLite was built without it.

In: pieces and words. Out: places of pieces, best first. Never: a file on disk, words as the syntax of a query.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from bot.edges.library.words import plain, words_of
from bot.model.evidence import Piece

Connect = Callable[[], sqlite3.Connection]

_TABLE: Final = "CREATE VIRTUAL TABLE pieces USING fts5 (title, body, tokenize='porter unicode61 remove_diacritics 2')"
_INSERT: Final = "INSERT INTO pieces (rowid, title, body) VALUES (?, ?, ?)"
_QUERY: Final = "SELECT rowid, bm25(pieces, 2.0, 1.0) FROM pieces WHERE pieces MATCH ?"
_DIGITS: Final = 6
"""A score is rounded, so that the order of equal pieces is that of their source ids."""


class Index(Protocol):
    """Ranks pieces: those that stay, and those that one question brings along."""

    def ranked(self, words: Sequence[str], brought: Sequence[Piece]) -> list[Piece]:
        """Every piece with one of the words at least, best first."""


def in_memory() -> sqlite3.Connection:
    """An empty database that threads may share one after the other."""
    return sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)


class FullText:
    """SQLite FTS5 with bm25, a title counting double. Raises sqlite3.Error where FTS5 is missing."""

    def __init__(self, stay: Sequence[Piece], connect: Connect = in_memory) -> None:
        self._stay = tuple(stay)
        self._turn = threading.Lock()
        self._connection = connect()
        self._connection.execute(_TABLE)
        self._add(self._stay, first=1)

    def ranked(self, words: Sequence[str], brought: Sequence[Piece]) -> list[Piece]:
        """See ``Index``. What is brought is in the index for this question alone, so that all scores compare."""
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in words)
        with self._turn:
            self._connection.execute("BEGIN")
            try:
                self._add(brought, first=len(self._stay) + 1)
                rows = self._connection.execute(_QUERY, (query,)).fetchall()
            finally:
                self._connection.execute("ROLLBACK")
        pieces = (*self._stay, *brought)
        scored = [(round(score, _DIGITS), pieces[row - 1]) for row, score in rows]
        return [piece for _, piece in sorted(scored, key=lambda pair: (pair[0], pair[1].source_id))]

    def close(self) -> None:
        """Free the memory of the database."""
        self._connection.close()

    def _add(self, pieces: Sequence[Piece], *, first: int) -> None:
        rows = ((number, plain(piece.title), plain(piece.text)) for number, piece in enumerate(pieces, first))
        self._connection.executemany(_INSERT, rows)


class Counting:
    """The same without FTS5: more different words first, then more of them; a title counts double."""

    def __init__(self, stay: Sequence[Piece]) -> None:
        self._stay = tuple((piece, _counted(piece)) for piece in stay)

    def ranked(self, words: Sequence[str], brought: Sequence[Piece]) -> list[Piece]:
        """See ``Index``."""
        wanted = {_stem(word) for word in words}
        scored = []
        for piece, counts in (*self._stay, *((piece, _counted(piece)) for piece in brought)):
            different = sum(1 for word in wanted if counts[word])
            if different:
                scored.append((-different, -sum(counts[word] for word in wanted), piece.source_id, piece))
        return [piece for *_, piece in sorted(scored, key=lambda row: row[:3])]

    def close(self) -> None:
        """Nothing to free."""


def _counted(piece: Piece) -> Counter[str]:
    text = f"{piece.title} {piece.title} {piece.text}"
    return Counter(_stem(word) for word in _all_words(text))


def _all_words(text: str) -> list[str]:
    return [word for part in plain(text).split() for word in words_of((part,))]


def _stem(word: str) -> str:
    """Singular and plural as one word; more than that would be a guess."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
