"""The machines of the merged plan as the reading finds them: standing, or gone.

In: the plan that was merged before, the snapshot. Out: ``Standing`` by name, the machines that a new plan must not
drop, or a ``Refusal`` (``conflict``). Never: a second id for a machine that runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.plan import DataDisk, Machine, Nic, Placed, PlanView
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.planning.naming import shown
from bot.planning.record import Notes, warn

MANAGED: Final = "ai-provision"
"""The tag that every generated machine carries."""
MERGED: Final = "the merged plan"
STAYS: Final = "it stands there already; machines of the merged plan keep their node"


@dataclass(frozen=True)
class Standing:
    """A machine of the merged plan. ``guest`` is None where nothing was read; ``gone``: read, and no guest has its id:
    somebody deleted it, or it was never applied.
    """

    machine: Machine
    guest: Guest | None = None
    gone: bool = False

    @property
    def node(self) -> str:
        """High availability and adoption follow the reading, because Terraform ignores their node; others keep it."""
        follows = self.machine.ha or self.machine.adopted
        return self.guest.node if self.guest is not None and follows else self.machine.node

    @property
    def nics(self) -> tuple[Nic, ...]:
        """Every interface with its own address; the first one's stands at the machine."""
        machine = self.machine
        first = machine.nics[0] if machine.nics else None
        if first is None:
            return ()
        own = first.model_copy(update={"address": machine.address, "gateway": machine.gateway})
        return (own, *machine.nics[1:])


def standing_in(before: PlanView | None, snapshot: ClusterSnapshot) -> dict[str, Standing] | Refusal:
    """Every machine of the merged plan; a foreign guest under the id of one is a conflict that no plan may touch."""
    found: dict[str, Standing] = {}
    guests = {guest.vm_id: guest for guest in (snapshot.proxmox.guests if snapshot.proxmox is not None else ())}
    read = bool(snapshot.of("proxmox"))
    for machine in before.machines if before is not None else ():
        guest = guests.get(machine.vm_id)
        if guest is not None and before is not None and not _is(guest, machine, app=before.app):
            return _foreign(guest, machine)
        found[machine.name] = Standing(machine, guest, gone=read and guest is None)
    return found


def _is(guest: Guest, machine: Machine, *, app: str) -> bool:
    """The name, or the bot's tags where somebody renamed it."""
    if guest.template or guest.kind != machine.kind:
        return False
    return guest.name == machine.name or (MANAGED in guest.tags and bool({app, machine.cluster} & set(guest.tags)))


def _foreign(guest: Guest, machine: Machine) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"VMID {machine.vm_id} belongs to {machine.name} in the merged plan, and to {shown(guest.name)} on "
        f"{guest.node} in the cluster: an apply would change or destroy that guest.",
        remedy=f"Take {machine.name} out of Terraform's state (terraform state rm), or give that guest another id.",
    )


def growth_of(guest: Guest, *, cores: int, memory: Bytes) -> Resources:
    """What a guest of these sizes takes beyond what is promised to it already."""
    if guest.status != "running" and not guest.on_boot and not guest.ha:
        return Resources(cpu=MilliCpu(cores * 1000), memory=memory)
    more_cpu = MilliCpu(max(0, cores - guest.cores) * 1000)
    return Resources(cpu=more_cpu, memory=Bytes(max(0, memory - guest.memory)))


def added_by(machine: Machine, standing: Mapping[str, Standing]) -> Resources:
    """CPU and memory that a planned machine adds to what its node has promised."""
    entry = standing.get(machine.name)
    if entry is not None and entry.guest is not None:
        return growth_of(entry.guest, cores=machine.cores, memory=machine.memory)
    return Resources(cpu=MilliCpu(machine.cores * 1000), memory=machine.memory)


def held_ids(standing: Mapping[str, Standing]) -> frozenset[int]:
    """The ids of the merged plan: no new machine may have one, whether its owner was read or not."""
    return frozenset(entry.machine.vm_id for entry in standing.values())


