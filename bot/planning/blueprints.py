"""Blueprints: every machine but its node, and the machine once the node is known.

In: database sizes, config, snapshot. Out: ``Blueprint`` values and ``Machine`` values with their decisions. Never: a
node; ``placement`` chooses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import DataDisk, Machine, Nic
from bot.model.quantity import GIB, Bytes, MilliCpu
from bot.planning.addresses import Held, free_addresses, free_vm_ids, gateway_for
from bot.planning.database import DatabaseSize
from bot.planning.placement.board import Ask, Seat
from bot.planning.record import Notes
from bot.planning.scope import Scope
from bot.planning.templates import UNREAD_BRIDGE, Ground

SYSTEM_DISK: Final = Bytes.of_gib(20)
UNREAD_NODE: Final = "pve"
UNREAD_DATASTORE: Final = "local-lvm"
_OF_SIZE: Final = ("cores", "memory", "data_disk", "max_connections")


@dataclass(frozen=True)
class Blueprint:
    """One machine to place."""

    ask: Ask
    size: DatabaseSize
    first: bool
    address: str
    ground: Ground


def blueprints(
    sizes: Sequence[DatabaseSize],
    *,
    scope: Scope,
    ground: Ground,
    config: Config,
    snapshot: ClusterSnapshot,
    held: Held,
) -> tuple[Blueprint, ...] | Refusal:
    """``<app>-db-1`` and on, each with a VMID and an address that nothing holds."""
    wanted = [(size, index == 0) for size in sizes for index in range(size.instances)]
    vm_ids = free_vm_ids(len(wanted), config=config, snapshot=snapshot, reserved=held.vm_ids)
    if isinstance(vm_ids, Refusal):
        return vm_ids
    addresses = free_addresses(len(wanted), config=config, snapshot=snapshot, reserved=held.addresses)
    if isinstance(addresses, Refusal):
        return addresses
    return tuple(
        Blueprint(
            _ask(f"{scope.app}-db-{number}", vm_id, size=size, scope=scope, ground=ground, config=config),
            size=size,
            first=first,
            address=address,
            ground=ground,
        )
        for number, ((size, first), vm_id, address) in enumerate(zip(wanted, vm_ids, addresses, strict=True), start=1)
    )


def _ask(name: str, vm_id: int, *, size: DatabaseSize, scope: Scope, ground: Ground, config: Config) -> Ask:
    defaults = config.defaults
    of_template = ground.template.disk if ground.template is not None else Bytes(0)
    whole = Bytes(-(-max(SYSTEM_DISK, of_template) // GIB) * GIB)
    return Ask(
        name=name,
        vm_id=vm_id,
        group=f"{scope.app}-{size.kind}",
        cpu=MilliCpu(size.cores * 1000),
        memory=size.memory,
        system_disk=whole,
        data_disk=size.data_disk,
        datastore=defaults.datastore,
        data_datastore=defaults.data_datastore,
        bridge=ground.bridge,
        vlan=defaults.vlan,
        pool=defaults.pool,
        template=ground.template,
        template_id=ground.source.template_id,
    )


def machine_on(blueprint: Blueprint, seat: Seat, *, scope: Scope, config: Config, snapshot: ClusterSnapshot) -> Machine:
    """The machine on its seat."""
    ask, size, ground = blueprint.ask, blueprint.size, blueprint.ground
    bridge = ask.bridge or UNREAD_BRIDGE
    data_store = seat.data_store or seat.system_store
    return Machine(
        name=ask.name,
        kind="vm",
        role=f"{size.kind}-{'primary' if blueprint.first else 'replica'}",
        source=ground.source,
        node=seat.node,
        cores=size.cores,
        memory=size.memory,
        disk=ask.system_disk,
        vm_id=ask.vm_id,
        address=blueprint.address,
        gateway=gateway_for(blueprint.address, config=config, snapshot=snapshot, bridge=bridge),
        datastore=seat.system_store[0],
        data_disks=(DataDisk(size=size.data_disk, datastore=data_store[0]),),
        nics=(Nic(bridge=bridge, vlan=ask.vlan),),
        pool=ask.pool,
        tags=tuple(sorted({*config.defaults.tags, scope.app})),
        cpu_type=ask.cpu_type,
        agent=ground.template is not None and ground.template.agent is True,
        template_node=ground.template.node if ground.template is not None else None,
        serves=size.kind,
        settings=size.settings,
    )


def seat_without_cluster(config: Config) -> Seat:
    """Where a machine stands in a plan that no Proxmox cluster was read for: the installer's own names."""
    system = (config.defaults.datastore or UNREAD_DATASTORE, UNREAD_NODE)
    data = (config.defaults.data_datastore or system[0], UNREAD_NODE)
    return Seat(UNREAD_NODE, system, data)


def decided(blueprint: Blueprint, machine: Machine, *, why_node: str, read: bool) -> Notes:
    """The records of one machine: its sizes repeat those of its database under the machine's own path."""
    name = machine.name
    sized = tuple(
        entry.model_copy(update={"path": f"machines.{name}.{what}"})
        for what in _OF_SIZE
        for entry in blueprint.size.notes.decisions
        if entry.path == f"databases.{blueprint.size.kind}.{what}"
    )
    rows: tuple[tuple[str, JsonValue, str, str], ...] = (
        ("node", machine.node, why_node, "placement"),
        ("vm_id", machine.vm_id, "the lowest id of the range that no guest holds", "vm_ids of .ai-provision.yaml"),
        ("address", machine.address, _why_address(machine), "defaults.addresses of .ai-provision.yaml"),
        ("disk", machine.disk.to_k8s(), "20 GiB for the system, or the template's disk", "first value"),
    )
    placed = tuple(
        Decision(
            path=f"machines.{name}.{what}",
            value=value,
            origin="rule",
            why=why,
            source=source,
            tag="read" if read and what != "disk" else "P",
        )
        for what, value, why, source in rows
    )
    return Notes(decisions=sized + placed)


def _why_address(machine: Machine) -> str:
    return (
        "no range is configured" if machine.address == "dhcp" else "the first address of the range that nothing holds"
    )


def about_settings(size: DatabaseSize) -> Notes:
    """The records of the engine's parameters, once per database."""
    return Notes(
        decisions=tuple(
            Decision(
                path=f"databases.{size.kind}.settings.{key}",
                value=value,
                origin="rule",
                tag="S",
                why=f"first value for {size.cores} vCPU and {size.memory}",
                source=_RULES.get(key, "pgtune@7caef27"),
            )
            for key, value in size.settings.items()
        )
    )


_RULES: Final = {
    "shared_buffers": "postgresql.org runtime-config-resource: a quarter of RAM",
    "effective_cache_size": "pgtune@7caef27: three quarters of RAM",
    "maintenance_work_mem": "pgtune@7caef27: RAM/16, at most 8 GB",
    "work_mem": "pgtune@7caef27: (RAM - shared_buffers) / ((max_connections + workers) * 3)",
    "max_connections": "sizing step 10: max(100, ceil(1.2 * pool * pods) + 10)",
    "innodb_buffer_pool_size": "dev.mysql.com innodb-dedicated-server: three quarters of RAM",
    "max server memory (MB)": "sizing step 11: three quarters of RAM",
}
