"""Blueprints: every machine but its node, and the machine once the node is known.

In: database sizes, config, snapshot. Out: ``Blueprint`` values and ``Machine`` values with their decisions. Never: a
node; ``placement`` chooses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Final

from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import Machine, Nic
from bot.model.quantity import GIB, Bytes, MilliCpu
from bot.planning.addresses import Held, free_addresses, free_vm_ids, gateway_for, taken_addresses
from bot.planning.database import DatabaseSize
from bot.planning.merged import MERGED, Standing, disks_of, held_addresses, held_ids
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
    """One machine to place. ``standing``: the merged plan has it; ``small``: without room to grow it keeps its size."""

    ask: Ask
    size: DatabaseSize
    first: bool
    address: str
    ground: Ground
    standing: Standing | None = None
    small: bool = False

    @property
    def merged(self) -> Machine | None:
        """The machine as it stands; None for a new one, and for one whose guest is gone."""
        return self.standing.machine if self.standing is not None and not self.standing.gone else None

    @property
    def cores(self) -> int:
        """vCPU, the new sizing's or, without room to grow, the lesser of it and what it has."""
        had = self.merged
        return min(self.size.cores, had.cores) if self.small and had is not None else self.size.cores

    @property
    def memory(self) -> Bytes:
        """Memory in bytes, by the same rule."""
        had = self.merged
        return Bytes(min(self.size.memory, had.memory)) if self.small and had is not None else self.size.memory

    @property
    def data_disk(self) -> Bytes:
        """Never smaller than it stands."""
        had = self.merged
        if had is None or not had.data_disks:
            return self.size.data_disk
        return had.data_disks[0].size if self.small else max(self.size.data_disk, had.data_disks[0].size)

    @property
    def data_disks(self) -> tuple[Bytes, ...]:
        """The data disk, and further ones that somebody added to the merged plan."""
        had = self.merged
        return (self.data_disk, *(disk.size for disk in (had.data_disks[1:] if had is not None else ())))


def blueprints(
    sizes: Sequence[DatabaseSize],
    *,
    scope: Scope,
    ground: Ground,
    config: Config,
    snapshot: ClusterSnapshot,
    held: Held,
    standing: Mapping[str, Standing],
) -> tuple[Blueprint, ...] | Refusal:
    """``<app>-db-1`` and on, each with a VMID and an address that nothing holds; what stands keeps both."""
    wanted = [(size, index == 0, name) for size, names in _named(sizes, scope.app, standing)
              for index, name in enumerate(names)]  # fmt: skip
    vm_ids = _ids([name for _, _, name in wanted], config=config, snapshot=snapshot, held=held, standing=standing)
    if isinstance(vm_ids, Refusal):
        return vm_ids
    addresses = _addresses(list(vm_ids), config=config, snapshot=snapshot, held=held, standing=standing)
    if isinstance(addresses, Refusal):
        return addresses
    return tuple(
        _as_it_stands(
            Blueprint(
                _ask(name, vm_ids[name], size=size, scope=scope, ground=ground, config=config),
                size=size,
                first=first,
                address=addresses[name],
                ground=ground,
                standing=standing.get(name),
            )
        )
        for size, first, name in wanted
    )


def _named(
    sizes: Sequence[DatabaseSize], app: str, standing: Mapping[str, Standing]
) -> Iterator[tuple[DatabaseSize, list[str]]]:
    """Standing instances of an engine first, the primary before its replicas; new ones take the next free numbers."""
    numbers = (f"{app}-db-{number}" for number in count(1))
    free = (name for name in numbers if name not in standing)
    for size in sizes:
        own = [entry.machine for entry in standing.values() if entry.machine.serves == size.kind]
        own.sort(key=lambda machine: (not machine.role.endswith("-primary"), len(machine.name), machine.name))
        names = [machine.name for machine in own][: size.instances]
        yield size, [*names, *islice(free, size.instances - len(names))]


def _ids(
    names: Sequence[str], *, config: Config, snapshot: ClusterSnapshot, held: Held, standing: Mapping[str, Standing]
) -> dict[str, int] | Refusal:
    """What stands keeps its id, and so does what is gone while no other pull request reserved it."""
    kept = {name: standing[name].machine.vm_id for name in names if name in standing}
    kept = {name: vm_id for name, vm_id in kept.items() if not (standing[name].gone and vm_id in held.vm_ids)}
    new = [name for name in names if name not in kept]
    free = free_vm_ids(len(new), config=config, snapshot=snapshot, reserved=held.vm_ids | held_ids(standing))
    return free if isinstance(free, Refusal) else {name: {**kept, **dict(zip(new, free, strict=True))}[name]
                                                   for name in names}  # fmt: skip


def _addresses(
    names: Sequence[str], *, config: Config, snapshot: ClusterSnapshot, held: Held, standing: Mapping[str, Standing]
) -> dict[str, str] | Refusal:
    """What stands keeps its address; what is gone does while nothing else holds it."""
    taken = taken_addresses(snapshot, gateway=config.defaults.gateway) | held.hosts
    kept = {
        name: standing[name].machine.address
        for name in names
        if name in standing and not (standing[name].gone and Held(addresses=_only(standing[name])).hosts & taken)
    }
    new = [name for name in names if name not in kept]
    reserved = held.addresses | held_addresses(standing, None)
    free = free_addresses(len(new), config=config, snapshot=snapshot, reserved=reserved)
    return free if isinstance(free, Refusal) else kept | dict(zip(new, free, strict=True))


