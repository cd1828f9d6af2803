"""Step 14: how sure the size is, from the spread of everything it rests on.

In: what was measured and what was assumed. Out: sigma, exp(-sigma) and the 80 % interval. Never: a feeling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.decision import Decision
from bot.model.plan import Confidence
from bot.planning.record import Notes, figure, warn

HARDWARE: Final = 0.31
SHAPE: Final = 0.34
COLD: Final = 0.69
REQUEST: Final = 0.26
"""After a load test, or where the CPU of a request was measured in production for less than a week."""
WEEK: Final = 0.15
"""After seven days of metrics; hardware and request mix are then the real ones."""
UNKNOWN_FRAMEWORK: Final = 0.4
DEFAULTED_MIX: Final = 0.3
EIGHTY: Final = 1.28


Measured = Literal["cold", "request", "week"]


@dataclass(frozen=True)
class Sureness:
    """``sigma`` of ln(C); ``why`` names the parts."""

    sigma: float
    why: str

    @property
    def value(self) -> float:
        """exp(-sigma)."""
        return math.exp(-self.sigma)

    @property
    def factor(self) -> float:
        """The upper end of the 80 % interval over the prediction."""
        return math.exp(EIGHTY * self.sigma)


def sureness(*, known_framework: bool, defaulted_mix: bool, measured: Measured = "cold") -> Sureness:
    """``sigma^2 = 0.31^2 + 0.34^2 + app^2``, cold (0.69), plus what is unknown or defaulted.

    Once the CPU is ``measured``, framework and mix of the tables play no part: app is 0.26 for a measured request, and
    0.15 alone after a week.
    """
    parts = _measured_parts(measured) or _cold_parts(known_framework=known_framework, defaulted_mix=defaulted_mix)
    sigma = math.sqrt(sum(part * part for part, _ in parts))
    squares = " + ".join(f"{part:g}^2 ({why})" for part, why in parts)
    return Sureness(sigma=sigma, why=f"sigma^2 = {squares}")


def _cold_parts(*, known_framework: bool, defaulted_mix: bool) -> list[tuple[float, str]]:
    parts = [(HARDWARE, "other hardware"), (SHAPE, "another request mix"), (COLD, "never measured")]
    if not known_framework:
        parts.append((UNKNOWN_FRAMEWORK, "framework without a measurement"))
    if defaulted_mix:
        parts.append((DEFAULTED_MIX, "reads and writes per request assumed"))
    return parts


def _measured_parts(measured: Measured) -> list[tuple[float, str]]:
    match measured:
        case "cold":
            return []
        case "request":
            return [
                (HARDWARE, "other hardware"),
                (SHAPE, "another request mix"),
                (REQUEST, "CPU per request measured for less than a week"),
            ]
        case "week":
            return [(WEEK, "measured for a week or more")]


def decision_of(name: str, sure: Sureness) -> Decision:
    """The record of one service's confidence."""
    return Decision(
        path=f"services.{name}.confidence",
        value=round(sure.value, 3),
        origin="rule",
        tag="P",
        why=sure.why,
        source="sizing step 14",
        formula=f"exp(-{sure.sigma:.5f}) = {sure.value:.3f}",
    )


def weakest(services: Sequence[tuple[str, Sureness, float | None]], *, draft_below: float) -> tuple[Confidence, Notes]:
    """The plan is as sure as its least sure service; of equals, the one with the most busy cores speaks.

    ``services``: name, sureness, busy cores (None without a load).
    """
    if not services:
        empty = Confidence(value=1.0, sigma=0.0, low_cores=0.0, high_cores=0.0, draft=False, why="nothing to size")
        return empty, Notes()
    name, sure, busy = max(services, key=lambda entry: (entry[1].sigma, entry[2] or 0.0))
    cores = busy or 0.0
    draft = sure.value < draft_below
    confidence = Confidence(
        value=round(sure.value, 3),
        sigma=round(sure.sigma, 5),
        low_cores=round(cores / sure.factor, 3),
        high_cores=round(cores * sure.factor, 3),
        draft=draft,
        why=f"service {name}: {sure.why}",
    )
    decision = Decision(
        path="confidence",
        value=confidence.value,
        origin="rule",
        why=confidence.why,
        source="sizing step 14",
        tag="P",
        formula=f"exp(-{sure.sigma:.5f}); 80 % interval of busy cores {figure(cores)} / {sure.factor:.5f} .. "
        f"{figure(cores)} * {sure.factor:.5f}",
    )
    return confidence, Notes(decisions=(decision,)) + (_draft(name, sure, draft_below) if draft else Notes())


def _draft(name: str, sure: Sureness, draft_below: float) -> Notes:
    return warn(
        "low-confidence",
        f"Confidence {sure.value:.3f} is below {draft_below:g} because of service {name}: the pull request is a draft.",
        remedy="Load-test the service before merging: raise the rate in steps until p95 passes its target, and state "
        "the rate per core that it held.",
    )
