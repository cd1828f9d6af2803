"""What one run of ``ai-provision apply`` gave: the document of ``--format json``.

In: plans or outcomes. Out: one value. Never: a secret.
"""

from __future__ import annotations

from typing import Literal

from bot.model.applied import Outcome
from bot.model.noun import Noun
from bot.model.refusal import EXIT_FAILED, EXIT_REFUSED
from bot.model.stack import StackPlan


class Delivered(Noun):
    """``plans`` of ``--plan``, ``outcomes`` of an apply, ``said`` of ``--reconcile``."""

    schema_version: Literal[1] = 1
    plans: tuple[StackPlan, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 when something failed on the way, 3 when a rule or capacity kept it from beginning, else 0."""
        kinds = {outcome.kind for outcome in self.outcomes}
        if kinds & {"failed", "returned"}:
            return EXIT_FAILED
        if "abandoned" in kinds or any(not plan.ready for plan in self.plans):
            return EXIT_REFUSED
        return 0
