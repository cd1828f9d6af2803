"""Planner and reviewer on the belt: collected facts and a snapshot become a reviewed plan.

    collected ─▶ evidence ─▶ plan by rule ─▶ the planner's model, within limits ─▶ rounds of review ─▶ Reviewed

In: the context of one command and the desk. Out: ``Reviewed``, or a ``Refusal``. Never: a write, a clock, a model's
word beyond its limits. ``ai-provision replay`` runs it again with recorded answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.agents.candidates import inquire, other_plan
from bot.agents.collector import Collected
from bot.agents.context import Context
from bot.agents.desk import EMPTY, Desk
from bot.agents.evidence import gather
from bot.agents.planner import consulted_plan, first_plan
from bot.agents.reviewer import Reviewed, review_planned
from bot.errors import Refusal
from bot.model.changes import ChangeSet
from bot.model.evidence import Evidence
from bot.model.finding import Verdict
from bot.model.plan import Plan
from bot.model.refinement import Adjustment, Refinement
from bot.planning.naming import app_slug
from bot.planning.scope import settle_scope
from bot.ports import Toolbox


@dataclass(frozen=True, kw_only=True)
class Judging:
    """One command's context and everything that judges it. ``repo_owner`` and ``commit`` name images to build.

    ``evidence`` stands in for what would be gathered, when a job is judged again.
    """

    context: Context
    refinements: tuple[Refinement, ...]
    repo_owner: str | None
    commit: str | None
    toolbox: Toolbox
    desk: Desk
    evidence: Evidence | None = None


def judge(judging: Judging) -> Reviewed | Refusal:
    """Gather, plan by rule, let the planner's model speak within its limits, review, and see whether to ask.

    A request for machines or a cluster is planned by rule alone: its words are numbers already.

    Raises Refused or Unavailable when the memory of the application cannot be read.
    """
    if judging.context.collected.wishes is not None:
        past = judging.desk.recall(judging.context.collected.profile.name)
        known = judging.evidence or Evidence(before=past.before, reserved=past.reserved)
        judging = replace(judging, desk=EMPTY, evidence=known)
    evidence = judging.evidence or _evidence(judging.context, judging.desk)
    if isinstance(evidence, Refusal):
        return evidence
    ruled = _plan(judging, judging.context.collected, evidence)
    return _unplanned(judging, ruled, evidence) if isinstance(ruled, Refusal) else _reviewed(judging, ruled, evidence)


def _evidence(context: Context, desk: Desk) -> Evidence | Refusal:
    app = app_slug(context.collected.profile.name)
    if isinstance(app, Refusal):
        return app
    scope = settle_scope(app, context.collected.demand, config=context.config)
    if isinstance(scope, Refusal):
        return scope
    return gather(context.collected, app=app, namespace=scope.namespace, config=context.config, desk=desk)


def _plan(
    judging: Judging,
    collected: Collected,
    evidence: Evidence,
    refinements: tuple[Refinement, ...] = (),
    adjustments: tuple[Adjustment, ...] = (),
) -> Plan | Refusal:
    return first_plan(
        collected,
        judging.context.snapshot,
        config=judging.context.config,
        repo_owner=judging.repo_owner,
        commit=judging.commit,
        refinements=(*judging.refinements, *refinements),
        adjustments=adjustments,
        evidence=evidence,
    )


def _unplanned(judging: Judging, refusal: Refusal, evidence: Evidence) -> Reviewed | Refusal:
    """The refusal, or a question in its place when another reading has a plan; nothing is rendered for it."""
    context, collected = judging.context, judging.context.collected

    def plan_of(other: Collected) -> Plan | Refusal:
        return _plan(judging, other, evidence)

    question = inquire(collected, refusal, context.request, plan_of=plan_of) if judging.desk.asking else None
    plan = None if question is None else other_plan(collected, plan_of=plan_of)
    if plan is None:
        return refusal
    empty = ChangeSet(root=plan.root)
    return Reviewed(plan=plan, changes=empty, rounds=(Verdict(round=1),), evidence=evidence, inquiry=question)


def _reviewed(judging: Judging, ruled: Plan, evidence: Evidence) -> Reviewed | Refusal:
    desk, collected = judging.desk, judging.context.collected
    context = judging.context.model_copy(update={"evidence": evidence})

    def replan(refinements: tuple[Refinement, ...], adjustments: tuple[Adjustment, ...]) -> Plan | Refusal:
        return _plan(judging, collected, evidence, refinements, adjustments)

    planned = consulted_plan(ruled, context, replan=replan, desk=desk)
    reviewed = review_planned(planned, context, toolbox=judging.toolbox, desk=desk, replan=replan)
    if isinstance(reviewed, Refusal) or not desk.asking:
        return reviewed
    question = inquire(
        collected,
        ruled,
        context.request,
        plan_of=lambda other: _plan(judging, other, evidence),
        final=reviewed.plan,
    )
    return reviewed.model_copy(update={"inquiry": question})
