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
    """One review round (1-based): who made the repair, what it changed, and what was found afterwards.

    ``kept`` is False for a round that was thrown away because it made things worse; ``why`` says so.
    """

    round: int
    findings: tuple[Finding, ...] = ()
    by: Literal["rule", "model"] = "rule"
    changed: tuple[str, ...] = ()
    kept: bool = True
    why: str = ""

    @property
    def blocked(self) -> bool:
        """True when a finding stops the pull request."""
        return any(finding.severity == "block" for finding in self.findings)
