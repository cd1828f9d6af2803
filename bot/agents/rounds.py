"""One round of review: a repair by rule or by the reviewer's model, judged, and kept only when it is better.

In: the state after the round before. Out: the state after this one, or nothing when nobody has a repair. Never: a round
that is not recorded, a model's number beyond the limits of the rules' own plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from bot.agents.consult import Heard, consult, fault_findings, noted, speaks
from bot.agents.context import Context
from bot.agents.desk import Desk
from bot.agents.plan_told import reviewer_input
from bot.agents.planner import Planned, Replan, beyond, loss
from bot.agents.proposals import Bench, Taken, stood, within
from bot.agents.repairs import REPAIRS, repaired
from bot.agents.tools import TRIAL, Trial
from bot.agents.trials import Files, judged, reviewer_tools
from bot.errors import Refusal
from bot.model.consultation import Consultation, Dropped, Effort, NumberProposal, Recorded, ReviewerAnswer
from bot.model.evidence import Piece
from bot.model.finding import Finding, Verdict
from bot.model.plan import Plan
from bot.ports import Toolbox

MODEL_ROUNDS: Final = 3
HELPED: Final = frozenset(
    {
        "autoscaler-capped",
        "database-overloaded",
        "hpa-bounds",
        "no-room-for-rollout",
        "quantity",
        "refined-below-need",
        "replicas",
        "request-above-limit",
        "single-copy-overloaded",
    }
)
"""Rules of findings that another number may settle; a closed set. Others are about facts, names or files."""

By = Literal["rule", "model"]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the reviewer's model said over all rounds, and what became of it."""

    asked: int = 0
    silent: bool = False
    consultations: tuple[Consultation, ...] = ()
    decided: tuple[str, ...] = ()
    rejected: tuple[Dropped, ...] = ()
    cited: tuple[str, ...] = ()
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    retrieved: tuple[Piece, ...] = ()

    def with_answer(self, heard: Heard[ReviewerAnswer]) -> Said:
        """One more question and what came back."""
        return replace(
            self,
            asked=self.asked + 1,
            consultations=(*self.consultations, heard.consultation),
            cited=(*self.cited, *heard.consultation.cited),
            answers=(*self.answers, *heard.answers),
            efforts=(*self.efforts, *heard.efforts),
            retrieved=(*self.retrieved, *heard.retrieved),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """The best files so far, and how they came about. ``numbers`` are a model's that stand in the plan; ``hopeless``
    are rules whose repair brought nothing. ``remembered`` are the rounds as ``plan.json`` keeps them: without what the
    programs of this computer say, so that every computer writes the same bytes.
    """

    plan: Plan
    files: Files
    rounds: tuple[Verdict, ...]
    remembered: tuple[Verdict, ...]
    numbers: Taken
    repaired: frozenset[str] = frozenset()
    hopeless: frozenset[str] = frozenset()
    said: Said = field(default_factory=Said)


@dataclass(frozen=True, kw_only=True)
class Reviewing:
    """What stays the same between rounds."""

    planned: Planned
    context: Context
    toolbox: Toolbox
    desk: Desk
    replan: Replan

    @property
    def ruled(self) -> Plan:
        """The rules' own plan: every limit is taken from it, however many rounds there are."""
        return self.planned.ruled or self.planned.plan

    def begun(self) -> State:
        """The first round: the plan as the planner handed it over."""
        plan = self.planned.plan
        files = judged(plan, self.context, toolbox=self.toolbox)
        numbers = Taken(self.planned.refinements, self.planned.adjustments)
        empty = State(plan=plan, files=files, rounds=(), remembered=(), numbers=numbers)
        return _recorded(empty, Verdict(round=1, findings=files.findings), files)

    def by_rule(self, state: State) -> State | None:
        """One round of rule repairs; None where no rule changes anything."""
        found = {finding.rule for finding in state.files.findings if finding.severity == "block"}
        rules = frozenset(found & REPAIRS.keys()) - state.hopeless
        plan, changed = repaired(state.plan, rules, config=self.context.config)
        if not changed:
            return None
        after, kept = self._weighed(state, plan, by="rule", changed=changed)
        if kept:
            return replace(after, repaired=state.repaired | rules)
        return replace(after, hopeless=state.hopeless | rules)

    def by_model(self, state: State) -> State | None:
        """One round with the reviewer's model; None where it has no say or has said enough."""
        found = helped(state)
        if state.said.silent or state.said.asked >= MODEL_ROUNDS or not found or not speaks("reviewer", self.desk):
            return None
        heard = consult(
            "reviewer",
            reviewer_input(found, state.plan, ruled=self.ruled, context=self.context),
            ReviewerAnswer,
            desk=self.desk,
            spent=(*self.context.collected.efforts, *self.planned.efforts, *state.said.efforts),
            belt=reviewer_tools(self._trial(state), state.plan, self.context, toolbox=self.toolbox, desk=self.desk),
        )
        state = replace(state, said=state.said.with_answer(heard))
        if heard.answer is None:
            return _silenced(state, "the model gave no usable answer")
        return self._tried(state, within(heard.answer.repairs, self._bench(state, heard.sources)))

    def _bench(self, state: State, sources: Mapping[str, str]) -> Bench:
        return Bench(
            ruled=self.ruled,
            plan=state.plan,
            config=self.context.config,
            sources=sources,
            fixed=self.context.request.refinements,
        )

    def _trial(self, state: State) -> Trial:
        def trial(numbers: tuple[NumberProposal, ...]) -> tuple[Plan | Refusal, tuple[str, ...]]:
            taken = within(numbers, self._bench(state, {TRIAL: TRIAL}))
            return self._replanned(state, taken), tuple(f"{each.what}: {each.why}" for each in taken.dropped)

        return trial

    def _replanned(self, state: State, taken: Taken) -> Plan | Refusal:
        """The rules with these numbers beside those that stand, and the rule repairs made so far."""
        together = taken.over(state.numbers)
        plan = self.replan(together.refinements, together.adjustments)
        if isinstance(plan, Refusal):
            return plan
        spoke = (self.context.collected.consultation, self.planned.consultation)
        return repaired(noted(plan, fault_findings(spoke)), state.repaired, config=self.context.config)[0]

    def _tried(self, state: State, taken: Taken) -> State:
        """The model's numbers in a plan of their own, which is kept only when it is better."""
        if not taken.moves:
            return _silenced(_rejecting(state, taken.dropped), "the model proposed nothing that may be taken")
        plan = self._replanned(state, taken)
        why = loss(plan, state.plan) or beyond(plan, self.ruled)
        if isinstance(plan, Refusal) or why is not None:
            return _silenced(_rejecting(state, taken.refused(why or "the plan is refused")), why or "refused")
        after, kept = self._weighed(state, plan, by="model", changed=taken.names)
        if not kept:
            silent = replace(after, said=replace(after.said, silent=True))
            return _rejecting(silent, taken.refused(f"its round was thrown away: {after.rounds[-1].why}"))
        decided, lost = stood(taken, plan)
        standing = taken.of(decided)
        said = replace(
            after.said, decided=(*after.said.decided, *decided), cited=(*after.said.cited, *standing.sources)
        )
        return _rejecting(replace(after, numbers=standing.over(state.numbers), said=said), (*taken.dropped, *lost))

    def _weighed(self, state: State, plan: Plan, *, by: By, changed: tuple[str, ...]) -> tuple[State, bool]:
        """The state after judging another plan, and whether that plan stands now."""
        files = judged(plan, self.context, toolbox=self.toolbox)
        why = worse(state, plan, files)
        verdict = Verdict(
            round=len(state.rounds) + 1,
            findings=files.findings,
            by=by,
            changed=changed,
            kept=why is None,
            why=why or "errors and warnings fell",
        )
        after = _recorded(state, verdict, files)
        return (after, False) if why is not None else (replace(after, plan=plan, files=files), True)


def helped(state: State) -> tuple[Finding, ...]:
    """The findings that another number may settle, those that block first."""
    found = [each for each in (*state.files.findings, *state.plan.findings) if each.rule in HELPED]
    order = ("block", "warn")
    return tuple(each for severity in order for each in found if each.severity == severity)


def worse(state: State, plan: Plan, files: Files) -> str | None:
    """Why the round is thrown away: the pair (errors, warnings) did not fall, or an error of a new rule appeared."""
    before, after = _score(state.plan, state.files.findings), _score(plan, files.findings)
    new = _errors(files.findings) - _errors(state.files.findings)
    if new:
        return f"it brought errors of a new rule: {', '.join(sorted(new))}"
    if after >= before:
        return f"errors and warnings did not fall: from {before[0]} and {before[1]} to {after[0]} and {after[1]}"
    return None


def _errors(findings: Iterable[Finding]) -> frozenset[str]:
    return frozenset(finding.rule for finding in findings if finding.severity == "block")


def _score(plan: Plan, findings: tuple[Finding, ...]) -> tuple[int, int]:
    found = [finding.severity for finding in (*plan.findings, *findings)]
    return found.count("block"), found.count("warn")


def _recorded(state: State, verdict: Verdict, files: Files) -> State:
    own = tuple(finding for finding in files.own if finding.severity != "note")
    remembered = verdict.model_copy(update={"findings": own})
    return replace(state, rounds=(*state.rounds, verdict), remembered=(*state.remembered, remembered))


def _silenced(state: State, why: str) -> State:
    """A round of the model that came to nothing; it is not asked again."""
    verdict = Verdict(round=len(state.rounds) + 1, findings=state.files.findings, by="model", kept=False, why=why)
    return replace(_recorded(state, verdict, state.files), said=replace(state.said, silent=True))


def _rejecting(state: State, dropped: tuple[Dropped, ...]) -> State:
    return replace(state, said=replace(state.said, rejected=(*state.said.rejected, *dropped)))
