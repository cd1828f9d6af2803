"""Who decided a value, why, and from which source: the record behind every number.

In: a path into the plan and a value. Out: one immutable record. Never: prose that a person typed, unescaped.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import JsonValue, Noun

Origin = Literal["rule", "model", "model-clamped", "user"]
Tag = Literal["M", "S", "P", "U", "user", "read"]
"""Evidence: Measured, Stated by the source, Prior to be calibrated, Unverified, said by the user, read from repository
or cluster."""


class Decision(Noun):
    """One decided value. ``path`` is dotted: ``services.api.requests.cpu``, ``machines.db-1.cores``, ``demand.qps``."""

    path: str
    value: JsonValue
    origin: Origin
    why: str
    source: str
    formula: str | None = None
    inputs: dict[str, JsonValue] = {}
    tag: Tag = "P"
    rejected: tuple[str, ...] = ()
