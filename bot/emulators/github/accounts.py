"""Who acts on the emulated GitHub.

In: a name. Out: a plain record. Never: a right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Account:
    """A person or a bot."""

    login: str
    id: int
    kind: Literal["User", "Bot"] = "User"


ACTIONS = Account("github-actions[bot]", 41_898_282, "Bot")
"""Who acts with a CI job's own token."""

GHOST = Account("ghost", 10_137)
"""Whoever deleted their account; GitHub shows their words without an author."""