def held_addresses(standing: Mapping[str, Standing], before: PlanView | None) -> frozenset[str]:
    """The addresses of the merged plan, those of its clusters' APIs included."""
    texts = {nic.address for entry in standing.values() for nic in entry.nics}
    texts |= {cluster.endpoint for cluster in (before.clusters if before is not None else ())}
    return frozenset(text for text in texts if text and text != "dhcp")


@dataclass(frozen=True)
class Left:
    """Machines that nobody asks for any more, and yet stay in the plan. Their places, and why."""

    machines: tuple[Machine, ...]
    placed: tuple[Placed, ...]
    notes: Notes


def left_over(standing: Mapping[str, Standing], planned: Iterable[str], *, app: str) -> Left:
    """What holds data or was adopted outlives a plan that does not name it: ``prevent_destroy`` would stop it."""
    known = frozenset(planned)
    kept = [entry for name, entry in sorted(standing.items()) if name not in known and _protected(entry)]
    machines = tuple(entry.machine.model_copy(update={"node": entry.node}) for entry in kept)
    placed = tuple(Placed(name=one.name, system="proxmox", node=one.node, why=STAYS) for one in machines)
    notes = _about_data([one for one in machines if one.data_disks], app)
    return Left(machines, placed, notes + _about_adopted([one for one in machines if not one.data_disks]))


def _protected(entry: Standing) -> bool:
    return not entry.gone and (bool(entry.machine.data_disks) or entry.machine.adopted)


def _about_data(machines: list[Machine], app: str) -> Notes:
    if not machines:
        return Notes()
    return warn(
        "machines-with-data-kept",
        f"Nothing asks for {_listed(machines)} any more, and they hold data: they stay in the plan as they are.",
        remedy=f"To destroy data, write /ai-destroy {app} data.",
    )


def _about_adopted(machines: list[Machine]) -> Notes:
    if not machines:
        return Notes()
    return warn(
        "machines-adopted-kept",
        f"Nothing asks for {_listed(machines)} any more, and they were there before the plan: they stay in it.",
        remedy="Take them out of Terraform's state (terraform state rm) to let go of them.",
    )


def _listed(machines: Iterable[Machine]) -> str:
    return ", ".join(f"{one.name} (VMID {one.vm_id} on {one.node})" for one in machines)


def about_standing(standing: Mapping[str, Standing], planned: Iterable[str]) -> Notes:
    """What differs between the merged plan and the reading, for the machines that are planned again."""
    entries = [standing[name] for name in sorted(set(planned)) if name in standing]
    notes = Notes()
    gone = [entry.machine for entry in entries if entry.gone]
    if gone:
        notes += warn(
            "machines-gone",
            f"No guest has the id of {_listed(gone)}: they are planned anew under the same ids where these are free. "
            "What was on their disks is not restored.",
            remedy="Nothing has to be done before a first apply; restore data disks from a backup otherwise.",
        )
    for entry in entries:
        notes += _moved(entry)
    return notes


def _moved(entry: Standing) -> Notes:
    machine, guest = entry.machine, entry.guest
    if guest is None or guest.node == machine.node:
        return Notes()
    if entry.node == guest.node:
        return warn(
            "machine-followed",
            f"{machine.name} (VMID {machine.vm_id}) runs on {guest.node}, not on {machine.node}: the plan follows it.",
            remedy="Nothing has to be done: high availability chooses the node, and Terraform leaves it alone.",
        )
    return warn(
        "machine-moved-by-hand",
        f"{machine.name} (VMID {machine.vm_id}) runs on {guest.node}, and the merged plan has it on {machine.node}, "
        "which stays: Terraform moves it back or makes it anew.",
        remedy=f"Migrate it to {machine.node} before the apply.",
    )


def disks_of(sizes: Iterable[Bytes], machine: Machine | None, datastore: str) -> tuple[DataDisk, ...]:
    """Data disks by number: those that stand keep datastore and interface, further ones take the next interface."""
    had = machine.data_disks if machine is not None else ()
    used = {disk.interface for disk in had}
    free = (name for name in (f"scsi{number}" for number in range(1, 31)) if name not in used)
    return tuple(
        had[index].model_copy(update={"size": size})
        if index < len(had)
        else DataDisk(size=size, datastore=datastore, interface=next(free))
        for index, size in enumerate(sizes)
    )
