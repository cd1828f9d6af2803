"""The planner: profile, demand and snapshot become the first plan.

In: ``Collected`` and ``ClusterSnapshot``. Out: ``Plan`` or a ``Refusal`` (name, policy, capacity). Never: I/O, a number
without its decision record.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.agents.collector import Collected
from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.capacity.headroom import headroom
from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.consultation import Consultation, Effort, Recorded
from bot.model.evidence import NO_EVIDENCE, Evidence
from bot.model.noun import Noun
from bot.model.plan import Plan
from bot.model.refinement import Adjustment, Refinement
from bot.planning.naming import app_slug
from bot.planning.plan import make_plan


def first_plan(
    collected: Collected,
    snapshot: ClusterSnapshot,
    *,
    config: Config,
    repo_owner: str | None,
    commit: str | None,
    refinements: tuple[Refinement, ...] = (),
    adjustments: tuple[Adjustment, ...] = (),
    evidence: Evidence = NO_EVIDENCE,
) -> Plan | Refusal:
    """Size and place by rule. ``repo_owner`` and ``commit`` name the image that a build has to push first;
    ``refinements`` are numbers that somebody fixed, ``adjustments`` inputs that a model moved within its limits.
    """
    app = app_slug(collected.profile.name)
    if isinstance(app, Refusal):
        return app
    return make_plan(
        app=app,
        demand=collected.demand,
        profile=collected.profile,
        snapshot=snapshot,
        headroom=headroom(snapshot, config),
        config=config,
        repo_owner=repo_owner,
        commit=commit,
        refinements=refinements,
        adjustments=adjustments,
        evidence=evidence,
    )


class Planned(Noun):
    """The first plan with what its planner rested on and who spoke."""

    plan: Plan
    evidence: Evidence = NO_EVIDENCE
    refinements: tuple[Refinement, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    consultation: Consultation | None = None
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()


Replan = Callable[[tuple[Refinement, ...], tuple[Adjustment, ...]], Plan | Refusal]
"""The rules once more with these numbers fixed and these inputs moved."""


def consulted_plan(plan: Plan, context: Context, *, replan: Replan, desk: Desk) -> Planned:
    """The rule's plan, and within limits what the planner's model makes of it; ``plan`` where none speaks."""
    del replan, desk
    return Planned(plan=plan, evidence=context.evidence)
