"""Three ways to fail, told apart: a user's mistake, an outage, and our own defect.

In: a reason code and words for a person. Out: ``Refusal`` values, and exceptions where a value cannot travel. Never: a
secret, an internal address, a stack trace in a message.
"""

from __future__ import annotations

from bot.model.refusal import EXIT_FAILED, EXIT_REFUSED, EXIT_WRONG_USE, Code, Refusal

__all__ = [
    "EXIT_FAILED",
    "EXIT_REFUSED",
    "EXIT_WRONG_USE",
    "BotError",
    "Broken",
    "Cancelled",
    "Code",
    "Refusal",
    "Refused",
    "Unavailable",
]


class BotError(Exception):
    """The root of our exceptions."""


class Refused(BotError):
    """Carries a ``Refusal`` through a place that cannot return one (an edge, a generator)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class Unavailable(BotError):
    """An outside party is down or asks to wait. ``retry_after`` is in seconds."""

    def __init__(self, code: Code, message: str, *, remedy: str, retry_after: float = 60.0) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.retry_after = retry_after

    @property
    def refusal(self) -> Refusal:
        """The same as a value, for a place that will not retry."""
        return Refusal(code=self.code, message=str(self), remedy=self.remedy)


class Broken(BotError):
    """A defect of ours: logged with its correlation id, answered with a short apology, never retried."""


class Cancelled(BotError):
    """Somebody asked the running command to stop. ``by`` is their login."""

    def __init__(self, by: str) -> None:
        super().__init__(f"cancelled by {by}")
        self.by = by
