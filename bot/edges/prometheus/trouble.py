"""What can go wrong with a Prometheus, in the words of the pull request.

In: facts. Out: ``Trouble`` and findings. Never: an address, a credential, or a word that the server or a label chose
beyond plain letters and digits.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.finding import Finding, Severity

UNREAD: Final = "metrics-unread"
STALE: Final = "metrics-stale"
EMPTY: Final = "metrics-empty"
WARNED: Final = "metrics-warning"
REACH: Final = "Check that PROMETHEUS_URL is right and that this machine reaches it; the next plan reads it again."
_LONGEST: Final = 160
_ADDRESS: Final = re.compile(
    r"\S*(?:://|@|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|:\d{2,5}\b|[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:|\w\.\w)\S*", re.ASCII
)
_ODD: Final = re.compile(r"[^A-Za-z0-9 ,.;:()'%=-]+", re.ASCII)
_LONG: Final = re.compile(r"\S{33,}")


class Trouble(Exception):
    """One query gave nothing usable. ``retries``: how often it is worth another try, after ``wait`` seconds where the
    server asked for that. ``fatal``: the next query would fare no better.
    """

    def __init__(
        self, reason: str, remedy: str = REACH, *, retries: int = 0, wait: float | None = None, fatal: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.retries = retries
        self.wait = wait
        self.fatal = fatal

    def finding(self, what: str = "measured use") -> Finding:
        """``what`` names the facts that are missing now."""
        message = f"Prometheus gave no {what}: {self.reason}. The plan goes on without it."
        return unread(message, self.remedy)


def unread(message: str, remedy: str, *, severity: Severity = "warn", rule: str = UNREAD) -> Finding:
    """A finding about what was not read."""
    return Finding(rule=rule, severity=severity, message=message, remedy=remedy)


def shown(text: object) -> str:
    """A server's own words, made harmless: cut, plain letters and digits, anything like an address or a key left out.

    Empty for anything but text.
    """
    if not isinstance(text, str):
        return ""
    plain = _LONG.sub("...", _ODD.sub(" ", _ADDRESS.sub("...", text[: 4 * _LONGEST])))
    return " ".join(plain.split())[:_LONGEST].strip()
