"""The reviewer: renders the plan, checks the files, repairs by rule, and stops when clean or after ten rounds.

In: a plan with its context. Out: ``Reviewed`` with the last files and every round's findings. Never: a repair that
makes things worse (such a round is thrown away), a model's text in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.planner import Planned, Replan
from bot.checks.check import check
from bot.errors import Broken, Code, Refusal
from bot.model.changes import ChangeSet
from bot.model.consultation import Consultation, Effort, Recorded
from bot.model.evidence import NO_EVIDENCE, Evidence
from bot.model.finding import Finding, Verdict
from bot.model.inquiry import Inquiry
from bot.model.noun import Noun
from bot.model.plan import Plan, ServicePlan
from bot.ports import Toolbox
from bot.rendering.files import render
from bot.rendering.left_out import gaps
from bot.rendering.scene import Scene

ROUNDS: Final = 10


class Reviewed(Noun):
    """The plan and files that passed, with the verdict of every round.

    ``consultations`` are what the three agents decided and who spoke; ``answers`` what their models said, kept for a
    replay; ``inquiry`` is the question to ask before anything is opened.
    """

    plan: Plan
    changes: ChangeSet
    rounds: tuple[Verdict, ...]
    evidence: Evidence = NO_EVIDENCE
    consultations: tuple[Consultation, ...] = ()
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    inquiry: Inquiry | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the last round."""
        return self.rounds[-1].findings


def review_planned(
    planned: Planned, context: Context, *, toolbox: Toolbox, desk: Desk, replan: Replan
) -> Reviewed | Refusal:
    """Judge and repair, with the reviewer's model where no rule helps; see ``review``."""
    del desk, replan
    reviewed = review(planned.plan, context, toolbox=toolbox)
    if isinstance(reviewed, Refusal):
        return reviewed
    return reviewed.model_copy(update={"evidence": planned.evidence})


def review(plan: Plan, context: Context, *, toolbox: Toolbox) -> Reviewed | Refusal:
    """Judge and repair until nothing blocks or no rule helps.

    What the config file forbids is refused with ``policy``. Raises Broken when our own files still block.
    """
    best = _round(plan, context, toolbox=toolbox, before=())
    while best.rounds[-1].blocked and len(best.rounds) < ROUNDS:
        repaired = _repair(best.plan, best.findings)
        if repaired == best.plan:
            break
        attempt = _round(repaired, context, toolbox=toolbox, before=best.rounds)
        if _score(attempt.findings) >= _score(best.findings):
            break
        best = attempt
    return _end(best)


def _end(best: Reviewed) -> Reviewed | Refusal:
    """What may be published; a block by policy is the user's to settle, any other is our own defect."""
    blocks = [finding for finding in best.findings if finding.severity == "block"]
    if not blocks:
        return best
    first = blocks[0]
    if all(finding.rule in POLICY for finding in blocks):
        return Refusal(code=Code.POLICY, message=first.message, remedy=first.remedy)
    raise Broken(f"the generated files do not pass their own checks: {first.rule} in {first.path}: {first.message}")


def _round(plan: Plan, context: Context, *, toolbox: Toolbox, before: tuple[Verdict, ...]) -> Reviewed:
    scene = _scene(plan, context)
    changes = render(scene)
    findings = (*gaps(scene), *check(changes, plan=plan, config=context.config), *toolbox.judge(changes))
    verdict = Verdict(round=len(before) + 1, findings=findings)
    return Reviewed(plan=plan, changes=changes, rounds=(*before, verdict))


def _scene(plan: Plan, context: Context) -> Scene:
    return Scene(
        request=context.request,
        demand=context.collected.demand,
        profile=context.collected.profile,
        snapshot=context.snapshot,
        plan=plan,
        config=context.config,
    )


def _score(findings: tuple[Finding, ...]) -> tuple[int, int]:
    return (
        sum(finding.severity == "block" for finding in findings),
        sum(finding.severity == "warn" for finding in findings),
    )


def _repair(plan: Plan, findings: tuple[Finding, ...]) -> Plan:
    for finding in findings:
        repair = REPAIRS.get(finding.rule)
        if repair is not None and finding.severity == "block":
            plan = plan.model_copy(update={"services": tuple(map(repair, plan.services))})
    return plan


def _raise_limits_to_requests(service: ServicePlan) -> ServicePlan:
    memory = max(service.limits.memory, service.requests.memory)
    cpu = service.limits.cpu
    cpu = None if cpu is None else max(cpu, service.requests.cpu)
    return service.model_copy(
        update={"limits": service.limits.model_copy(update={"memory": memory, "cpu": cpu})},
    )


REPAIRS: Final[Mapping[str, Callable[[ServicePlan], ServicePlan]]] = {
    "request-above-limit": _raise_limits_to_requests,
}
"""Rule of a finding to its repair; a closed table."""

POLICY: Final = frozenset({"namespace", "image", "replicas", "hpa-bounds"})
"""Rules whose bounds come from the config file."""
