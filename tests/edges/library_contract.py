"""What every library keeps to; ``LIBRARIES`` make one that holds ``SHELF`` and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from bot.counsel import Library
from bot.edges.library import FtsLibrary
from bot.errors import Code, Unavailable
from bot.model.evidence import Piece
from tests.fakes.library import FakeLibrary


def piece(source_id: str, text: str, *, title: str = "A title", kind: str = "guidance") -> Piece:
    return Piece.model_validate({"source_id": source_id, "kind": kind, "title": title, "text": text})


SHELF = (
    piece("a-kafka", "brokers hold three copies", title="Kafka brokers"),
    piece("b-postgres", "connections of postgres cost memory", title="Postgres connections"),
    piece("c-gin", "gin answers many requests", title="Go and gin"),
    piece("d-same", "an apple"),
    piece("e-same", "an apple"),
    piece("f-long", "banana " + "word and more. " * 200),
)


def without_fts() -> sqlite3.Connection:
    """A connection to an SQLite that cannot make virtual tables, as where FTS5 was left out."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_VTABLE else sqlite3.SQLITE_OK
    )
    return connection


def vowels(texts: tuple[str, ...]) -> list[list[float]]:
    """A poor man's embedding: how often each vowel stands in a text."""
    return [[float(text.lower().count(vowel)) + 0.01 for vowel in "aeiou"] for text in texts]


def silent(_texts: tuple[str, ...]) -> list[list[float]]:
    """An embedding model that does not answer."""
    raise Unavailable(Code.LLM_INVALID, "no answer", remedy="Wait.")


Make = Callable[[Sequence[Piece]], Library]
LIBRARIES: dict[str, Make] = {
    "fts": lambda shelf: FtsLibrary(built_in=shelf),
    "counting": lambda shelf: FtsLibrary(built_in=shelf, connect=without_fts),
    "embedded": lambda shelf: FtsLibrary(built_in=shelf, embed=vowels),
    "embedding-down": lambda shelf: FtsLibrary(built_in=shelf, embed=silent),
    "fake": lambda shelf: FakeLibrary(tuple(shelf)),
}
BY_WORDS = [name for name in LIBRARIES if name != "embedded"]
