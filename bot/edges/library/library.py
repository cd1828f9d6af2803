"""Retrieves knowledge: built-in guidance, added pages, and what the caller brings along.

In: words and pieces. Out: the nearest pieces, cut to a few sentences. Never: an exception; an order that depends on
the clock; a word of the caller as query syntax.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bot.counsel import Lesson, Lessons
from bot.edges.library.fusion import by_meaning, fused
from bot.edges.library.guidance import guidance
from bot.edges.library.index import Connect, Counting, FullText, in_memory
from bot.edges.library.words import cut, words_of
from bot.errors import BotError, Unavailable
from bot.model.evidence import Piece

Embed = Callable[[tuple[str, ...]], list[list[float]]]
"""Vectors of texts, one each. Raises Unavailable or Refused."""
Pages = Callable[[], Sequence[Piece]]

_MOST_PAGES: Final = 2_000
_MOST_VECTORS: Final = 5_000
_LOG: Final = structlog.get_logger("ai_provision.library")


def pages_of(lessons: Lessons) -> Pages:
    """The added pages that the records keep, as pieces."""
    return lambda: [_page(lesson) for lesson in lessons.lessons(kind="page", limit=_MOST_PAGES)]


def _page(lesson: Lesson) -> Piece:
    return Piece(source_id=lesson.id, kind="page", title=lesson.title, text=lesson.text)


def _no_pages() -> Sequence[Piece]:
    return ()


class FtsLibrary:
    """``bot.counsel.Library`` on SQLite FTS5 in memory; by counting words where this Python's SQLite lacks it.

    ``embed``: both rankings are fused; while it fails, words alone decide. ``pages``: see ``pages_of``.
    """

    def __init__(
        self,
        *,
        pages: Pages = _no_pages,
        embed: Embed | None = None,
        built_in: Sequence[Piece] | None = None,
        connect: Connect = in_memory,
    ) -> None:
        self._pages = pages
        self._embed = embed
        self._built_in = built_in
        self._connect = connect
        self._turn = threading.Lock()
        self._index: FullText | Counting | None = None
        self._indexed: tuple[Piece, ...] = ()
        self._vectors: dict[bytes, list[float]] = {}
        self._embed_after = 0.0

    def find(self, words: tuple[str, ...], *, brought: tuple[Piece, ...] = (), limit: int = 8) -> tuple[Piece, ...]:
        """See ``bot.counsel.Library``. A text is cut to 700 characters."""
        wanted = words_of(words)
        if not wanted or limit < 1:
            return ()
        with self._turn:
            stay = self._stay()
            own = _unknown(brought, {piece.source_id for piece in stay})
            ranking = self._by_words(stay, wanted, own)
        meaning = self._by_meaning(" ".join(wanted), (*stay, *own))
        best = ranking if meaning is None else fused(ranking, meaning)
        return tuple(_short(piece) for piece in best[:limit])

    def _stay(self) -> tuple[Piece, ...]:
        known = tuple(self._built_in) if self._built_in is not None else guidance()
        try:
            pages = tuple(self._pages())
        except BotError as stop:
            _LOG.warning("the added pages could not be read", why=str(stop))
            return known
        return (*known, *_unknown(pages, {piece.source_id for piece in known}))

    def _by_words(self, stay: tuple[Piece, ...], words: Sequence[str], brought: Sequence[Piece]) -> list[Piece]:
        try:
            return self._indexing(stay).ranked(words, brought)
        except sqlite3.Error as problem:
            _LOG.warning("full-text search failed, words are counted instead", why=str(problem))
            self._index, self._indexed = Counting(stay), stay
            return self._index.ranked(words, brought)

    def _indexing(self, stay: tuple[Piece, ...]) -> FullText | Counting:
        """The index of what stays, made once and again when a page came or went."""
        if self._index is None or self._indexed != stay:
            if isinstance(self._index, FullText):
                self._index.close()
            counting = isinstance(self._index, Counting)
            self._index = Counting(stay) if counting else FullText(stay, self._connect)
            self._indexed = stay
        return self._index

    def _by_meaning(self, question: str, pieces: Sequence[Piece]) -> list[Piece] | None:
        """The ranking by meaning; None while the embedding model gives nothing."""
        if self._embed is None or time.monotonic() < self._embed_after:
            return None
        try:
            wanted, *vectors = self._vectors_of(self._embed, [question, *map(_whole, pieces)])
            return by_meaning(wanted, list(zip(pieces, vectors, strict=True)))
        except (BotError, OSError, ValueError, TypeError) as problem:
            wait = problem.retry_after if isinstance(problem, Unavailable) else 60.0
            self._embed_after = time.monotonic() + wait
            self._vectors.clear()
            _LOG.warning("the embedding model gave nothing, words alone decide", why=type(problem).__name__)
            return None

    def _vectors_of(self, embed: Embed, texts: Sequence[str]) -> list[list[float]]:
        keys = [hashlib.sha256(text.encode(errors="replace")).digest() for text in texts]
        found = {key: vector for key in keys if (vector := self._vectors.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            made = dict(zip(missing, embed(tuple(missing.values())), strict=True))
            if len(self._vectors) + len(made) > _MOST_VECTORS:
                self._vectors.clear()
            self._vectors |= made
            found |= made
        return [found[key] for key in keys]


def _unknown(pieces: Sequence[Piece], known: set[str]) -> tuple[Piece, ...]:
    """Those whose source id nobody has yet: text from a repository cannot take the place of the guidance."""
    new = {piece.source_id: piece for piece in reversed(pieces) if piece.source_id not in known}
    return tuple(sorted(new.values(), key=lambda piece: piece.source_id))


def _whole(piece: Piece) -> str:
    return f"{piece.title}\n{cut(piece.text)}"


def _short(piece: Piece) -> Piece:
    return piece.model_copy(update={"title": cut(piece.title, 160), "text": cut(piece.text)})
