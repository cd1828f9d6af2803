"""Every test of the preflight in one closed table.

In: a plan, a snapshot with its headroom, the config file, and the guests that the stack owns already. Out:
``Preflight``. Never: I/O, an exception for a missing reading (that is ``unknown``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bot.checks.preflight.disks import storage_content, storage_space
from bot.checks.preflight.hosts import cpu, hardware, memory, node_online, quorum
from bot.checks.preflight.identity import name, pool, template, vm_id
from bot.checks.preflight.pods import kubernetes_room, quota
from bot.checks.preflight.rights import privileges
from bot.checks.preflight.scene import Scene, skipped, unknown
from bot.checks.preflight.survival import n_plus_one
from bot.checks.preflight.wires import address, bridge, vlan
from bot.model.cluster import NOT_CONFIGURED, WHOLE_SYSTEM, ClusterSnapshot, Headroom, System
from bot.model.config import Config
from bot.model.finding import Finding
from bot.model.plan import PlanView
from bot.model.stack import Check, CheckName, Preflight

Test = Callable[[Scene], tuple[Check, ...]]

MACHINES: Final[tuple[tuple[CheckName, Test], ...]] = (
    ("node-online", node_online),
    ("quorum", quorum),
    ("vm-id", vm_id),
    ("name", name),
    ("memory", memory),
    ("cpu", cpu),
    ("n-plus-one", n_plus_one),
    ("storage-space", storage_space),
    ("storage-content", storage_content),
    ("bridge", bridge),
    ("vlan", vlan),
    ("address", address),
    ("template", template),
    ("pool", pool),
    ("hardware", hardware),
    ("privileges", privileges),
)
"""Against Proxmox VE, for plans with machines."""
PODS: Final[tuple[tuple[CheckName, Test], ...]] = (("kubernetes-room", kubernetes_room), ("quota", quota))
"""Against Kubernetes, for plans with services."""


def preflight(
    plan: PlanView,
    *,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    config: Config,
    owned: frozenset[int] = frozenset(),
    replaced: frozenset[int] = frozenset(),
) -> Preflight:
    """All tests. ``owned``: VMIDs that Terraform's state of this stack holds, which exist rightly; ``replaced``: those
    of them that Terraform destroys and makes again, so that their template has to be there.
    """
    scene = Scene(plan, snapshot, headroom=headroom, config=config, owned=owned, replaced=replaced)
    checks = (
        *_tested(scene, MACHINES, "proxmox", needed=bool(plan.machines)),
        *_tested(scene, PODS, "kubernetes", needed=bool(plan.services)),
    )
    return Preflight(root=plan.root, taken_at=snapshot.taken_at, checks=checks)


def _tested(
    scene: Scene, tests: tuple[tuple[CheckName, Test], ...], system: System, *, needed: bool
) -> Iterator[Check]:
    about = "Proxmox VE" if system == "proxmox" else "Kubernetes"
    unread = scene.unread(system)
    if not needed or (unread is not None and _another_delivers(scene, system)):
        what = "no machines" if system == "proxmox" else "no services"
        reason = f"the plan has {what}" if not needed else f"{scene.config.delivery} delivers, and has its own access"
        yield from (skipped(one, about, reason) for one, _ in tests)
    elif unread is not None:
        yield from (unknown(one, about, unread[0], remedy=unread[1]) for one, _ in tests)
    else:
        for _, test in tests:
            yield from test(scene)


def _another_delivers(scene: Scene, system: System) -> bool:
    """Argo CD and Flux bring the manifests themselves; CI needs no way to the cluster, and often has none."""
    gap = scene.gap(WHOLE_SYSTEM, system=system)
    absent = gap is not None and gap.code == NOT_CONFIGURED
    return system == "kubernetes" and scene.config.delivery != "kubectl" and absent


def findings_of(tested: Preflight) -> tuple[Finding, ...]:
    """What keeps an apply from beginning, for the pull request: failures block, what nobody can say warns. Tests that
    stopped for one reason make one finding.
    """
    grouped: dict[tuple[str, str, str], list[Check]] = {}
    for check in tested.stopping:
        about = "" if check.state == "failed" else check.about
        grouped.setdefault((check.state, check.reason, about), []).append(check)
    return tuple(_finding(checks) for checks in grouped.values())


def _finding(checks: list[Check]) -> Finding:
    first, names = checks[0], ", ".join(dict.fromkeys(check.name for check in checks))
    about = ", ".join(dict.fromkeys(check.about for check in checks))
    doubt = "" if first.state == "failed" else " (nobody can say)"
    return Finding(
        rule=f"preflight-{first.name}",
        severity="block" if first.state == "failed" else "warn",
        message=f"{names}{doubt}: {about}: {first.reason}.",
        remedy=first.remedy or "See the table of tests.",
    )
