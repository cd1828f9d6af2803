"""The pull request that takes something away, and the words about it: what goes, what stays, what happens at the merge.

In: a removal. Out: ``PullText``, Markdown. Never: untrusted text outside a code span, a loss that is not named.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.outcome import PullRequest
from bot.model.plan import Machine
from bot.model.removal import Removal
from bot.ports import PullText
from bot.rendering.inert import inert_code
from bot.rendering.markdown import joined, table
from bot.rendering.status import foot


def removal_text(removal: Removal, *, asked_by: str | None) -> PullText:
    """Title and body."""
    plan = removal.document.plan
    body = joined(
        [
            f"Takes {inert_code(plan.root)} away" + (f" · asked in {asked_by}" if asked_by else ""),
            _loss(removal),
            "Its data stays: only what holds none goes." if removal.kept else "",
            _machines("Destroyed at the merge", removal.destroyed),
            _machines("Stay, because they hold data", removal.kept),
            _workloads(removal),
            _next(removal),
        ]
    )
    return PullText(title=f"ai-provision: take {plan.app} away", body=body)


def _loss(removal: Removal) -> str:
    disks = [f"{disk.size} of {machine.name}" for machine in removal.destroyed for disk in machine.data_disks]
    if not removal.data or not (disks or removal.claims):
        return ""
    lost = [*disks, *(f"the volumes of {name}" for name in removal.claims)]
    return (
        "> [!CAUTION]\n> **Data is lost**: " + ", ".join(inert_code(each) for each in lost) + ". There is no way back."
    )


def _machines(title: str, machines: Sequence[Machine]) -> str:
    if not machines:
        return ""
    rows = [_row(each) for each in machines]
    return f"### {title}\n\n{table(['machine', 'VMID', 'node', 'cores', 'memory', 'disks'], rows)}"


def _row(machine: Machine) -> list[str]:
    size = f"{machine.cores} vCPU"
    return [
        inert_code(machine.name),
        str(machine.vm_id),
        inert_code(machine.node),
        size,
        str(machine.memory),
        _disks(machine),
    ]


def _disks(machine: Machine) -> str:
    return " + ".join([str(machine.disk), *(f"{disk.size} data" for disk in machine.data_disks)])


def _workloads(removal: Removal) -> str:
    plan = removal.document.plan
    if not plan.services:
        return ""
    names = ", ".join(inert_code(service.name) for service in plan.services)
    stays = ", ".join(inert_code(name) for name in removal.claims)
    told = f"\n\nTheir volumes stay: {stays}." if stays and not removal.data else ""
    return f"### Workloads that are deleted\n\n{names} in namespace {inert_code(plan.namespace)}.{told}"


def _next(removal: Removal) -> str:
    app = removal.document.plan.app
    does = [
        "deletes the workloads" if removal.document.plan.services else "",
        "destroys the machines" if removal.destroyed else "",
    ]
    steps = [
        "Read what goes above; the plan comment below names every resource.",
        f"Merge: CI {', then '.join(filter(None, does))}, and tells it here.",
        "To keep everything, close this pull request.",
    ]
    if removal.kept or (removal.claims and not removal.data):
        steps.append(f"To destroy the data too: {inert_code(f'/ai-destroy {app} data')}.")
    return "### Next\n\n" + "\n".join(f"{index}. {step}" for index, step in enumerate(steps, 1))


def removal_finished(removal: Removal, pull: PullRequest, *, job: str) -> str:
    """The status comment when the pull request is open."""
    plan = removal.document.plan
    stays = f"; {len(removal.kept)} machines with data stay" if removal.kept else ""
    told = f"{len(removal.destroyed)} machines, {len(plan.services)} workloads go{stays}"
    verb = "opened" if pull.created else "updated"
    head = f"**ai-provision** {verb} pull request {pull.url}, which takes {inert_code(plan.app)} away: {told}."
    return joined([f"{head} Nothing is destroyed before it is merged.", foot(job)])
