"""A pull request's plans: what a merge would do to each stack it touches, and whether there is room for it now.

In: the bench and a run on a pull request. Out: ``StackPlan``s and the comment that holds their records. Never: a change
of anything; a plan of somebody else's code (stacks hold data and fixed text alone, checked here once more).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.applying.bench import Bench, Run
from bot.applying.record import record_of, written_plans
from bot.applying.safety import check_terraform
from bot.applying.stacks import changed_stacks
from bot.applying.take_down import unlocked
from bot.applying.view import document_of
from bot.capacity.headroom import headroom
from bot.checks.preflight.tests import preflight
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.document import Document
from bot.model.stack import Preflight, Stack, StackPlan, TerraformPlan
from bot.rendering.apply_report import plan_comment

PLAN_MARK = "plan"
"""The marker of the one plan comment of a pull request."""


def propose_plans(bench: Bench, run: Run, *, base: str | None) -> tuple[StackPlan, ...]:
    """Plan every stack that differs from ``base``; one comment says what was found.

    Raises Refused or Unavailable when GitHub takes no word of ours.
    """
    stacks = [stack for stack in changed_stacks(bench.checkout, base=base, head=run.commit) if wanted(stack, run)]
    plans = tuple(_planned(bench, stack) for stack in stacks)
    if bench.review is not None and run.pull is not None and plans:
        records = tuple(
            record_of(plan.stack, plan.terraform, checkout=bench.checkout)
            for plan in plans
            if plan.terraform is not None
        )
        body = plan_comment(plans, hidden=written_plans(records, redact=bench.redact), run_url=run.url)
        bench.review.tell(run.repo, run.pull, marker=PLAN_MARK, body=body)
    return plans


def wanted(stack: Stack, run: Run) -> bool:
    """Whether the run is about this stack."""
    return not run.only or stack.root in run.only or stack.name in run.only


def _planned(bench: Bench, stack: Stack) -> StackPlan:
    bench.progress(f"Planning {stack.root}")
    try:
        return _Planning(bench, stack).made()
    except (Refused, Unavailable) as stop:
        return _unplanned(stack, stop.refusal)


def _unplanned(stack: Stack, refusal: Refusal) -> StackPlan:
    return StackPlan(stack=stack, code=refusal.code, message=refusal.message, remedy=refusal.remedy)


@dataclass(frozen=True)
class _Planning:
    """One stack on its way to a plan."""

    bench: Bench
    stack: Stack

    def made(self) -> StackPlan:
        """Terraform first: what it knows to exist is not counted against itself."""
        document = document_of(self.stack, self.bench.checkout)
        if isinstance(document, Refusal):
            return _unplanned(self.stack, document)
        folder = laid_out(self.bench, self.stack, document)
        plan = (
            self.bench.terraform.plan(folder / "terraform", destroy=gone(self.stack)) if self.stack.terraform else None
        )
        snapshot = self.bench.inventory.read()
        tested = None if gone(self.stack) else test_of(self.bench, document, plan, snapshot=snapshot)
        diff, skipped = self._manifests(folder)
        return StackPlan(stack=self.stack, preflight=tested, terraform=plan, manifests=diff, skipped=skipped)

    def _manifests(self, folder: Path) -> tuple[str | None, tuple[str, ...]]:
        if not self.stack.manifests or gone(self.stack):
            return None, ()
        if self.bench.config.delivery != "kubectl":
            return None, (f"{self.bench.config.delivery} delivers the manifests",)
        if self.bench.manifests is None:
            return None, ("no cluster is configured here (KUBECONFIG), so the manifests were not compared",)
        return self.bench.manifests.diff(folder / "kubernetes"), ()


def gone(stack: Stack) -> bool:
    """Whether the stack goes away."""
    return stack.change == "removed"


def laid_out(bench: Bench, stack: Stack, document: Document) -> Path:
    """The stack's files in a folder of their own: those before, for a stack that goes away. It ends as the stack's
    folder does in the repository, so that a command which a failure names can be copied there.

    Raises Refused(policy) for a vanished folder without its tombstone, which destroys nothing, and for Terraform that
    the bot would never write.
    """
    if gone(stack) and not stack.tombstone:
        raise Refused(_vanished(stack))
    folder = bench.workdir / stack.root
    commit = stack.base if gone(stack) and stack.base is not None else stack.commit
    bench.checkout.export(commit, stack.root, folder)
    check_terraform(stack, folder, document, config=bench.config)
    if gone(stack):
        unlocked(stack, document.plan, folder)
    return folder


def _vanished(stack: Stack) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{stack.root} vanished from the default branch without /ai-destroy, so what it made stays.",
        remedy=f"Comment /ai-destroy {stack.name} to take it away, or revert the commit to keep it.",
    )


def test_of(bench: Bench, document: Document, plan: TerraformPlan | None, *, snapshot: ClusterSnapshot) -> Preflight:
    """The preflight against these readings. Machines that Terraform's state holds already exist rightly."""
    existing = {each.name for each in plan.actions if each.action not in {"create", "import"}} if plan else set()
    owned = frozenset(machine.vm_id for machine in document.plan.machines if machine.name in existing)
    anew = {each.name for each in plan.actions if each.action == "replace"} if plan else set()
    return preflight(
        document.plan,
        snapshot=snapshot,
        headroom=headroom(snapshot, bench.config),
        config=bench.config,
        owned=owned,
        replaced=frozenset(machine.vm_id for machine in document.plan.machines if machine.name in anew),
    )


def stopped(tested: Preflight) -> Refusal | None:
    """``capacity`` when something that the plan rests on is no longer so."""
    if not tested.stopping:
        return None
    first, others = tested.stopping[0], len(tested.stopping) - 1
    more = f" ({others} more test{'' if others == 1 else 's'} failed)" if others else ""
    retry = "" if "/ai-retry" in first.remedy else _RETRY
    return Refusal(
        code=Code.CAPACITY,
        message=f"The preflight stopped the apply: {first.about}: {first.reason}{more}.",
        remedy=" ".join(filter(None, ["Nothing was applied.", first.remedy, retry])),
    )


_RETRY: Final = "Or comment /ai-retry in the thread for a plan that fits what is there now."


def begun_before(guests: Sequence[Guest]) -> Refusal:
    """``conflict`` for machines that a killed run of the same commit left: nothing of theirs is in a state."""
    told = ", ".join(f"{guest.name} (VMID {guest.vm_id} on {guest.node})" for guest in guests)
    kinds = {"vm": "qm", "container": "pct"}
    commands = "; ".join(
        f"on {guest.node}: `{tool} stop {guest.vm_id}; {tool} destroy {guest.vm_id} --purge`"
        for guest in guests
        for tool in [kinds[guest.kind]]
    )
    return Refusal(
        code=Code.CONFLICT,
        message=f"An earlier run of this commit was killed after it had begun to make {told}, and before it saved its "
        "state. They exist, and no state knows of them.",
        remedy="Make sure that no other run applies, and that they hold nothing you need. Take them away "
        f"({commands}), then run this workflow again: it makes them anew. Do not comment /ai-retry before: a plan made "
        "now would make them a second time.",
    )
