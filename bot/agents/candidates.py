"""Whether a doubt matters enough to ask before anything is opened.

In: the collected facts, the plan under the assumed reading, and a way to plan under another one. Out: an ``Inquiry`` or
nothing. Never: a question that a model caused, a second question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from bot.agents.answers import answered
from bot.agents.collector import Collected
from bot.model.demand import Settled
from bot.model.document import Request
from bot.model.inquiry import Choice, Inquiry
from bot.model.plan import Plan, ServicePlan
from bot.model.profile import Candidate, Doubt
from bot.model.refusal import Refusal
from bot.planning.record import figure
from bot.rendering.question import LONGEST, effect_of, over_budget, provision_command
from bot.survey.description.answers import read_answer

PlanOf = Callable[[Collected], Plan | Refusal]
RATIO: Final = 2.0
"""A request that changes by more than this factor is worth a question."""
_ORDER: Final = ("database", "state", "qps")
_MOST: Final = 4


def inquire(
    collected: Collected, plan: Plan | Refusal, request: Request, *, plan_of: PlanOf, final: Plan | None = None
) -> Inquiry | None:
    """The one question, or None: candidates that change the kind, the database, the placement or a request by more than
    2 x; then a budget that the plan passes.

    ``plan`` is the rules' plan under the assumed readings; when it is a refusal, every answer with a plan matters.
    ``final`` is the plan that would be opened, where a model moved numbers of it. A plan that was refined is open
    already, so only its budget is asked about.
    """
    asked = None if request.refinements else _reading(collected, plan, request, plan_of=plan_of)
    opened = final or plan
    return asked or (None if isinstance(opened, Refusal) else _budget(opened, request))


def other_plan(collected: Collected, *, plan_of: PlanOf) -> Plan | None:
    """The first plan that an answer would lead to, for a question in place of a refusal."""
    for _, answers in sorted(_askable(collected), key=_urgency):
        plans = (plan_of(_under(answer, collected)) for _, answer in answers)
        found = next((plan for plan in plans if isinstance(plan, Plan)), None)
        if found is not None:
            return found
    return None


def _reading(collected: Collected, plan: Plan | Refusal, request: Request, *, plan_of: PlanOf) -> Inquiry | None:
    for doubt, answers in sorted(_askable(collected), key=_urgency):
        others = [(label, answer, plan_of(_under(answer, collected))) for label, answer in answers]
        plans = [other for _, _, other in others if isinstance(other, Plan)]
        if any(isinstance(plan, Refusal) or _matters(plan, other) for other in plans):
            return Inquiry(
                kind="reading",
                question=doubt.question,
                why=f"Assumed so far: {doubt.assumed}. The answers make different plans.",
                choices=tuple(
                    _choice(label, answer, _effect(other, plans), request) for label, answer, other in others
                ),
            )
    return None


def _askable(collected: Collected) -> Iterable[tuple[Doubt, list[tuple[str, Settled]]]]:
    """Doubts of the rules that nobody settled yet, with at least two answers."""
    for doubt in collected.profile.unsure:
        answers = [one for candidate in doubt.candidates[:_MOST] if (one := _answer(candidate)) is not None]
        open_ones = [one for one in answers if collected.demand.answer(one[1].key) is None]
        if not doubt.proposed_by_model and len(open_ones) > 1:
            yield doubt, open_ones


def _answer(candidate: Candidate) -> tuple[str, Settled] | None:
    key, _, value = candidate.settles.partition("=")
    answer = read_answer(key, value)
    return None if answer is None else (candidate.label, answer)


def _urgency(asked: tuple[Doubt, list[tuple[str, Settled]]]) -> int:
    key = asked[1][0][1].key
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def _under(answer: Settled, collected: Collected) -> Collected:
    demand = collected.demand.model_copy(update={"settled": (*collected.demand.settled, answer)})
    demand, profile = answered(answer, demand, collected.profile)
    return collected.model_copy(update={"demand": demand, "profile": profile})


def _matters(plan: Plan, other: Plan) -> bool:
    """Whether the other plan is another kind of thing, stands elsewhere, or differs by more than 2 x in a request."""
    return (
        _kinds(plan) != _kinds(other)
        or _databases(plan) != _databases(other)
        or _place(plan, other) != _place(other, plan)
        or any(_apart(mine, theirs) for mine, theirs in _pairs(_requests(plan), _requests(other)))
    )


def _kinds(plan: Plan) -> dict[str, str]:
    return {service.name: service.kind for service in plan.services}


def _databases(plan: Plan) -> set[tuple[str, str]]:
    """Stores that are built, and stores that are expected to exist."""
    expected = {
        (path[1], "expected")
        for decision in plan.decisions
        if decision.value == "expected" and len(path := decision.path.split(".")) == 2 and path[0] == "dependencies"
    }
    return expected | {(machine.serves, "built") for machine in plan.machines if machine.serves is not None}


def _place(plan: Plan, other: Plan) -> tuple[object, ...]:
    """Namespace, cluster, and the system of each part that both plans have; an equal node is no other place."""
    shared = {placed.name for placed in other.placement}
    systems = {placed.name: placed.system for placed in plan.placement if placed.name in shared}
    return plan.namespace, plan.cluster, systems


def _requests(plan: Plan) -> dict[str, tuple[int, int]]:
    """What each pod and each machine asks for: CPU and memory."""
    pods = {f"pod {one.name}": (int(one.requests.cpu), int(one.requests.memory)) for one in plan.services}
    return pods | {f"machine {one.name}": (one.cores, int(one.memory)) for one in plan.machines}


def _pairs(mine: dict[str, tuple[int, int]], theirs: dict[str, tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for name in mine.keys() & theirs.keys():
        yield from zip(mine[name], theirs[name], strict=True)


def _apart(mine: int, theirs: int) -> bool:
    return max(mine, theirs) > RATIO * min(mine, theirs)


def _effect(other: Plan | Refusal, plans: list[Plan]) -> str:
    if isinstance(other, Refusal):
        return f"no plan is possible ({other.code}): {other.message}"
    sizes = [{service.name: _size(service) for service in plan.services} for plan in plans]
    differing = {name for mine in sizes for theirs in sizes for name in mine if mine[name] != theirs.get(name)}
    places = {(plan.namespace, plan.cluster) for plan in plans}
    return effect_of(other, only=differing, placed=len(places) > 1)


def _size(service: ServicePlan) -> tuple[object, ...]:
    return service.kind, service.replicas, service.requests, service.storage


def _choice(label: str, answer: Settled, effect: str, request: Request) -> Choice:
    """The command keeps every word of the description; empty when it would be too long to be read."""
    words = f"{request.app_description} {answer.written}"
    command = provision_command(request.git_repo, words) if len(words) <= LONGEST else ""
    return Choice(label=label, effect=effect, command=command, answer=answer.written)


def _budget(plan: Plan, request: Request) -> Inquiry | None:
    """A confirmation for exactly this amount, or a lower load."""
    exceeded = plan.cost.exceeded
    if not exceeded:
        return None
    amount = math.ceil(max(one.total for one in exceeded))
    confirm = Settled(key="budget", value=str(amount))
    choices = [_choice(f"Confirm up to {amount} {plan.cost.currency or ''} a month".strip(), confirm,
                       _confirmed(request), request)]  # fmt: skip
    peaks = [service.qps for service in plan.services if service.qps is not None]
    if peaks and not request.refinements:
        peak = Settled(key="qps", value=figure(max(1, math.floor(max(peaks)))))
        effect = f"planned again for the peak that you write in place of {peak.value}; nothing else changes"
        choices.append(_choice("Lower the load", peak, effect, request))
    return Inquiry(kind="budget", question="Should it be opened all the same?", why=over_budget(plan.cost),
                   choices=tuple(choices))  # fmt: skip


def _confirmed(request: Request) -> str:
    if not request.refinements:
        return "this plan is opened"
    again = " ".join(entry.written for entry in request.refinements)
    return f"the plan without the changes is opened first; then give /ai-refine {again} again"
