"""The reviewer: renders the plan, checks the files, repairs, and stops when clean or after ten rounds.

    judged ─▶ a rule's repair? ─▶ else its model's, within limits ─▶ judged again ─▶ better: kept, else thrown away

In: a plan with its context. Out: ``Reviewed`` with the files of the best round and the record of every round. Never: a
round kept in which the pair (errors, warnings) did not fall or a new error appeared, a model's text in a file that a
machine reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bot.agents.consult import fault_findings, noted
from bot.agents.context import Context
from bot.agents.desk import EMPTY, Desk
from bot.agents.plan_told import reviewer_input
from bot.agents.planner import Planned, Replan
from bot.agents.rounds import Reviewing, State, helped
from bot.agents.trials import scene_of
from bot.checks.bundle import Bundle, read_bundle
from bot.checks.check import CHECKS
from bot.checks.determinism import determinism
from bot.checks.paths import paths
from bot.checks.secrets import secrets
from bot.checks.syntax import syntax
from bot.errors import Broken, Code, Refusal
from bot.model.changes import ChangeSet
from bot.model.consultation import Consultation, Effort, Recorded
from bot.model.evidence import NO_EVIDENCE, Evidence, Piece
from bot.model.finding import Finding, Verdict
from bot.model.inquiry import Inquiry
from bot.model.noun import Noun
from bot.model.plan import Plan
from bot.ports import Toolbox
from bot.rendering.agents_section import cited_pieces
from bot.rendering.files import remembering, render
from bot.rendering.scene import Scene

ROUNDS: Final = 10
"""At most three of them are a model's (``rounds.MODEL_ROUNDS``)."""


class Reviewed(Noun):
    """The plan and files that passed, with the verdict of every round, thrown away ones included.

    ``consultations`` are what the three agents decided and who spoke; ``answers`` and ``efforts`` are those of planner
    and reviewer; ``retrieved`` the cited pieces of knowledge; ``inquiry`` the question to ask before anything opens.
    """

    plan: Plan
    changes: ChangeSet
    rounds: tuple[Verdict, ...]
    evidence: Evidence = NO_EVIDENCE
    consultations: tuple[Consultation, ...] = ()
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    retrieved: tuple[Piece, ...] = ()
    inquiry: Inquiry | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the last round that was kept."""
        return next(verdict.findings for verdict in reversed(self.rounds) if verdict.kept)


def review(plan: Plan, context: Context, *, toolbox: Toolbox) -> Reviewed | Refusal:
    """Judge and repair by rule alone. What the config file forbids is refused with ``policy``.

    Raises Broken when our own files still block.
    """
    return review_planned(
        Planned(plan=plan, evidence=context.evidence),
        context,
        toolbox=toolbox,
        desk=EMPTY,
        replan=lambda _refinements, _adjustments: plan,
    )


def review_planned(
    planned: Planned, context: Context, *, toolbox: Toolbox, desk: Desk, replan: Replan
) -> Reviewed | Refusal:
    """Judge and repair, with the reviewer's model where no rule helps; see ``review``."""
    reviewing = Reviewing(planned=planned, context=context, toolbox=toolbox, desk=desk, replan=replan)
    state = reviewing.begun()
    while len(state.rounds) < ROUNDS:
        following = reviewing.by_rule(state) or reviewing.by_model(state)
        if following is None:
            break
        state = following
    return _end(state.files.findings) or _published(reviewing, state)


def _end(findings: tuple[Finding, ...]) -> Refusal | None:
    """A block by policy is the user's to settle, any other is our own defect."""
    blocks = [finding for finding in findings if finding.severity == "block"]
    if not blocks:
        return None
    first = blocks[0]
    if all(finding.rule in POLICY for finding in blocks):
        return Refusal(code=Code.POLICY, message=first.message, remedy=first.remedy)
    raise Broken(f"the generated files do not pass their own checks: {first.rule} in {first.path}: {first.message}")


def _published(reviewing: Reviewing, state: State) -> Reviewed:
    """The best files once more, with what the agents said in ``plan.json``."""
    planned, context, said = reviewing.planned, reviewing.context, state.said
    own = _consultation(reviewing, state)
    spoke = (context.collected.consultation, planned.consultation, own)
    consultations = tuple(each for each in spoke if each is not None)
    plan = noted(state.plan, fault_findings(consultations))
    known = (*planned.evidence.pieces, *planned.retrieved, *said.retrieved)
    retrieved = cited_pieces(known, plan.decisions, consultations)
    scene = scene_of(plan, context, agents=consultations, rounds=state.remembered, retrieved=retrieved)
    return Reviewed(
        plan=plan,
        changes=_final(state, scene),
        rounds=state.rounds,
        evidence=planned.evidence,
        consultations=consultations,
        answers=(*planned.answers, *said.answers),
        efforts=(*planned.efforts, *said.efforts),
        retrieved=retrieved,
    )


def _consultation(reviewing: Reviewing, state: State) -> Consultation:
    """All questions of the reviewer as one record; ``digest`` is that of the first."""
    said = state.said
    if not said.consultations:
        asked = reviewer_input(helped(state), state.plan, ruled=reviewing.ruled, context=reviewing.context)
        return Consultation(agent="reviewer", digest=asked.digest)
    first, last = said.consultations[0], said.consultations[-1]
    reasons = tuple(reason for each in said.consultations for reason in each.reasons)
    return last.model_copy(
        update={
            "digest": first.digest,
            "decided": said.decided,
            "rejected": said.rejected,
            "reasons": reasons,
            "cited": tuple(dict.fromkeys(said.cited)),
        }
    )


def _final(state: State, scene: Scene) -> ChangeSet:
    """The files with the agents' records in ``plan.json``, every other byte as it was judged. A model that gave nothing
    stands in the README too, so that one is made anew. Raises Broken when a check blocks.
    """
    if scene.plan == state.plan:
        changes = remembering(state.files.changes, scene)
        record = tuple(file for file in changes.files if file.path == f"{scene.root}/plan.json")
        _unbroken(changes.model_copy(update={"files": record}), scene, judges=_RECORD)
        return changes
    changes = render(scene)
    _unbroken(changes, scene, judges=CHECKS)
    return changes


def _unbroken(changes: ChangeSet, scene: Scene, *, judges: tuple[Callable[[Bundle], Iterator[Finding]], ...]) -> None:
    bundle = read_bundle(changes, plan=scene.plan, config=scene.config)
    for finding in (finding for judge in judges for finding in judge(bundle)):
        if finding.severity == "block":
            raise Broken(f"the record of the agents breaks the rule {finding.rule} in {finding.path}")


_RECORD: Final = (syntax, paths, secrets, determinism)
"""The checks that look at ``plan.json``; every other file was judged in its round."""
POLICY: Final = frozenset({"namespace", "image", "replicas", "hpa-bounds"})
"""Rules whose bounds come from the config file."""
