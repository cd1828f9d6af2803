"""A run on the default branch: every stack that the merge changed, one after another, and one report.

In: the bench and a run. Out: an ``Outcome`` for each stack, told on the pull request and in its first thread. Never: an
apply before the gate, a success with nothing to apply, a second use of a reviewed plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.applying.bench import Bench, Run
from bot.applying.bring import STOPPED, Bringing
from bot.applying.gate import gate, stage
from bot.applying.proposing import PLAN_MARK, wanted
from bot.applying.record import read_outcomes, read_plans, with_plans
from bot.applying.stacks import changed_stacks, in_order, stack_at
from bot.applying.telling import Teller, last_outcome
from bot.applying.view import document_of
from bot.deploy import Merged, Review
from bot.errors import Code, Refusal
from bot.model.applied import Outcome
from bot.model.document import Document
from bot.model.stack import PlanRecord, Stack


def apply_run(bench: Bench, run: Run) -> tuple[Outcome, ...] | Refusal:
    """Apply what the run's commit changed. A ``Refusal`` where nothing may begin.

    Raises Refused or Unavailable when GitHub takes no word of ours; what was applied by then stands.
    """
    merged = _gated(bench, run)
    if isinstance(merged, Refusal):
        return merged
    stacks = _stacks(bench, run, merged)
    if not stacks:
        return _nothing(run)
    return _Applying(bench, run, merged).all(stacks)


def _gated(bench: Bench, run: Run) -> Merged | Refusal | None:
    if run.local:
        return None
    if bench.review is None:
        return _NO_GITHUB
    return gate(run, bench.review, rules=bench.config.apply)


def _stacks(bench: Bench, run: Run, merged: Merged | None) -> tuple[Stack, ...]:
    """What the commit changed, and what was planned in its pull request: a merge by rebase has several commits, of
    which the run's own is the last.
    """
    base = bench.checkout.parent(run.commit)
    found = changed_stacks(bench.checkout, base=base, head=run.commit)
    known = {stack.root for stack in found}
    earlier = [
        stack_at(bench.checkout, record.root, head=run.commit, base=record.base)
        for record in _records(bench, run, merged)
        if record.root not in known and record.base
    ]
    return in_order(stack for stack in (*found, *earlier) if wanted(stack, run))


def _records(bench: Bench, run: Run, merged: Merged | None) -> tuple[PlanRecord, ...]:
    if merged is None or bench.review is None:
        return ()
    return read_plans(bench.review.told(run.repo, merged.number, marker=PLAN_MARK))


@dataclass(frozen=True)
class _Applying:
    """One run; ``merged`` is None for a local one."""

    bench: Bench
    run: Run
    merged: Merged | None

    def all(self, stacks: tuple[Stack, ...]) -> tuple[Outcome, ...]:
        """Clusters first, then applications. A stack that fails does not keep the next one from its turn."""
        teller = Teller(self.bench, self.run, self.merged)
        outcomes: list[Outcome] = []
        for stack in stacks:
            teller.begins(stack)
            halted = any(halts(outcome) for outcome in outcomes)
            outcome = self._bringing(stack).refused(_HALTED) if halted else self._one(stack)
            outcomes.append(teller.ends(outcome))
        teller.report(tuple(outcomes))
        return tuple(outcomes)

    def _one(self, stack: Stack) -> Outcome:
        bringing = self._bringing(stack)
        waits = self._waits(stack)
        return bringing.refused(waits) if waits is not None else bringing.outcome()

    def _bringing(self, stack: Stack) -> Bringing:
        return Bringing(self.bench, self.run, stack, self.merged, self._record(stack), self._use)

    def _waits(self, stack: Stack) -> Refusal | None:
        if self.merged is None or self.bench.review is None:
            return None
        document = document_of(stack, self.bench.checkout)
        if isinstance(document, Refusal):
            return None
        return self._stage(document, self.bench.review, self.merged)

    def _stage(self, document: Document, review: Review, merged: Merged) -> Refusal | None:
        rules, environment = self.bench.config.apply, document.plan.environment
        first = rules.after.get(environment or "")
        before = last_outcome(self.bench, self.run.repo, document, first, review=review) if first else None
        return stage(environment, merged, rules=rules, before=before)

    def _record(self, stack: Stack) -> PlanRecord | None:
        return next((each for each in _records(self.bench, self.run, self.merged) if each.root == stack.root), None)

    def _use(self, record: PlanRecord) -> None:
        """Mark the reviewed plan as used, before it is: a run that dies after this is resumed, never repeated."""
        review, merged = self.bench.review, self.merged
        if review is None or merged is None:
            return
        body = review.told(self.run.repo, merged.number, marker=PLAN_MARK) or ""
        records = read_plans(body)
        used = tuple(
            each.model_copy(update={"used_by": self.run.commit}) if each.root == record.root else each
            for each in records
        )
        review.tell(self.run.repo, merged.number, marker=PLAN_MARK, body=with_plans(body, used))


def halts(outcome: Outcome) -> bool:
    """Whether the run was asked to end: then no further stack begins."""
    return outcome.kind in {"failed", "abandoned"} and outcome.message.startswith(STOPPED)


def outcomes_told(review: Review, repo: str, number: int) -> tuple[Outcome, ...]:
    """What an earlier run told on a pull request."""
    return read_outcomes(review.told(repo, number, marker="outcome"))


def _nothing(run: Run) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"Commit {run.commit[:12]} changes no folder below apps/ or clusters/, so there is nothing to apply.",
        remedy="An apply of nothing is no success: check the paths of the workflow's trigger and its commit.",
    )


_HALTED: Final = Refusal(
    code=Code.CONFLICT,
    message="The run was asked to stop before this stack began.",
    remedy="Nothing of it was applied. Run this workflow again.",
)
_NO_GITHUB: Final = Refusal(
    code=Code.GITHUB_AUTH,
    message="Nobody can say who reviewed this commit: no GitHub token is set.",
    remedy="Set GITHUB_TOKEN, or pass --local on your own machine for a folder that only you change.",
)
