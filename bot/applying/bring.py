"""One stack from a merged commit to running machines and workloads, in one readable order.

    files ─▶ terraform plan ─▶ parity ─▶ preflight ─▶ apply ─▶ SSH ─▶ playbook ─▶ Ready nodes ─▶ manifests ─▶ rollout
                                └ not the reviewed plan, no room: nothing begins

In: the bench, a stack, the record that reviewers saw. Out: an ``Outcome``, whatever happened. Never: an exception of
the world (they become the outcome's code and remedy), Terraform taken back by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from bot.applying.bench import Bench, Run
from bot.applying.log import Log
from bot.applying.machines import MachineWork
from bot.applying.proposing import begun_before, gone, laid_out, stopped, test_of
from bot.applying.record import config_digest, parity
from bot.applying.take_down import take_down, without_workloads
from bot.applying.view import document_of
from bot.applying.workloads import WorkloadWork
from bot.deploy import Merged
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.applied import Done, Outcome
from bot.model.cluster import ClusterSnapshot
from bot.model.document import Document
from bot.model.stack import PlanRecord, Preflight, Stack, TerraformPlan

STOPPED: Final = "Stopped by"
"""How the words begin when a signal or a limit ended it, of the terraform edge too."""
_Kind = Literal["applied", "failed", "returned", "abandoned", "destroyed"]


@dataclass
class Bringing:
    """One stack on its way. ``using`` is told just before the reviewed plan is used up."""

    bench: Bench
    run: Run
    stack: Stack
    merged: Merged | None
    record: PlanRecord | None
    using: Callable[[PlanRecord], None]
    log: Log = field(init=False)
    machines: MachineWork | None = None
    workloads: WorkloadWork | None = None
    document: Document | None = None
    begun: bool = False

    def __post_init__(self) -> None:
        self.log = Log(self.bench.clock, self.bench.progress)

    def outcome(self) -> Outcome:
        """Bring the stack to life, or take it down. Raises only defects."""
        started = self.bench.clock.now()
        try:
            failure = self._went()
        except (Refused, Unavailable) as stop:
            failure = stop.refusal
        except KeyboardInterrupt:
            failure = _interrupted(self.stack, begun=self.begun)
        return self._told(failure, seconds=(self.bench.clock.now() - started).total_seconds())

    def refused(self, refusal: Refusal) -> Outcome:
        """The end of a stack that may not begin."""
        self.log.rows.append(Done(name="gate", state="failed", detail=refusal.message))
        return self._told(refusal, seconds=0.0)

    def _went(self) -> Refusal | None:
        document = document_of(self.stack, self.bench.checkout)
        if isinstance(document, Refusal):
            return document
        self.document = document
        folder = laid_out(self.bench, self.stack, document)
        self.machines = MachineWork(self.bench, self.log, document.plan, folder)
        self.workloads = WorkloadWork(self.bench, self.log, document.plan, folder)
        if gone(self.stack):
            return self._taken_down(folder)
        return self._brought(document)

    def _taken_down(self, folder: Path) -> Refusal | None:
        self.begun = not self.stack.terraform
        return take_down(self.bench, self.log, self.stack, folder, reviewed=self._may_begin)

    def _may_begin(self, planned: TerraformPlan) -> Refusal | None:
        stop = self._reviewed(planned)
        if stop is None:
            self._begins()
        return stop

    def _begins(self) -> None:
        self.begun = True
        if self.record is not None:
            self.using(self.record)

    def _brought(self, document: Document) -> Refusal | None:
        unable = self.machines.able_to_join() if self.machines is not None else None
        if unable is not None:
            return unable
        if self.stack.terraform:
            stop = self._terraform(document)
            if stop is not None:
                return stop
        else:
            stop = self._room(document, None)
            if stop is not None:
                return stop
            self.begun = True
        if self.stack.playbook and self.machines is not None:
            self.machines.configure()
        without_workloads(self.bench, self.log, self.stack)
        return self._rolled_out()

    def _terraform(self, document: Document) -> Refusal | None:
        machines = self.machines
        if machines is None:
            return None
        planned = self.log.part(
            "terraform-plan", lambda: self.bench.terraform.plan(machines.folder / "terraform"), told=_counts
        )
        stop = self._reviewed(planned) or self._room(document, planned)
        if stop is not None:
            return stop
        self._begins()
        machines.apply(planned)
        machines.knock()
        return None

    def _reviewed(self, planned: TerraformPlan) -> Refusal | None:
        """Parity with what stood in the pull request; on a laptop nobody reviewed anything."""
        if self.run.local or planned.empty:
            self.log.skip("parity", "nothing to do" if planned.empty else "a local run, which nobody reviewed")
            return None
        digest = config_digest(self.bench.checkout, self.stack.root, self.stack.commit)
        found = parity(self.record, planned, digest=digest, commit=self.run.commit)
        if isinstance(found, Refusal):
            return self.log.stop("parity", found)
        told = "a part of the reviewed plan, after a broken apply" if found.resumed else "the reviewed plan"
        self.log.part("parity", lambda: told, told=str)
        return None

    def _room(self, document: Document, planned: TerraformPlan | None) -> Refusal | None:
        bench = self.bench
        taken: list[ClusterSnapshot] = []

        def tested() -> Preflight:
            taken.append(bench.inventory.read())
            return test_of(bench, document, planned, snapshot=taken[0])

        found = self.log.part("preflight", tested, told=_passed)
        stop = stopped(found)
        if stop is None:
            return None
        return self.log.stop("preflight", self._left_behind(document, planned, taken[0]) or stop)

    def _left_behind(
        self, document: Document, planned: TerraformPlan | None, snapshot: ClusterSnapshot
    ) -> Refusal | None:
        """Machines that a run of this commit began, and that no state knows because the run died before it saved."""
        if planned is None or self.record is None or self.record.used_by != self.run.commit:
            return None
        new = {each.name for each in planned.actions if each.action == "create"}
        guests = {guest.vm_id: guest for guest in (snapshot.proxmox.guests if snapshot.proxmox else ())}
        left = [
            guests[machine.vm_id]
            for machine in document.plan.machines
            if machine.name in new and machine.vm_id in guests and guests[machine.vm_id].name == machine.name
        ]
        return begun_before(left) if left else None

    def _rolled_out(self) -> Refusal | None:
        if not self.stack.manifests or self.workloads is None:
            return None
        self.workloads.deliver()
        return self.workloads.failure

    def _told(self, failure: Refusal | None, *, seconds: float) -> Outcome:
        view = self.document.plan if self.document is not None else None
        machines, workloads = self.machines, self.workloads
        return Outcome(
            kind=self._kind(failure),
            root=self.stack.root,
            app=self.stack.name,
            environment=view.environment if view else None,
            namespace=view.namespace if view and view.services else None,
            commit=self.run.commit,
            pull=self.merged.number if self.merged else None,
            thread=self.merged.thread if self.merged else None,
            run_url=self.run.url,
            at=self.bench.clock.now(),
            seconds=round(seconds, 1),
            steps=tuple(self.log.rows),
            machines=machines.reached if machines else (),
            clusters=tuple(machines.clusters) if machines else (),
            rollouts=workloads.rollouts if workloads else (),
            urls=workloads.urls if workloads else (),
            planned=workloads.planned if workloads and not gone(self.stack) else (),
            state_kept=self._kept_state(),
            code=failure.code if failure else None,
            message=failure.message if failure else "",
            remedy=failure.remedy if failure else "",
        )

    def _kept_state(self) -> str | None:
        """A state that could not be saved moves to where it outlives this run; nobody else may read it."""
        unsaved = None
        if self.machines is not None and self.stack.terraform and self.begun:
            unsaved = self.bench.terraform.unsaved_state(self.machines.folder / "terraform")
        if unsaved is None:
            return None
        place = self.bench.kept / self.stack.queue
        for folder in (self.bench.kept, place):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        unsaved.chmod(0o600)
        shutil.move(unsaved, place / unsaved.name)
        return str(place / unsaved.name)

    def _kind(self, failure: Refusal | None) -> _Kind:
        if failure is None:
            return "destroyed" if gone(self.stack) else "applied"
        if self.workloads is not None and any(each.state == "returned" for each in self.workloads.rollouts):
            return "returned"
        return "failed" if self.begun else "abandoned"


def _interrupted(stack: Stack, *, begun: bool) -> Refusal:
    """The end of a run that somebody cancelled between two programs; terraform and the others tell their own."""
    told = "What was applied by then stands" if begun else "Nothing was applied"
    return Refusal(
        code=Code.CONFLICT,
        message=f"{STOPPED} SIGINT during the apply of {stack.root}. {told}.",
        remedy="Run this workflow again: it goes on from there.",
    )


def _passed(found: Preflight) -> str:
    states = [check.state for check in found.checks]
    skipped = states.count("skipped")
    return f"{states.count('passed')} tests passed" + (f", {skipped} not needed" if skipped else "")


def _counts(plan: TerraformPlan) -> str:
    return ", ".join(f"{count} to {action}" for action, count in plan.counts().items()) or "no change"
