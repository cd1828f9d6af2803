"""Reads a request for machines or a whole cluster by tables of phrases and presets.

In: the text. Out: ``Wishes``, or a ``Refusal`` (``syntax``, ``name``) that shows a right form. Never: a number that is
dropped silently, a guess at what no phrase says.
"""

from __future__ import annotations

from bot.errors import Code, Refusal
from bot.model.wishes import Wishes


def read_request(text: str) -> Wishes | Refusal:
    """Typed wishes of a request."""
    return Refusal(code=Code.SYNTAX, message=f"Nothing was understood of {text[:40]!r}.", remedy="Name machines.")
