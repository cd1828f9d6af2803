"""What every test of the preflight looks at, indexed once, and how a test speaks.

In: a plan, readings, config, and the guests that exist rightly. Out: look-ups, and ``Check`` values. Never: a reading
that failed taken for an empty one: a list that may be filtered proves what is there, not what is not.

The arithmetic here is written again and not shared with ``planning``, on purpose: the preflight is a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bot.model.cluster import (
    NOT_CONFIGURED,
    WHOLE_SYSTEM,
    ClusterSnapshot,
    Guest,
    Headroom,
    Missing,
    Node,
    ProxmoxFacts,
    Room,
    Store,
    System,
)
from bot.model.config import Config
from bot.model.plan import Machine, PlanView
from bot.model.stack import Check, CheckName

_NO_FACTS = ProxmoxFacts()
_CREDENTIALS: dict[System, tuple[str, str]] = {
    "proxmox": (
        "no Proxmox VE is configured where this runs",
        "Give CI PROXMOX_VE_ENDPOINT and, as a secret, PROXMOX_VE_API_TOKEN (`ai-provision check --print-roles`).",
    ),
    "kubernetes": (
        "no Kubernetes cluster is configured where this runs",
        "Give CI KUBECONFIG, the path of a file on the runner (`ai-provision check --print-roles`).",
    ),
}


@dataclass(frozen=True)
class Scene:
    """One stack before its apply. ``owned``: VMIDs in Terraform's state of this stack; ``replaced``: those of them that
    Terraform destroys and makes again.
    """

    plan: PlanView
    snapshot: ClusterSnapshot
    headroom: Headroom
    config: Config
    owned: frozenset[int] = frozenset()
    replaced: frozenset[int] = frozenset()

    @cached_property
    def facts(self) -> ProxmoxFacts:
        """Of the Proxmox cluster; empty when nothing was read."""
        return self.snapshot.proxmox or _NO_FACTS

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Proxmox hosts by name."""
        return {node.name: node for node in self.snapshot.of("proxmox")}

    @cached_property
    def rooms(self) -> dict[str, Room]:
        """What each Proxmox host can give, by name."""
        return {room.node: room for room in self.headroom.of("proxmox")}

    @cached_property
    def guests(self) -> dict[int, Guest]:
        """Existing guests by VMID."""
        return {guest.vm_id: guest for guest in self.facts.guests}

    @cached_property
    def mine(self) -> frozenset[int]:
        """VMIDs that exist rightly: in the state already, or imported by this plan."""
        return self.owned | {machine.vm_id for machine in self.plan.machines if machine.adopted}

    def own(self, machine: Machine) -> Guest | None:
        """The guest that the machine is already, or None when it is made now."""
        return self.guests.get(machine.vm_id) if machine.vm_id in self.mine else None

    def made(self, machine: Machine) -> bool:
        """Whether its source is needed: it is new, or destroyed and made again."""
        return machine.vm_id not in self.mine or machine.vm_id in self.replaced

    def stands_on(self, machine: Machine) -> str:
        """The planned node; a guest that HA moves stands where it stands, and adopted ones never move."""
        guest = self.own(machine)
        stays = guest is not None and (machine.ha or guest.ha or machine.adopted)
        return guest.node if guest is not None and stays else machine.node

    @cached_property
    def used_nodes(self) -> tuple[str, ...]:
        """The hosts that the plan's machines stand on, in their order."""
        return tuple(dict.fromkeys(self.stands_on(machine) for machine in self.plan.machines))

    def stores(self, node: str, name: str | None = None) -> tuple[Store, ...]:
        """The Proxmox datastores that a host reaches, by name."""
        return tuple(
            store
            for store in self.snapshot.stores
            if store.system == "proxmox"
            and name in {None, store.name}
            and (node in store.nodes or (store.shared and not store.nodes))
        )

    def gap(self, *beginnings: str, system: System = "proxmox") -> Missing | None:
        """The first reading that failed and whose name begins with one of these."""
        return next(
            (gap for gap in self.snapshot.missing if gap.system == system and gap.what.startswith(beginnings)), None
        )

    def silent(self, node: str) -> str | None:
        """Why nothing can be said of a host, or None when it was read."""
        found = self.nodes.get(node)
        if found is None:
            return f"{node} is no node of the Proxmox cluster that was read"
        return f"{node} is {found.state}" if found.state in {"offline", "unknown"} else None

    def unread(self, system: System) -> tuple[str, str] | None:
        """Reason and remedy when nothing of a system was read."""
        part = self.snapshot.proxmox if system == "proxmox" else self.snapshot.kubernetes
        if part is not None and self.snapshot.of(system):
            return None
        gap = self.gap(WHOLE_SYSTEM, system=system)
        if gap is None:
            return "it was not read", _CREDENTIALS[system][1]
        return _CREDENTIALS[system] if gap.code == NOT_CONFIGURED else (f"{gap.code}: {gap.reason}", gap.remedy)


def passed(name: CheckName, about: str, reason: str) -> Check:
    """It holds."""
    return Check(name=name, state="passed", about=about, reason=reason)


def failed(name: CheckName, about: str, reason: str, *, remedy: str) -> Check:
    """It does not hold."""
    return Check(name=name, state="failed", about=about, reason=reason, remedy=remedy)


def unknown(name: CheckName, about: str, reason: str, *, remedy: str) -> Check:
    """Nobody can say."""
    return Check(name=name, state="unknown", about=about, reason=reason, remedy=remedy)


def unread(name: CheckName, about: str, gap: Missing) -> Check:
    """What it needs was not read."""
    return unknown(name, about, f"{gap.what} could not be read: {gap.reason}", remedy=gap.remedy)


def skipped(name: CheckName, about: str, reason: str) -> Check:
    """Not needed, or not this credential's to see."""
    return Check(name=name, state="skipped", about=about, reason=reason)


def settled(problems: Iterable[Check], good: Check) -> tuple[Check, ...]:
    """The problems, or the one line that says that there is none."""
    return tuple(problems) or (good,)


def named(machines: Iterable[Machine]) -> str:
    """Names of machines, the first three."""
    names = [machine.name for machine in machines]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
