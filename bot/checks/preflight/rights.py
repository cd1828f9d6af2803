"""Whether the token may do what the plan asks for, before Terraform finds out half way.

In: the scene; the snapshot's permissions are the reading token's own. Out: check ``privileges``. Never: a verdict on a
token that is not the one that applies: a survey token sees its own rights only, and is told by having no write right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot import roles
from bot.checks.preflight.scene import Scene, failed, named, passed, skipped, unknown, unread
from bot.model.plan import Machine
from bot.model.stack import Check

_PRINT: Final = "`ai-provision check --print-roles` prints the roles and the commands."
_SHOWN: Final = 6
_WRITES: Final = frozenset({"VM.Allocate", "VM.Clone", "VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory"})
"""Whoever holds one of these is no survey token."""


@dataclass(frozen=True)
class Need:
    """All of ``privileges``, each on one of ``paths``."""

    paths: tuple[str, ...]
    privileges: tuple[str, ...]


def privileges(scene: Scene) -> tuple[Check, ...]:
    """One check for all machines; every lacking right with its path."""
    about, granted = named(scene.plan.machines), scene.facts.permissions
    if not granted:
        gap = scene.gap("rights of the token")
        if gap is not None:
            return (unread("privileges", about, gap),)
        return (unknown("privileges", about, "the token's own rights were not read", remedy=_PRINT),)
    if _WRITES.isdisjoint(name for held in granted.values() for name in held):
        return (skipped("privileges", about, "read with a survey token, which does not show what CI's token may do"),)
    lacking = [text for need in dict.fromkeys(needs(scene)) for text in _lacking(need, scene)]
    if not lacking:
        return (passed("privileges", about, "the token may do all that the plan asks for"),)
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    reason = f"the token lacks {', '.join(lacking[:_SHOWN])}{more}"
    return (failed("privileges", about, reason, remedy=f"Grant it to user and token. {_PRINT}"),)


def _lacking(need: Need, scene: Scene) -> Iterator[str]:
    for name in need.privileges:
        if not any(name in held(scene, path) for path in need.paths):
            yield f"{name} on {need.paths[0]}"


def held(scene: Scene, path: str) -> tuple[str, ...]:
    """The rights on a path: the nearest one at or above it that is listed decides, as Proxmox VE inherits them."""
    granted, here = scene.facts.permissions, path
    while here not in granted and here != "/":
        here = here.rpartition("/")[0] or "/"
    return granted.get(here, ())


def needs(scene: Scene) -> Iterator[Need]:
    """What the provider and the API ask for, machine by machine."""
    major = _major(scene.facts.version)
    for machine in scene.plan.machines:
        yield from _of_guest(machine, major)
        if scene.made(machine):
            yield from _of_source(machine, scene)
        yield from _of_network(machine, scene)
        if machine.pci_mapping is not None:
            yield Need((f"/mapping/pci/{machine.pci_mapping}",), roles.DEVICE)
        if machine.replicate_to is not None and major >= 9:
            yield Need(_paths(machine), roles.REPLICATION_OF_9)
        elif machine.replicate_to is not None:
            yield Need(("/storage",), roles.REPLICATION_OF_8)
    yield from _of_cluster(scene)


def _major(version: str | None) -> int:
    first = (version or "9").partition(".")[0]
    return int(first) if first.isdecimal() else 9


def _paths(machine: Machine) -> tuple[str, ...]:
    """A guest of a pool gains the pool's rights; what holds on /vms holds for it too."""
    return (f"/pool/{machine.pool}", "/vms") if machine.pool is not None else ("/vms",)


def _of_guest(machine: Machine, major: int) -> Iterator[Need]:
    """The guest's own role, without the rights that this machine does not use."""
    moves = machine.template_node is not None and machine.template_node != machine.node
    unused = {roles.AGENT_OF_9, roles.AGENT_OF_8} if not machine.agent else set()
    unused |= set() if moves else {roles.MIGRATE}
    wanted = tuple(name for name in roles.guest_privileges(major) if name not in unused)
    yield Need(_paths(machine), wanted)
    if machine.pool is not None:
        yield Need((f"/pool/{machine.pool}",), roles.POOL)


def _of_source(machine: Machine, scene: Scene) -> Iterator[Need]:
    for store in dict.fromkeys((machine.datastore, *(disk.datastore for disk in machine.data_disks))):
        yield Need((f"/storage/{store}",), roles.DISKS)
    if machine.source.template_id is not None:
        yield Need((f"/vms/{machine.source.template_id}",), roles.TEMPLATE)
    origin = machine.source.ct_template if machine.kind == "container" else machine.source.image
    if origin is not None and "://" in origin:
        yield Need((f"/nodes/{machine.node}",), roles.DOWNLOAD)
        images = scene.config.defaults.image_datastore
        if images is not None:
            yield Need((f"/storage/{images}",), ("Datastore.AllocateTemplate",))


def _of_network(machine: Machine, scene: Scene) -> Iterator[Need]:
    found = scene.nodes.get(scene.stands_on(machine))
    zones = {one.name: one.zone for one in found.bridges} if found is not None else {}
    for nic in machine.nics:
        path = f"/sdn/zones/{zones.get(nic.bridge) or 'localnetwork'}/{nic.bridge}"
        tagged = (f"{path}/{nic.vlan}",) if nic.vlan is not None else ()
        yield Need((*tagged, path), roles.NETWORK)


def _of_cluster(scene: Scene) -> Iterator[Need]:
    if any(machine.ha for machine in scene.plan.machines):
        yield Need(("/",), roles.HA)
    if scene.plan.backup is not None and any(machine.backup for machine in scene.plan.machines):
        yield Need(("/",), roles.BACKUP)
        yield Need((f"/storage/{scene.plan.backup.datastore}",), ("Datastore.Allocate",))
