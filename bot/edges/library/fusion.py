"""Two rankings as one: by words, and by meaning where an embedding model is configured.

In: rankings. Out: one ranking, by reciprocal rank fusion. Never: a score of one ranking compared with the other's.

Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009; k = 60 is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from bot.model.evidence import Piece

_K: Final = 60
_DEEP: Final = 50
"""So many of each ranking take part: by meaning every piece has a rank."""


def fused(*rankings: Sequence[Piece]) -> list[Piece]:
    """Best first; equal ones by source id."""
    scores: dict[str, float] = {}
    pieces: dict[str, Piece] = {}
    for ranking in rankings:
        for rank, piece in enumerate(ranking[:_DEEP], 1):
            pieces.setdefault(piece.source_id, piece)
            scores[piece.source_id] = scores.get(piece.source_id, 0.0) + 1 / (_K + rank)
    return [pieces[key] for key in sorted(pieces, key=lambda key: (-round(scores[key], 9), key))]


def by_meaning(wanted: Sequence[float], pieces: Sequence[tuple[Piece, Sequence[float]]]) -> list[Piece]:
    """Pieces by the cosine of their vectors with the wanted one. Raises ValueError for vectors that do not compare."""
    scored = [(-round(_cosine(wanted, vector), 6), piece.source_id, piece) for piece, vector in pieces]
    return [piece for *_, piece in sorted(scored, key=lambda row: row[:2])]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(left * right for left, right in zip(one, other, strict=True))
    lengths = math.hypot(*one) * math.hypot(*other)
    if not math.isfinite(dot) or not math.isfinite(lengths):
        raise ValueError("a vector is not of finite numbers")
    return dot / lengths if lengths else 0.0
