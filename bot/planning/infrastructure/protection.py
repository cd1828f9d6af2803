"""What keeps a machine through a loss: high availability, replication, backup, firewall; or why it cannot.

In: a machine's kit and seat. Out: ``Guard`` and findings. Never: a promise that the storage cannot keep.

Sources: Proxmox VE restarts HA guests elsewhere only from shared or replicated disks; storage replication exists for
local ZFS alone; PCI passthrough devices do not travel (pve-ha-manager, pvesr).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.cluster import Store
from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import Backup, Firewall, Machine
from bot.model.wishes import MachineRole
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kits import Kit
from bot.planning.infrastructure.seating import wants_ha
from bot.planning.placement.board import Seat
from bot.planning.record import Notes, note, warn

_ZFS: Final = "zfspool"
_OPEN: Final[Mapping[MachineRole, tuple[int, ...]]] = {"web": (80, 443), "load-balancer": (80, 443)}
_ENGINES: Final[Mapping[str, int]] = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433}


@dataclass(frozen=True)
class Guard:
    """How one machine is protected."""

    ha: bool
    replicate_to: str | None
    firewall: Firewall | None
    backup: bool
    notes: Notes


def guard_of(kit: Kit, place: Seat, *, yard: Yard) -> Guard:
    """HA needs a shared or replicated disk and a second node; what is missing is said."""
    target, replicated = _replication(kit, place, yard)
    highly, ha_notes = _ha(kit, place, target=target, yard=yard)
    firewall, wall_notes = _firewall(kit, yard)
    backup = _wants_backup(kit, yard)
    return Guard(highly, target, firewall, backup, notes=replicated + ha_notes + wall_notes)


def _replication(kit: Kit, place: Seat, yard: Yard) -> tuple[str | None, Notes]:
    wish, name = kit.draft.wish, kit.draft.name
    for_ha = wants_ha(kit.draft, yard) and not place.shared and wish.replicate is not False
    if not wish.replicate and not for_ha:
        return None, Notes()
    target = _twin(place, yard, had=kit.merged.replicate_to if kit.merged is not None else None) if yard.read else None
    if target is not None:
        why = "the request asks for copies" if wish.replicate else "HA needs a copy, and the disk is local"
        why += f": the roomiest other node, or the one that has them already, with the ZFS pool {place.system_store[0]}"
        return target, _decision(name, "replicate_to", target, why=why, by_user=bool(wish.replicate))
    if not wish.replicate:
        return None, Notes()
    reason = (
        "its disk is on shared storage already" if place.shared else "only a ZFS pool of this name on both nodes can"
    )
    finding = warn(
        "replication-impossible",
        f"{name} is not replicated: {reason}.",
        remedy="Name a local ZFS datastore that two nodes have, or rely on backups.",
    )
    return None, finding


def _twin(place: Seat, yard: Yard, *, had: str | None) -> str | None:
    """Another node with ZFS pools of the same names: the one with the copies, else with the most free memory."""
    names = {store for store in (place.system_store, place.data_store) if store is not None}
    stores = [store for store in yard.snapshot.stores if store.system == "proxmox" and store.active]
    if not all(node and _zfs(name, node, stores) for name, node in names):
        return None
    rooms = [room for room in yard.headroom.of("proxmox") if room.usable and room.node != place.node]
    fitting = [room for room in rooms if all(_zfs(name, room.node, stores) for name, _ in names)]
    best = min(fitting, key=lambda room: (room.node != had, -room.free.memory, room.node), default=None)
    return best.node if best is not None else None


def _zfs(name: str, node: str, stores: Sequence[Store]) -> bool:
    return any(store.name == name and store.kind == _ZFS and node in store.nodes for store in stores)


def _ha(kit: Kit, place: Seat, *, target: str | None, yard: Yard) -> tuple[bool, Notes]:
    name = kit.draft.name
    if not wants_ha(kit.draft, yard):
        return False, Notes()
    reason = _no_ha(kit, place, target=target, yard=yard)
    if reason is None:
        why = "the request asks for it" if kit.draft.wish.ha else "high_availability of .ai-provision.yaml"
        return True, _decision(name, "ha", value=True, why=why, by_user=True)
    finding = warn(
        "ha-impossible",
        f"{name} is not highly available: {reason}.",
        remedy="Name a shared datastore, or a local ZFS pool that two nodes have.",
    )
    return False, finding


def _no_ha(kit: Kit, place: Seat, *, target: str | None, yard: Yard) -> str | None:
    if not yard.read:
        return None
    usable = [room.node for room in yard.headroom.of("proxmox") if room.usable]
    if len(usable) < 2:
        return "the cluster has no second usable node"
    if kit.mapping is not None:
        return f"its PCI device {kit.mapping} does not travel to another node"
    if not place.shared and target is None:
        return f"its disks stand on local storage ({place.system_store[0]}) that is not replicated"
    return None


def ha_kind(machines: Sequence[Machine], yard: Yard) -> Literal["none", "groups", "rules"]:
    """PVE 9 has rules, 8 has groups; an unread cluster is taken for 9."""
    if not any(machine.ha for machine in machines):
        return "none"
    version = yard.snapshot.proxmox.version if yard.snapshot.proxmox is not None else None
    major = (version or "9").partition(".")[0]
    return "groups" if major.isdecimal() and int(major) < 9 else "rules"


def _firewall(kit: Kit, yard: Yard) -> tuple[Firewall | None, Notes]:
    wish, name = kit.draft.wish, kit.draft.name
    wanted = wish.firewall if wish.firewall is not None else yard.config.firewall
    if not wanted:
        return None, Notes()
    if wish.role.startswith("kubernetes-"):
        finding = warn(
            "firewall-not-on-cluster",
            f"{name}: no firewall on a machine of a Kubernetes cluster; its network plugin needs UDP and protocols "
            "that a list of TCP ports cannot express.",
            remedy="Use network policies inside the cluster, or rules of your own outside it.",
        )
        return None, finding
    ports = tuple(sorted(set(wish.ports or _usual(kit))))
    why = "the request states them" if wish.ports else "what its role serves, beside SSH"
    return Firewall(ports=ports), _decision(name, "firewall.ports", list(ports), why=why, by_user=bool(wish.ports))


def _usual(kit: Kit) -> tuple[int, ...]:
    wish = kit.draft.wish
    if wish.role == "database":
        port = _ENGINES.get(wish.engine or "postgresql")
        return (port,) if port is not None else ()
    return _OPEN.get(wish.role, ())


def _wants_backup(kit: Kit, yard: Yard) -> bool:
    wish = kit.draft.wish
    return wish.backup if wish.backup is not None else yard.config.backups.datastore is not None


def backup_for(machines: Sequence[Machine], yard: Yard) -> tuple[Backup | None, Notes]:
    """One job for all that want one: the configured datastore, else a store with content ``backup``."""
    wanting = [machine for machine in machines if machine.backup]
    if not wanting:
        return None, Notes()
    configured = yard.config.backups
    name = configured.datastore or _backup_store({machine.node for machine in wanting}, yard)
    if name is None:
        finding = warn(
            "backup-impossible",
            "Backup is asked for, and no datastore with content `backup` reaches every machine's node: none is made.",
            remedy="Set backups.datastore in .ai-provision.yaml.",
        )
        return None, finding
    by_user = configured.datastore is not None
    why = "the config file names it" if by_user else "a store with content backup, shared before local, by name"
    notes = _backup_notes(name, yard, why=why, by_user=by_user)
    return Backup(datastore=name, schedule=configured.schedule, keep_last=configured.keep_last), notes


def _backup_notes(name: str, yard: Yard, *, why: str, by_user: bool) -> Notes:
    config = "backups of .ai-provision.yaml"
    rows = (
        ("datastore", name, why, by_user),
        ("schedule", yard.config.backups.schedule, "a nightly hour, or the configured one", False),
        ("keep_last", yard.config.backups.keep_last, "a week of nights, or the configured number", False),
    )
    decisions = tuple(
        Decision(
            path=f"backup.{what}",
            value=value,
            origin="user" if said else "rule",
            why=reason,
            source=config,
            tag="user" if said else "P",
        )
        for what, value, reason, said in rows
    )
    shared = {store.name for store in yard.snapshot.stores if store.shared}
    if by_user or name in shared:
        return Notes(decisions=decisions)
    finding = note(
        "backup-on-same-host",
        f"The backups go to {name}, which is local: a lost host takes machine and backup.",
        remedy="Add a Proxmox Backup Server or shared storage, and set backups.datastore.",
    )
    return Notes(decisions=decisions) + finding


def _backup_store(nodes: set[str], yard: Yard) -> str | None:
    fitting: dict[str, set[str]] = {}
    shared: set[str] = set()
    for store in yard.snapshot.stores:
        if store.system == "proxmox" and store.active and "backup" in store.content:
            fitting.setdefault(store.name, set()).update(store.nodes or nodes)
            shared |= {store.name} if store.shared else set()
    able = [name for name, reach in fitting.items() if nodes <= reach]
    return min(able, key=lambda name: (name not in shared, name), default=None)


def _decision(name: str, what: str, value: JsonValue, *, why: str, by_user: bool) -> Notes:
    return Notes(
        decisions=(
            Decision(
                path=f"machines.{name}.{what}",
                value=value,
                origin="user" if by_user else "rule",
                why=why,
                source="the request or .ai-provision.yaml" if by_user else "Proxmox VE's own behaviour",
                tag="user" if by_user else "P",
            ),
        )
    )
