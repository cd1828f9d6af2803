"""What a check found: a rule, a severity, a place, and what to do about it.

In: facts. Out: immutable findings. Never: exceptions for a user's mistake.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import Noun

Severity = Literal["block", "warn", "note"]


class Finding(Noun):
    """One finding. ``block`` stops the pull request, ``warn`` stands in it, ``note`` is folded."""

    rule: str
    severity: Severity
    path: str | None = None
    line: int | None = None
    message: str
    remedy: str


class Verdict(Noun):
    """The findings of one review round (1-based)."""

    round: int
    findings: tuple[Finding, ...] = ()

    @property
    def blocked(self) -> bool:
        """True when a finding stops the pull request."""
        return any(finding.severity == "block" for finding in self.findings)
