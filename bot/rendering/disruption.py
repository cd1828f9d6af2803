"""What a change does to machines that exist already: destroyed, made again, restarted.

In: the plan before and the plan after. Out: disruptions, worst first. Never: Terraform's own word (the plan comment has
that; this is what a reviewer has to see before it), new machines, changes that nobody notices.

Source of the table: which arguments of bpg/proxmox 0.111.1 force a replacement or take a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from bot.model.noun import Noun
from bot.model.plan import Machine, PlanView
from bot.rendering.addresses import group

Effect = Literal["destroy", "recreate", "reboot"]
_ORDER: Final[tuple[Effect, ...]] = ("destroy", "recreate", "reboot")


class Disruption(Noun):
    """One machine and what happens to it. ``because``: what changes, with both values. ``blocked``: the machine is
    protected (``prevent_destroy``), so Terraform stops instead.
    """

    machine: str
    effect: Effect
    because: tuple[str, ...] = ()
    blocked: bool = False


def disruptions(before: PlanView | None, after: PlanView) -> tuple[Disruption, ...]:
    """Every machine of ``before`` that does not simply run on, sorted by effect and name."""
    if before is None:
        return ()
    later = {machine.name: machine for machine in after.machines}
    found = [each for machine in before.machines if (each := _disruption(machine, later.get(machine.name))) is not None]
    return tuple(sorted(found, key=lambda each: (_ORDER.index(each.effect), each.machine)))


def _disruption(before: Machine, after: Machine | None) -> Disruption | None:
    protected = bool(before.data_disks) or before.adopted
    if after is None:
        return Disruption(
            machine=before.name, effect="destroy", because=("it is gone from the plan",), blocked=protected
        )
    replaced = tuple(_changes(before, after, _REPLACING)) + tuple(_replaced_otherwise(before, after))
    if replaced:
        protected = bool(after.data_disks) or after.adopted or protected
        return Disruption(machine=before.name, effect="recreate", because=replaced, blocked=protected)
    restarted = tuple(_changes(before, after, _RESTARTING)) if after.kind == "vm" else ()
    restarted += tuple(_changes(before, after, _NETWORK))
    return Disruption(machine=before.name, effect="reboot", because=restarted) if restarted else None


Fact = tuple[str, Callable[[Machine], object]]

_REPLACING: Final[tuple[Fact, ...]] = (
    ("kind", lambda machine: machine.kind),
    ("VMID", lambda machine: machine.vm_id),
    ("datastore", lambda machine: machine.datastore),
)
_RESTARTING: Final[tuple[Fact, ...]] = (
    ("cores", lambda machine: machine.cores),
    ("memory in MiB", lambda machine: machine.memory.to_proxmox_mib()),
    ("CPU type", lambda machine: machine.cpu_type),
    ("PCI device", lambda machine: machine.pci_mapping or "none"),
)
_NETWORK: Final[tuple[Fact, ...]] = (
    ("address", lambda machine: machine.address),
    ("gateway", lambda machine: machine.gateway or "none"),
    ("network", lambda machine: "; ".join(_nics(machine)) or "none"),
)


def _nics(machine: Machine) -> Iterator[str]:
    for nic in machine.nics:
        told = (nic.bridge, f"VLAN {nic.vlan}" if nic.vlan is not None else "", nic.address or "", nic.gateway or "")
        yield " ".join(filter(None, told))


def _changes(before: Machine, after: Machine, facts: tuple[Fact, ...]) -> Iterator[str]:
    for name, read in facts:
        if read(before) != read(after):
            yield f"{name} {read(before)} → {read(after)}"


def _replaced_otherwise(before: Machine, after: Machine) -> Iterator[str]:
    """Node, source and disks: whether they replace a machine depends on how it lives."""
    if before.node != after.node and not after.ha and not after.adopted:
        yield f"node {before.node} → {after.node}"
    if _origin(before) != _origin(after) and not _keeps_clone(before, after):
        yield f"source {_origin(before)} → {_origin(after)}"
    if after.disk.to_proxmox_gib() < before.disk.to_proxmox_gib():
        yield f"disk in GiB {before.disk.to_proxmox_gib()} → {after.disk.to_proxmox_gib()}, and disks do not shrink"
    kept = {disk.interface: disk for disk in after.data_disks}
    for disk in before.data_disks:
        new = kept.get(disk.interface)
        if new is None:
            yield f"data disk {disk.interface} is gone from the plan"
        elif new.datastore != disk.datastore or new.size.to_proxmox_gib() < disk.size.to_proxmox_gib():
            yield f"data disk {disk.interface} would shrink or move"


def _keeps_clone(before: Machine, after: Machine) -> bool:
    """A machine with data, under high availability or adopted does not follow its template."""
    cloned = before.source.template_id is not None and after.source.template_id is not None
    return after.adopted or (cloned and group(after) != "stateless")


def _origin(machine: Machine) -> str:
    source = machine.source
    if source.template_id is not None:
        return f"template {source.template_id}"
    return source.image or source.iso_image or source.ct_template or "none"
