"""The port ``Library`` in memory: pieces that hold one of the words, by source id; remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.model.evidence import Piece


@dataclass
class FakeLibrary:
    """``pieces`` are its own; ``asked`` the words of each question, ``brought`` what came with them."""

    pieces: tuple[Piece, ...] = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)
    brought: list[tuple[Piece, ...]] = field(default_factory=list)

    def find(self, words: tuple[str, ...], *, brought: tuple[Piece, ...] = (), limit: int = 8) -> tuple[Piece, ...]:
        self.asked.append(words)
        self.brought.append(brought)
        wanted = {word for phrase in words for word in _words(phrase)}
        own = {piece.source_id: piece for piece in (*brought[::-1], *self.pieces[::-1])}
        counts = {key: len(wanted & _words(f"{piece.title} {piece.text}")) for key, piece in own.items()}
        best = sorted((key for key in own if counts[key]), key=lambda key: (-counts[key], key))
        return tuple(own[key].model_copy(update={"text": own[key].text[:700]}) for key in best[: max(0, limit)])


def _words(text: str) -> set[str]:
    return {"".join(filter(str.isalnum, part)) for part in text.lower().split()} - {""}
