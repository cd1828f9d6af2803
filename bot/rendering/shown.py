"""Untrusted text as our files show it: without secrets first, then without any power.

In: text. Out: a Markdown code span or plain words. Never: a place where only one of the two is done.
"""

from __future__ import annotations

from bot.rendering.data_text import without_secrets
from bot.rendering.inert import inert_code, inert_text


def code(text: str) -> str:
    """A code span."""
    return inert_code(without_secrets(text))


def words(text: str) -> str:
    """Plain words."""
    return inert_text(without_secrets(text))
