"""The base of every noun: frozen, strict, closed, and the same after a JSON round trip.

In: fields. Out: an immutable value. Never: I/O, defaults that depend on the machine.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["JsonValue", "Noun"]


class Noun(BaseModel):
    """A value of the product. Unknown fields are errors; equal fields mean equal values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True, populate_by_name=True)
