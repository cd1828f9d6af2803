"""k, w and B of step 2: the rule's own, and what a model moved within half and twice of them.

In: the rule's inputs, moved ones. Out: the inputs that are used, with one record for each moved one. Never: a number
that a person stated, moved; a value beyond the limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.model.consultation import InputKey
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.refinement import Adjustment
from bot.planning.dropped import model_dropped
from bot.planning.record import Notes, figure

LEAST: Final = 0.5
MOST: Final = 2.0
RULED: Final = "rule"
"""The input of a model's decision that holds what the rules alone say."""
_SLACK: Final = 1e-9
_NAMES: Final[Mapping[InputKey, str]] = {
    "reads": "database reads per request (k)",
    "writes": "database writes per request (w)",
    "weight": "weight of a request's work (B)",
}


@dataclass(frozen=True)
class Inputs:
    """k, w and B."""

    reads: float
    writes: float
    weight: float

    def value(self, key: InputKey) -> float:
        """One of the three."""
        return {"reads": self.reads, "writes": self.writes, "weight": self.weight}[key]

    def moved(self, key: InputKey, value: float) -> Inputs:
        """The same with another one."""
        match key:
            case "reads":
                return replace(self, reads=value)
            case "writes":
                return replace(self, writes=value)
            case "weight":
                return replace(self, weight=value)


def moved_inputs(
    name: str, ruled: Inputs, moved: Mapping[InputKey, Adjustment], *, demand: Demand
) -> tuple[Inputs, Notes]:
    """The inputs that are used. What a person stated stays, and so does what would leave the limits."""
    used, notes = ruled, Notes()
    for key, entry in moved.items():
        rule = ruled.value(key)
        problem = _problem(entry, rule, stated=_stated(key, demand))
        if problem is not None:
            notes += model_dropped(f"{name}.{key}", problem)
        elif entry.value != rule:
            used = used.moved(key, entry.value)
            notes += Notes(decisions=(_decision(name, entry, rule),))
    return used, notes


def _problem(entry: Adjustment, rule: float, *, stated: bool) -> str | None:
    if stated:
        return "A person stated this number."
    if math.isfinite(entry.value) and LEAST * rule - _SLACK <= entry.value <= MOST * rule + _SLACK:
        return None
    return f"It has to lie between {figure(LEAST * rule)} and {figure(MOST * rule)}."


def _stated(key: InputKey, demand: Demand) -> bool:
    match key:
        case "reads":
            return demand.reads_per_request is not None or demand.read_write_mix is not None
        case "writes":
            return demand.writes_per_request is not None or demand.read_write_mix is not None
        case "weight":
            return False


def _decision(name: str, entry: Adjustment, rule: float) -> Decision:
    return Decision(
        path=f"services.{name}.inputs.{entry.key}",
        value=entry.value,
        origin=entry.origin,
        why=entry.why or _NAMES[entry.key],
        source=entry.source or "a model",
        tag="U",
        inputs={RULED: rule},
        rejected=(f"{figure(rule)}: the rule's {_NAMES[entry.key]}",),
    )
