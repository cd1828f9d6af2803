"""What one arrangement made of all briefs, beside what the rules alone made of them.

In: previews by brief. Out: ``Figures``. Never: a time, a figure that depends on the computer.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.agents.rounds import MODEL_ROUNDS
from bot.flow.preview import Preview
from bot.model.consultation import Consultation
from bot.model.plan import Plan

Plans = Mapping[str, Preview]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts over all briefs. ``factors`` are of the numbers that differ from the rules' own, each above zero."""

    plans: int
    same_files: int
    numbers: int
    factors: Sequence[float]
    taken: int
    held: int
    dropped: int
    facts: int
    faults: int
    rounds: Sequence[int]
    by_model: int
    kept: int
    pieces: int
    cited: int

    @property
    def beyond(self) -> int:
        """Numbers that left half to double of the rules' own."""
        return sum(not 0.5 <= factor <= 2 for factor in self.factors)

    @property
    def typical(self) -> float | None:
        """The median factor of what moved."""
        return statistics.median(self.factors) if self.factors else None


def figures(plans: Plans, ruled: Plans) -> Figures:
    """Everything that is counted; ``ruled`` are the plans of the rules alone."""
    both = [(plans[name], ruled[name]) for name in ruled if name in plans]
    said = [consultation for preview, _ in both for consultation in preview.reviewed.consultations]
    numeric = [each for each in said if each.agent != "collector"]
    rounds = [preview.reviewed.rounds for preview, _ in both]
    return Figures(
        plans=len(both),
        same_files=sum(_files(preview) == _files(rule) for preview, rule in both),
        numbers=sum(len(_numbers(rule.reviewed.plan)) for _, rule in both),
        factors=[factor for preview, rule in both for factor in _factors(preview, rule)],
        taken=sum(len(each.decided) for each in numeric),
        held=sum(_held(each) for each in numeric),
        dropped=sum(len(each.rejected) - _held(each) for each in numeric),
        facts=sum(name.startswith("proposed") for each in said if each.agent == "collector" for name in each.decided),
        faults=sum(each.fault is not None for each in said),
        rounds=[len(verdicts) for verdicts in rounds],
        by_model=sum(verdict.by == "model" for verdicts in rounds for verdict in verdicts),
        kept=sum(verdict.kept and verdict.by == "model" for verdicts in rounds for verdict in verdicts),
        pieces=sum(len(preview.reviewed.evidence.pieces) for preview, _ in both),
        cited=sum(len(preview.reviewed.retrieved) for preview, _ in both),
    )


def _held(each: Consultation) -> int:
    return sum(dropped.why.startswith("held to") for dropped in each.rejected)


def _files(preview: Preview) -> dict[str, str]:
    """What a machine reads."""
    people = ("README.md", "plan.json")
    return {file.path: file.content for file in preview.reviewed.changes.files if not file.path.endswith(people)}


def _factors(preview: Preview, rule: Preview) -> Iterator[float]:
    before, after = _numbers(rule.reviewed.plan), _numbers(preview.reviewed.plan)
    for name, value in before.items():
        if after.get(name, value) != value:
            yield after[name] / value


def _numbers(plan: Plan) -> dict[str, float]:
    """The numbers of every service and machine: pods, bounds of the autoscaler, CPU, memory, cores."""
    found: dict[str, float] = {}
    for service in plan.services:
        found |= {f"{service.name}.replicas": service.replicas}
        found |= {f"{service.name}.cpu": service.requests.cpu, f"{service.name}.memory": service.requests.memory}
        if service.hpa is not None:
            found |= {f"{service.name}.min": service.hpa.min, f"{service.name}.max": service.hpa.max}
    for machine in plan.machines:
        found |= {f"{machine.name}.cores": machine.cores, f"{machine.name}.memory": machine.memory}
    return {name: value for name, value in found.items() if value}


__all__ = ["MODEL_ROUNDS", "Figures", "Plans", "figures"]
