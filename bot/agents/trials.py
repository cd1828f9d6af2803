"""Files of a plan and what is found in them: for a round of review, and for the tools that try numbers.

In: a plan and the context. Out: ``Files``, or findings alone. Never: a file kept from a trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.plan_told import scrubber_of
from bot.agents.tools import Belt, Trial, reviewer_belt
from bot.checks.bundle import read_bundle
from bot.checks.check import CHECKS, check
from bot.checks.kubernetes_schema import kubernetes_schema, kustomization
from bot.checks.syntax import syntax, unambiguous_yaml
from bot.checks.terraform_schema import terraform_schema
from bot.model.changes import ChangeSet
from bot.model.consultation import Consultation
from bot.model.evidence import Piece
from bot.model.finding import Finding, Verdict
from bot.model.plan import Plan
from bot.ports import Toolbox
from bot.rendering.files import render
from bot.rendering.left_out import gaps
from bot.rendering.scene import Scene

_TECHNICAL: Final = (syntax, unambiguous_yaml, kubernetes_schema, kustomization, terraform_schema)
"""The checks of form; every other one is policy."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """One rendering. ``own`` findings follow from the plan alone, ``outside`` ones from programs of this computer."""

    changes: ChangeSet
    own: tuple[Finding, ...]
    outside: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return (*self.own, *self.outside)


def judged(plan: Plan, context: Context, *, toolbox: Toolbox) -> Files:
    """Render and check with everything there is."""
    scene = scene_of(plan, context)
    changes = render(scene)
    own = (*gaps(scene), *check(changes, plan=plan, config=context.config))
    return Files(changes=changes, own=own, outside=toolbox.judge(changes))


def scene_of(
    plan: Plan,
    context: Context,
    *,
    agents: tuple[Consultation, ...] = (),
    rounds: tuple[Verdict, ...] = (),
    retrieved: tuple[Piece, ...] = (),
) -> Scene:
    """Every noun of this run side by side."""
    return Scene(
        request=context.request,
        demand=context.collected.demand,
        profile=context.collected.profile,
        snapshot=context.snapshot,
        plan=plan,
        config=context.config,
        agents=agents,
        rounds=rounds,
        retrieved=retrieved,
    )


def reviewer_tools(trial: Trial, plan: Plan, context: Context, *, toolbox: Toolbox, desk: Desk) -> Belt:
    """The reviewer's four tools, bound to this command."""

    def policy(tried: Plan) -> tuple[Finding, ...]:
        bundle = read_bundle(render(scene_of(tried, context)), plan=tried, config=context.config)
        return tuple(finding for judge in CHECKS if judge not in _TECHNICAL for finding in judge(bundle))

    def validate(tried: Plan) -> tuple[Finding, ...]:
        changes = render(scene_of(tried, context))
        bundle = read_bundle(changes, plan=tried, config=context.config)
        return (*(finding for judge in _TECHNICAL for finding in judge(bundle)), *toolbox.judge(changes))

    return reviewer_belt(
        trial,
        policy=policy,
        validate=validate,
        library=desk.library,
        brought=context.evidence.pieces,
        scrubber=scrubber_of(context, plan),
    )
