"""Workloads come up: namespace, server-side apply, rollout; past the deadline they return to what they were.

In: a stack's folder and its plan. Out: ``Rollout``s. Never: a Namespace of somebody else changed, a volume deleted, a
rollout that is reported before it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.applying.bench import Bench
from bot.applying.log import Log
from bot.deploy import Manifests
from bot.errors import Code, Refusal, Refused
from bot.model.applied import Rollout, Url, Use, WorkloadRef
from bot.model.plan import PlanView


@dataclass
class WorkloadWork:
    """The workloads of one stack on their way. ``first``: what returned had no revision before."""

    bench: Bench
    log: Log
    plan: PlanView
    folder: Path
    rollouts: tuple[Rollout, ...] = ()
    urls: tuple[Url, ...] = ()
    first: bool = False

    @property
    def refs(self) -> tuple[WorkloadRef, ...]:
        """The planned workloads."""
        return tuple(
            WorkloadRef(kind=service.kind, name=service.name, namespace=self.plan.namespace)
            for service in self.plan.services
        )

    @property
    def planned(self) -> tuple[Use, ...]:
        """The planned requests, and how many pods came up."""
        ready = {each.workload.name: each for each in self.rollouts}
        return tuple(
            Use(
                workload=ref,
                cpu_request=service.requests.cpu,
                memory_request=service.requests.memory,
                ready=ready[ref.name].ready if ref.name in ready else None,
                wanted=ready[ref.name].wanted if ref.name in ready else service.replicas,
            )
            for ref, service in zip(self.refs, self.plan.services, strict=True)
        )

    def deliver(self) -> None:
        """Apply and watch. Raises Refused or Unavailable; a rollout that fails returns, and is told in ``rollouts``."""
        manifests = self._manifests()
        namespace = self.plan.namespace
        self.log.part("namespace", lambda: manifests.ensure_namespace(namespace), told=_made)
        before = manifests.revisions(self.refs)
        if self.bench.config.delivery == "kubectl":
            self.log.part(
                "manifests",
                lambda: manifests.apply(self.folder / "kubernetes"),
                told=lambda found: f"{len(found)} workload{'' if len(found) == 1 else 's'}",
            )
        else:
            delivery = self.folder / "delivery"
            told = f"{self.bench.config.delivery} delivers them"
            self.log.part("manifests", lambda: manifests.apply(delivery), told=lambda _: told)
        self._watched(manifests, before)
        self.urls = manifests.urls(namespace)

    def _watched(self, manifests: Manifests, before: dict[str, int]) -> None:
        limit = float(self.bench.config.apply.rollout_seconds)
        self.rollouts = self.log.part("rollout", lambda: manifests.watch(self.refs, seconds=limit), told=_counted)
        failed = tuple(each for each in self.rollouts if each.state == "failed")
        if failed:
            self.log.fail("rollout", f"{_counted(self.rollouts)}: {failed[0].why}")
        may = self.bench.config.apply.return_on_failure and self.bench.config.delivery == "kubectl"
        if failed and may:
            returned = self.log.part("return", lambda: manifests.undo(self.refs, before), told=_counted)
            self.first = not before
            why = {each.workload.name: each.why for each in self.rollouts if each.why}
            self.rollouts = tuple(
                each.model_copy(update={"why": why.get(each.workload.name, each.why)}) for each in returned
            )

    def _manifests(self) -> Manifests:
        if self.bench.manifests is None:
            raise Refused(_NO_CLUSTER)
        return self.bench.manifests

    @property
    def failure(self) -> Refusal | None:
        """``capacity`` when a workload did not come up in time."""
        bad = [each for each in self.rollouts if each.state != "complete"]
        if not bad:
            return None
        first = next((each for each in bad if each.why), bad[0])
        back, remedy = self._ending(returned=any(each.state == "returned" for each in bad))
        why = (first.why or "its pods are not ready").rstrip(".")
        return Refusal(
            code=Code.CAPACITY,
            message=f"{first.workload.name} did not come up within {self.bench.config.apply.rollout_seconds} s: {why}."
            + (f" {back}" if back else ""),
            remedy=remedy,
        )

    def _ending(self, *, returned: bool) -> tuple[str, str]:
        """What became of it, and the next step."""
        if not returned:
            return "", "Mend the cause, then run this workflow again or give the command again."
        if self.first:
            return "Nothing ran before, so it was scaled to nothing.", "Mend the cause, then give the command again."
        return (
            "Everything returned to the revision before.",
            "Merge the revert pull request, or mend the cause and give the command again.",
        )


def _made(created: bool) -> str:  # noqa: FBT001 - a result that is told
    return "created, Pod Security restricted" if created else "there already"


def _counted(rollouts: tuple[Rollout, ...]) -> str:
    return ", ".join(f"{each.workload.name} {each.state} ({each.ready}/{each.wanted})" for each in rollouts)


_NO_CLUSTER: Final = Refusal(
    code=Code.CONFIG,
    message="The stack holds Kubernetes manifests, and no cluster is configured here.",
    remedy="Give the apply job KUBECONFIG with the rights that `ai-provision check --print-roles` prints, or set "
    "delivery: argocd or flux in .ai-provision.yaml.",
)
