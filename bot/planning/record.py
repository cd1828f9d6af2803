"""The record that every stage hands on beside its value: decisions and findings, and how numbers are printed in them.

In: what a stage decided. Out: ``Notes``, joined in reading order. Never: shared state; each stage returns a new value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bot.model.decision import Decision
from bot.model.finding import Finding
from bot.model.noun import JsonValue

_NEARLY = 1e-9
"""Slack for rounding up: 3.0000000001 is 3, because it came from binary fractions."""


@dataclass(frozen=True)
class Notes:
    """Decisions and findings of one stage."""

    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __add__(self, other: Notes) -> Notes:
        return Notes(decisions=self.decisions + other.decisions, findings=self.findings + other.findings)


def join(parts: Iterable[Notes]) -> Notes:
    """All notes in order."""
    total = Notes()
    for part in parts:
        total += part
    return total


def first_value(path: str, value: JsonValue, *, why: str, source: str, formula: str | None = None) -> Decision:
    """A number that rests on priors alone and says so."""
    return Decision(
        path=path, value=value, origin="rule", why=f"first value: {why}", source=source, tag="P", formula=formula
    )


def warn(rule: str, message: str, *, remedy: str) -> Notes:
    """A finding that stands in the pull request."""
    return Notes(findings=(Finding(rule=rule, severity="warn", message=message, remedy=remedy),))


def note(rule: str, message: str, *, remedy: str) -> Notes:
    """A finding that is folded away."""
    return Notes(findings=(Finding(rule=rule, severity="note", message=message, remedy=remedy),))


def figure(value: float) -> str:
    """A number for a formula: up to six significant digits, no exponent for everyday sizes."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return f"{value:.6g}"


def stated(value: float | None) -> float | None:
    """A stated quantity, or None when it is absent, not finite or not above zero."""
    return value if value is not None and math.isfinite(value) and value > 0 else None


def ceiling(value: float) -> int:
    """The next whole number, forgiving binary dust (relative and absolute 1e-9)."""
    return math.ceil(value - _NEARLY * max(1.0, abs(value)))
