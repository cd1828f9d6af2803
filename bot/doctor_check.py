"""One line of the doctor.

In: what was tried. Out: an immutable line. Never: a value of a secret.
"""

from __future__ import annotations

from typing import Literal

from bot.errors import Refusal
from bot.model.noun import Noun


class Check(Noun):
    """What was looked at, how it is, what was found, and what to do where it is not right."""

    what: str
    state: Literal["ok", "failed", "skipped"]
    found: str
    remedy: str = ""


def failed(what: str, refusal: Refusal) -> Check:
    """A refusal as a line."""
    return Check(what=what, state="failed", found=f"{refusal.code}: {refusal.message}", remedy=refusal.remedy)
