"""Nodes: what they have, what they promised, what they use.

In: node rows, ``/nodes/{n}/status``, guests. Out: ``Node`` nouns. Never: a node that did not answer shown as ready, a
promise of zero where guests could not be seen.

Promised is vCPU and max(configured, measured) memory of guests that run, or would after a boot (onboot, HA);
templates and other stopped guests hold disk only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.high_availability import HighAvailability
from bot.edges.proxmox.networks import Networks
from bot.edges.proxmox.trouble import Denied, Odd, Trouble
from bot.edges.proxmox.visit import Visit
from bot.model.cluster import Guest, Node
from bot.model.quantity import Bytes, MilliCpu, Resources

State = Literal["ready", "offline", "unknown", "maintenance", "unschedulable"]
_MAX_FLAGS: Final = 400


@dataclass(frozen=True)
class Hosts:
    """Node rows by name, and the status of those that answered."""

    rows: Mapping[str, Row]
    online: tuple[str, ...]
    status: Mapping[str, Row] = field(default_factory=dict)


def read(visit: Visit, *, resources: Sequence[Row], cluster: Sequence[Row]) -> Hosts:
    """Ask every online node for its status. Raises Refused or Unavailable when none of them gives one."""
    named = {fields.name(row.get("node")): row for row in resources if row.get("type") == "node"}
    rows = {name: named[name] for name in sorted(name for name in named if name is not None)}
    down = {
        fields.text(row.get("name"))
        for row in cluster
        if row.get("type") == "node" and not fields.flag(row.get("online"))
    }
    online = tuple(name for name, row in rows.items() if row.get("status") != "offline" and name not in down)
    if not rows:
        Odd("the list of nodes was empty").fatal("nodes")
    status, troubles = _statuses(visit, online)
    if online and not status:
        chosen = next((one for one in troubles if isinstance(one, Denied)), troubles[0])
        chosen.fatal("state of any node")
    return Hosts(rows=rows, online=online, status=status)


def _statuses(visit: Visit, online: Sequence[str]) -> tuple[dict[str, Row], list[Trouble]]:
    found: dict[str, Row] = {}
    troubles: list[Trouble] = []
    for node in online:
        try:
            answer = visit.calls.get("nodes", node, "status", needs=f"Sys.Audit on /nodes/{node}")
            found[node] = _sound(fields.table(answer))
        except Trouble as trouble:
            troubles.append(trouble)
            visit.darken(node, trouble)
    return found, troubles


def _sound(status: Row) -> Row:
    """A status that holds what capacity stands on. Raises Odd."""
    if not _threads(status) or not _memory(status, "total"):
        raise Odd("a node's status named no CPU or no memory")
    return status


def _threads(status: Row) -> int:
    info = status.get("cpuinfo")
    return (fields.whole(info.get("cpus")) or 0) if isinstance(info, dict) else 0


def _memory(status: Row, key: str) -> Bytes:
    memory = status.get("memory")
    return (fields.size(memory.get(key)) or Bytes(0)) if isinstance(memory, dict) else Bytes(0)


def nodes(
    visit: Visit,
    hosts: Hosts,
    *,
    guests: Sequence[Guest],
    guests_known: bool,
    networks: Networks,
    ha: HighAvailability,
    mappings: Mapping[str, tuple[str, ...]],
) -> tuple[Node, ...]:
    """The nodes after everything was read, so that one that went dark on the way is unknown."""
    found = []
    for name, row in hosts.rows.items():
        status = hosts.status.get(name, {})
        used = _used(status, row)
        promised = promised_on(name, guests)
        if not guests_known and used is not None:
            promised = Resources(cpu=max(promised.cpu, used.cpu), memory=max(promised.memory, used.memory))
        found.append(
            Node(
                name=name,
                system="proxmox",
                state=_state(name, hosts, visit, ha),
                capacity=_capacity(status, row),
                promised=promised,
                used=used,
                bridges=networks.bridges.get(name, ()),
                pci_mappings=mappings.get(name, ()),
                **_make(status, row),
            )
        )
    return tuple(found)


def promised_on(node: str, guests: Sequence[Guest]) -> Resources:
    """What the guests of a node may claim at any time: their vCPU, and the larger of configured and measured memory."""
    held = [guest for guest in guests if guest.node == node and holds(guest)]
    return Resources(
        cpu=MilliCpu(sum(guest.cores * 1000 for guest in held)),
        memory=Bytes(sum(max(guest.memory, guest.memory_used or 0) for guest in held)),
    )


def holds(guest: Guest) -> bool:
    """True when a guest holds CPU and memory: it runs, or would after a boot."""
    return not guest.template and (guest.status != "stopped" or guest.on_boot or guest.ha)


def _state(name: str, hosts: Hosts, visit: Visit, ha: HighAvailability) -> State:
    if name not in hosts.online:
        return "offline"
    if name in visit.dark or name in ha.fenced:
        return "unknown"
    return "maintenance" if name in ha.resting else "ready"


def _capacity(status: Row, row: Row) -> Resources:
    threads = _threads(status) or fields.whole(row.get("maxcpu")) or 0
    memory = _memory(status, "total") or fields.size(row.get("maxmem")) or Bytes(0)
    return Resources(cpu=MilliCpu(threads * 1000), memory=memory)


def _used(status: Row, row: Row) -> Resources | None:
    load = fields.number(status.get("cpu", row.get("cpu")))
    memory = _memory(status, "used") or fields.size(row.get("mem"))
    if load is None or not memory:
        return None
    threads = _capacity(status, row).cpu
    return Resources(cpu=MilliCpu(round(min(load, 1.0) * threads)), memory=memory)


def _make(status: Row, row: Row) -> dict[str, Any]:
    """Version, architecture and CPU."""
    info = status.get("cpuinfo")
    info = info if isinstance(info, dict) else {}
    kernel = status.get("current-kernel")
    machine = kernel.get("machine") if isinstance(kernel, dict) else None
    version = fields.text(status.get("pveversion")).split("/")
    return {
        "version": version[1] if len(version) > 1 else None,
        "architecture": fields.text(machine or row.get("host-arch")) or "x86_64",
        "cpu_model": fields.optional_text(info.get("model")),
        "cpu_flags": tuple(sorted(fields.names(info.get("flags")))[:_MAX_FLAGS]),
    }
