"""The planner: profile, demand and snapshot become the first plan, and a model may move its numbers within limits.

In: ``Collected`` and ``ClusterSnapshot``. Out: ``Plan`` or a ``Refusal`` (name, policy, capacity). Never: I/O beside
the desk, a number without its decision record, a plan that a model made worse than the rules' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.agents.collector import Collected
from bot.agents.consult import Heard, consult, fault_findings, noted
from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.plan_told import planner_input, scrubber_of
from bot.agents.proposals import Bench, Taken, stood, within
from bot.agents.tools import Belt, planner_belt
from bot.capacity.headroom import headroom
from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.consultation import Consultation, Dropped, Effort, PlannerAnswer, Recorded
from bot.model.evidence import NO_EVIDENCE, Evidence, Piece
from bot.model.noun import Noun
from bot.model.plan import Plan
from bot.model.refinement import Adjustment, Refinement
from bot.planning.infrastructure.plan import plan_wishes
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
    if collected.wishes is not None:
        return plan_wishes(
            collected.wishes,
            snapshot=snapshot,
            headroom=headroom(snapshot, config),
            config=config,
            reserved=frozenset(evidence.reserved.vm_ids),
            reserved_addresses=frozenset(evidence.reserved.addresses),
            before=evidence.before,
        )
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
        reserved=frozenset(evidence.reserved.vm_ids),
        reserved_addresses=frozenset(evidence.reserved.addresses),
    )


class Planned(Noun):
    """The first plan with what its planner rested on and who spoke. ``ruled`` is the rules' own plan, which sets every
    limit; ``retrieved`` is what the planner's model looked up by itself.
    """

    plan: Plan
    ruled: Plan | None = None
    evidence: Evidence = NO_EVIDENCE
    refinements: tuple[Refinement, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    consultation: Consultation | None = None
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    retrieved: tuple[Piece, ...] = ()


Replan = Callable[[tuple[Refinement, ...], tuple[Adjustment, ...]], Plan | Refusal]
"""The rules once more with these numbers fixed and these inputs moved."""


def consulted_plan(plan: Plan, context: Context, *, replan: Replan, desk: Desk) -> Planned:
    """The rule's plan, and within limits what the planner's model makes of it; ``plan`` where none speaks.

    A model that gave nothing stands in the plan's findings, and so does the collector's.
    """
    asked = planner_input(plan, context)
    belt = _belt(plan, context, desk)
    spent = context.collected.efforts
    heard = consult("planner", asked, PlannerAnswer, desk=desk, spent=spent, belt=belt)
    outcome = _applied(plan, heard, context, replan)
    consultation = heard.consultation.model_copy(
        update={
            "decided": outcome.decided,
            "rejected": outcome.dropped,
            "cited": tuple(dict.fromkeys((*heard.consultation.cited, *outcome.taken.sources))),
        }
    )
    return Planned(
        plan=noted(outcome.plan, fault_findings((context.collected.consultation, consultation))),
        ruled=plan,
        evidence=context.evidence,
        refinements=outcome.taken.refinements,
        adjustments=outcome.taken.adjustments,
        consultation=consultation,
        answers=heard.answers,
        efforts=heard.efforts,
        retrieved=heard.retrieved,
    )


def _belt(plan: Plan, context: Context, desk: Desk) -> Belt:
    room = headroom(context.snapshot, context.config)
    scrubber = scrubber_of(context, plan)
    return planner_belt(plan, room, library=desk.library, brought=context.evidence.pieces, scrubber=scrubber)


@dataclass(frozen=True)
class _Outcome:
    """What became of a model's numbers. ``taken`` holds those that stand."""

    plan: Plan
    taken: Taken = field(default_factory=Taken)
    decided: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def _applied(plan: Plan, heard: Heard[PlannerAnswer], context: Context, replan: Replan) -> _Outcome:
    if heard.answer is None:
        return _Outcome(plan)
    fixed = context.request.refinements
    bench = Bench(ruled=plan, plan=plan, config=context.config, sources=heard.sources, fixed=fixed)
    taken = within(heard.answer.numbers, bench)
    if not taken.moves:
        return _Outcome(plan, dropped=taken.dropped)
    return _tried(plan, taken, replan)


def _tried(plan: Plan, taken: Taken, replan: Replan) -> _Outcome:
    """The plan with the numbers; where their inputs lead too far, with the others alone; else the rules' own."""
    moved = replan(taken.refinements, taken.adjustments)
    why = loss(moved, plan) or beyond(moved, plan)
    if why is not None and taken.adjustments and taken.refinements:
        return _tried(plan, taken.without_inputs(why), replan)
    if isinstance(moved, Refusal) or why is not None:
        return _Outcome(plan, dropped=taken.refused(why or "the rules refused the plan"))
    decided, lost = stood(taken, moved)
    return _Outcome(moved, taken.of(decided), decided, (*taken.dropped, *lost))


def loss(moved: Plan | Refusal, ruled: Plan) -> str | None:
    """Why the rule's plan stands against one with a model's numbers; None when the other may stand."""
    if isinstance(moved, Refusal):
        return f"the plan with it is refused ({moved.code})"
    homeless = {entry.name for entry in moved.placement if entry.node is None}
    lost = [entry.name for entry in ruled.placement if entry.node is not None and entry.name in homeless]
    if lost or len(moved.placement) < len(ruled.placement):
        return "with it not everything finds a place"
    passed = {(entry.scope, entry.name) for entry in ruled.cost.exceeded}
    if any((entry.scope, entry.name) not in passed for entry in moved.cost.exceeded):
        return "with it the plan passes a budget that the rules' plan keeps"
    return None


def beyond(moved: Plan | Refusal, ruled: Plan) -> str | None:
    """The first number that lies outside half and twice the rule's, in words; None when none does.

    Inputs are bounded one by one, and what is derived from several of them could still be more than twice as much.
    """
    if isinstance(moved, Refusal):
        return None
    before = dict(_sizes(ruled))
    for name, value in _sizes(moved):
        rule = before.get(name, value)
        if not rule / 2 <= value <= rule * 2:
            return f"with it {name} is {value / rule:.3g} times the rule's, beyond half and twice"
    return None


def _sizes(plan: Plan) -> Iterator[tuple[str, int]]:
    """Every size of a plan: pods, autoscaler bounds, requests and limits, machines."""
    for service in plan.services:
        name, hpa = service.name, service.hpa
        yield f"{name}.replicas", service.replicas
        yield f"{name}.cpu", service.requests.cpu
        yield f"{name}.memory", service.requests.memory
        yield f"{name}.memory_limit", service.limits.memory
        if hpa is not None:
            yield from ((f"{name}.min", hpa.min), (f"{name}.max", hpa.max))
    for machine in plan.machines:
        yield from ((f"{machine.name}.cores", machine.cores), (f"{machine.name}.memory", machine.memory))
