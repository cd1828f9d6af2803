"""Whose numbers stand: a person's word beats a correction, a correction beats a model.

In: refinements, moved inputs and corrections. Out: ``Said``, and notes on what was dropped. Never: a refusal that a
model or a correction caused; what does not fit is dropped and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from bot.errors import Refusal
from bot.model.evidence import Correction
from bot.model.profile import Service
from bot.model.refinement import Adjustment, Refinement, problem_with
from bot.planning.dropped import correction_dropped, model_dropped
from bot.planning.naming import shown
from bot.planning.record import Notes
from bot.planning.refinement import CORRECTED, rank, wishes_for

Voice = Literal["model", "correction"]
WITHOUT: Final[tuple[frozenset[Voice], ...]] = (
    frozenset({"model"}),
    frozenset({"correction"}),
    frozenset({"model", "correction"}),
)
"""What is left out in turn, until the plan is no longer refused."""
_USER: Final = 2


@dataclass(frozen=True)
class Said:
    """Numbers that somebody fixed, inputs that a model moved, and what was dropped of both."""

    refinements: tuple[Refinement, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    notes: Notes = field(default_factory=Notes)

    def without(self, voices: frozenset[Voice], *, because: Refusal) -> Said | None:
        """The rest when these voices are silent, with a note for each number; None when none of them spoke."""
        silent = [entry for entry in self.refinements if _voice(entry) in voices]
        still = self.adjustments if "model" in voices else ()
        if not silent and not still:
            return None
        notes = self.notes
        for entry in silent:
            notes += _dropped(entry, because.message)
        for moved in still:
            notes += model_dropped(f"{moved.service}.{moved.key}", because.message)
        kept = tuple(entry for entry in self.refinements if entry not in silent)
        return replace(self, refinements=kept, adjustments=() if still else self.adjustments, notes=notes)


def said(
    refinements: Sequence[Refinement], adjustments: Sequence[Adjustment], corrections: Iterable[Correction]
) -> Said:
    """Everything together; corrections become refinements of their own origin."""
    notes, read = Notes(), []
    for correction in corrections:
        entry = _read(correction)
        if entry is None:
            notes += _unreadable(correction)
        else:
            read.append(entry)
    return Said((*refinements, *read), tuple(adjustments), notes)


def standing(services: Sequence[Service], everything: Said, *, most: int) -> Said:
    """People's numbers as they are, and of the others those that no rule refuses; ``most`` is limits.max_replicas."""
    accepted = tuple(entry for entry in everything.refinements if rank(entry) == _USER)
    others = sorted((entry for entry in everything.refinements if rank(entry) != _USER), key=rank, reverse=True)
    notes = everything.notes
    if others and isinstance(wishes_for(services, accepted, most=most), Refusal):
        return replace(everything, refinements=accepted)
    for entry in others:
        problem = _problem(entry, accepted, services, most=most)
        if problem is None:
            accepted = (*accepted, entry)
        else:
            notes += _dropped(entry, problem)
    return replace(everything, refinements=accepted, notes=notes)


def _problem(
    entry: Refinement, accepted: tuple[Refinement, ...], services: Sequence[Service], *, most: int
) -> str | None:
    """Why a number of a model or a correction cannot stand beside those that do."""
    for other in accepted:
        if other.key == entry.key and other.service in {None, entry.service} and rank(other) > rank(entry):
            return f"{other.written} stands, because {'a person' if rank(other) == _USER else 'a correction'} said so."
    found = wishes_for(services, (*accepted, entry), most=most)
    return found.message if isinstance(found, Refusal) else None


def _read(correction: Correction) -> Refinement | None:
    if problem_with(correction.key, correction.merged) is not None:
        return None
    return Refinement(
        service=correction.service,
        key=correction.key,
        value=correction.merged,
        origin="correction",
        why=f"{CORRECTED}: {shown(correction.proposed)} became {shown(correction.merged)}",
        source=correction.source_id,
    )


def _voice(entry: Refinement) -> str:
    return ("model", "correction", "user")[rank(entry)]


def _dropped(entry: Refinement, why: str) -> Notes:
    return (correction_dropped if entry.origin == "correction" else model_dropped)(entry.written, why)


def _unreadable(correction: Correction) -> Notes:
    problem = problem_with(correction.key, correction.merged)
    return correction_dropped(f"{correction.service}.{correction.key}", f"{correction.key} {problem}.")
