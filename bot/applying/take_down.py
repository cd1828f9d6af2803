"""A stack goes away: its workloads, then its machines; data disks only with the second word.

In: the bench, the stack as it was before, its files. Out: nothing but what is done. Never: a data disk or a claim
deleted that the tombstone does not name, a machine that is not in the stack's own state.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.applying.bench import Bench
from bot.applying.log import Log
from bot.applying.stacks import lost_manifests
from bot.deploy import Manifests
from bot.errors import Code, Refusal, Refused
from bot.model.plan import PlanView
from bot.model.stack import Stack, TerraformPlan

_UNLOCK: Final = "destroy_override.tf"
"""Terraform merges ``*_override.tf`` into the blocks of the same name: the one way to lift ``prevent_destroy``."""


def unlocked(stack: Stack, plan: PlanView, folder: Path) -> None:
    """Lift ``prevent_destroy`` where the tombstone names the data; refuse where it does not and there is some.

    Raises Refused(policy).
    """
    if any(machine.data_disks for machine in plan.machines) and not stack.data:
        raise Refused(_holds_data(stack))
    if stack.data and stack.terraform:
        (folder / "terraform" / _UNLOCK).write_text(_override(folder / "terraform"), encoding="utf-8")


def take_down(
    bench: Bench, log: Log, stack: Stack, folder: Path, *, reviewed: Callable[[TerraformPlan], Refusal | None]
) -> Refusal | None:
    """Delete workloads, then destroy machines by the plan that was reviewed. Raises Refused or Unavailable."""
    planned = None
    if stack.terraform:
        planned = log.part("terraform-plan", lambda: bench.terraform.plan(folder / "terraform", destroy=True))
        stop = reviewed(planned)
        if stop is not None:
            return stop
    if stack.manifests:
        _delete(bench, log, folder / _delivered(bench), claims=stack.data)
    if planned is not None:
        told = ", ".join(f"{count} to {action}" for action, count in planned.counts().items()) or "nothing is left"
        log.part("destroy", lambda: bench.terraform.apply(folder / "terraform"), told=lambda _: told)
    return None


def without_workloads(bench: Bench, log: Log, stack: Stack) -> None:
    """Delete the workloads of a stack that has none any more; claims stay."""
    if not lost_manifests(bench.checkout, stack) or stack.base is None:
        return
    before = bench.workdir / f"{stack.queue}-before"
    bench.checkout.export(stack.base, stack.root, before)
    _delete(bench, log, before / _delivered(bench), claims=False)


def _delivered(bench: Bench) -> str:
    """What is deleted: the objects, or what Argo CD or Flux delivers them by, which prune them."""
    return "kubernetes" if bench.config.delivery == "kubectl" else "delivery"


def _delete(bench: Bench, log: Log, folder: Path, *, claims: bool) -> None:
    manifests = _cluster(bench)
    log.part(
        "manifests", lambda: manifests.delete(folder, claims=claims), told=lambda gone: f"deleted {len(gone)} objects"
    )


def _cluster(bench: Bench) -> Manifests:
    if bench.manifests is None:
        raise Refused(
            Refusal(
                code=Code.CONFIG,
                message="Workloads have to be deleted, and no cluster is configured here.",
                remedy="Give the apply job KUBECONFIG, then run this workflow again.",
            )
        )
    return bench.manifests


def _override(folder: Path) -> str:
    """``prevent_destroy = false`` for every resource of the folder that forbids it."""
    blocks = []
    for path in sorted(folder.glob("*.tf")):
        kind = name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split('"')
            if line.startswith('resource "') and len(words) > 3:
                kind, name = words[1], words[3]
            if line.strip().replace(" ", "") == "prevent_destroy=true":
                blocks.append(f'resource "{kind}" "{name}" {{\n  lifecycle {{\n    prevent_destroy = false\n  }}\n}}\n')
    return "\n".join(blocks)


def _holds_data(stack: Stack) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{stack.root} holds data disks, and its removal does not name them.",
        remedy=f"Nothing was destroyed. Comment /ai-destroy {stack.name} data to take the data away too.",
    )