def _only(entry: Standing) -> frozenset[str]:
    return frozenset({entry.machine.address})


def _as_it_stands(blueprint: Blueprint) -> Blueprint:
    """Disks at least as large as they stand, on the datastores that they have."""
    had = blueprint.merged
    if had is None:
        return blueprint
    nic = had.nics[0] if had.nics else None
    ask = replace(
        blueprint.ask,
        system_disk=max(SYSTEM_DISK, had.disk),
        data_disk=Bytes(sum(blueprint.data_disks)),
        datastore=had.datastore,
        bridge=nic.bridge if nic is not None else blueprint.ask.bridge,
        vlan=nic.vlan if nic is not None else blueprint.ask.vlan,
    )
    return replace(blueprint, ask=ask)


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
    ask, size, ground, had = blueprint.ask, blueprint.size, blueprint.ground, blueprint.merged
    bridge = ask.bridge or UNREAD_BRIDGE
    data_store = seat.data_store or seat.system_store
    gateway = gateway_for(blueprint.address, config=config, snapshot=snapshot, bridge=bridge)
    made = Machine(
        name=ask.name,
        kind="vm",
        role=f"{size.kind}-{'primary' if blueprint.first else 'replica'}",
        source=ground.source,
        node=seat.node,
        cores=blueprint.cores,
        memory=blueprint.memory,
        disk=ask.system_disk,
        vm_id=ask.vm_id,
        address=blueprint.address,
        gateway=gateway,
        datastore=seat.system_store[0],
        data_disks=disks_of(blueprint.data_disks, had, data_store[0]),
        nics=(Nic(bridge=bridge, vlan=ask.vlan),),
        pool=ask.pool,
        tags=tuple(sorted({*config.defaults.tags, scope.app})),
        cpu_type=ask.cpu_type,
        agent=ground.template is not None and ground.template.agent is True,
        template_node=ground.template.node if ground.template is not None else None,
        serves=size.kind,
        settings=size.settings,
    )
    return made if had is None else _kept(made, had, small=blueprint.small)


_STAYS: Final = ("kind", "source", "nics", "cpu_type", "agent", "template_node", "ha", "replicate_to", "adopted")


def _kept(made: Machine, had: Machine, *, small: bool) -> Machine:
    """What would make a machine anew, or restart it for nothing, stays as it is merged."""
    stays = {name: getattr(had, name) for name in _STAYS}
    stays["gateway"] = made.gateway if made.gateway is not None else had.gateway
    if small and (made.cores, made.memory) == (had.cores, had.memory):
        stays["settings"] = had.settings
    return made.model_copy(update=stays)


def seat_without_cluster(config: Config) -> Seat:
    """Where a machine stands in a plan that no Proxmox cluster was read for: the installer's own names."""
    system = (config.defaults.datastore or UNREAD_DATASTORE, UNREAD_NODE)
    data = (config.defaults.data_datastore or system[0], UNREAD_NODE)
    return Seat(UNREAD_NODE, system, data)


def decided(blueprint: Blueprint, machine: Machine, *, why_node: str, read: bool) -> Notes:
    """The records of one machine: its sizes repeat those of its database under the machine's own path."""
    name = machine.name
    values: dict[str, JsonValue] = {
        "cores": machine.cores,
        "memory": machine.memory.to_k8s(),
        "data_disk": blueprint.data_disk.to_k8s(),
    }
    sized = tuple(
        _as_made(entry, f"machines.{name}.{what}", values.get(what, entry.value))
        for what in _OF_SIZE
        for entry in blueprint.size.notes.decisions
        if entry.path == f"databases.{blueprint.size.kind}.{what}"
    )
    rows: tuple[tuple[str, JsonValue, str, str], ...] = (
        ("node", machine.node, why_node, "placement"),
        *_identity(blueprint, machine),
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


def _as_made(entry: Decision, path: str, value: JsonValue) -> Decision:
    """The record of the database under the machine's path; what stands may differ."""
    if value == entry.value:
        return entry.model_copy(update={"path": path})
    why = f"what stands stays: {entry.value} is the new size, and disks never shrink nor do nodes without room grow"
    return entry.model_copy(update={"path": path, "value": value, "why": why, "source": MERGED, "formula": None})


def _identity(blueprint: Blueprint, machine: Machine) -> tuple[tuple[str, JsonValue, str, str], ...]:
    """Id and address: as they are merged, or the next free ones."""
    entry = blueprint.standing
    had = entry.machine if entry is not None else None
    why_id, id_source = "the lowest id of the range that no guest holds", "vm_ids of .ai-provision.yaml"
    why_address, address_source = _why_address(machine), "defaults.addresses of .ai-provision.yaml"
    if had is not None and had.vm_id == machine.vm_id:
        why_id, id_source = "the id that the machine has", MERGED
    if had is not None and had.address == machine.address:
        why_address, address_source = "the address that the machine has", MERGED
    return (
        ("vm_id", machine.vm_id, why_id, id_source),
        ("address", machine.address, why_address, address_source),
    )


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
