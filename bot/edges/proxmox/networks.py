"""Networks that a guest may join: bridges, SDN vnets, their subnets and leases.

In: ``/nodes/{n}/network`` and ``/cluster/sdn``. Out: ``Bridge`` per node, ``Subnet``. Never: a vnet on a node that its
zone leaves out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.trouble import Bounded, Trouble
from bot.edges.proxmox.visit import Visit
from bot.model.cluster import Bridge, Subnet

_NEEDS: Final = "SDN.Audit on /sdn/zones"
_ALL_VLANS: Final = "2-4094"
MAX_VNETS: Final = 200


@dataclass(frozen=True)
class Networks:
    """Bridges by node, and the subnets of the SDN."""

    bridges: Mapping[str, tuple[Bridge, ...]]
    subnets: tuple[Subnet, ...]


def read(visit: Visit, *, nodes: Sequence[str]) -> Networks:
    """The networks of the nodes that answer."""
    zones = visit.rows("SDN zones", "cluster", "sdn", "zones", needs=_NEEDS) or []
    vnets = visit.rows("SDN vnets", "cluster", "sdn", "vnets", needs=_NEEDS) or []
    bridges = {node: _bridges(visit, node, zones, vnets) for node in nodes}
    return Networks(bridges=bridges, subnets=_subnets(visit, zones, vnets))


def _bridges(visit: Visit, node: str, zones: list[Row], vnets: list[Row]) -> tuple[Bridge, ...]:
    answer = visit.of_node("bridges", node, "network", needs="SDN.Audit on /sdn/zones/localnetwork", type="any_bridge")
    if answer is None:
        return ()
    try:
        rows = fields.rows(answer)
    except Trouble as trouble:
        visit.note(f"bridges of node {node}", trouble)
        return ()
    listed = {fields.text(row.get("iface")): row for row in rows}
    found = [
        _bridge(row)
        for row in rows
        if fields.text(row.get("type")) in {"bridge", "OVSBridge"} and fields.text(row.get("iface"))
    ]
    allowed = {fields.text(zone.get("zone")) for zone in zones if _covers(zone, node)}
    for vnet in vnets:
        name = fields.text(vnet.get("vnet"))
        if name and (name in listed or fields.text(vnet.get("zone")) in allowed):
            found.append(_vnet(vnet, name=name, active=fields.flag(listed.get(name, {}).get("active", 1))))
    return tuple(sorted(found, key=lambda bridge: bridge.name))


def _covers(zone: Row, node: str) -> bool:
    return not zone.get("nodes") or node in fields.names(zone["nodes"])


def _bridge(row: Row) -> Bridge:
    aware = fields.flag(row.get("bridge_vlan_aware")) or row.get("type") == "OVSBridge"
    return Bridge(
        name=fields.text(row.get("iface")),
        active=fields.flag(row.get("active")),
        vlan_aware=aware,
        vlans=(fields.optional_text(row.get("bridge_vids"), 512) or _ALL_VLANS) if aware else None,
        cidr=fields.optional_text(row.get("cidr"), 64),
        gateway=fields.optional_text(row.get("gateway"), 64),
    )


def _vnet(row: Row, *, name: str, active: bool) -> Bridge:
    return Bridge(
        name=name,
        kind="vnet",
        active=active,
        vlan_aware=fields.flag(row.get("vlanaware")),
        zone=fields.optional_text(row.get("zone")),
        tag=fields.whole(row.get("tag")),
    )


def _subnets(visit: Visit, zones: list[Row], vnets: list[Row]) -> tuple[Subnet, ...]:
    names = sorted(name for row in vnets if (name := fields.name(row.get("vnet"))) is not None)
    if len(names) > MAX_VNETS:
        visit.note("SDN subnets", Bounded(f"only the first {MAX_VNETS} of {len(names)} vnets were looked into"))
    rows = [
        (name, row)
        for name in names[:MAX_VNETS]
        for row in visit.rows(f"subnets of vnet {name}", "cluster", "sdn", "vnets", name, "subnets", needs=_NEEDS) or []
    ]
    leases = _leases(visit, zones) if rows else []
    found = (_subnet(name, row, leases) for name, row in rows)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.vnet, one.cidr)))


def _leases(visit: Visit, zones: list[Row]) -> list[Row]:
    ipams = {name for zone in zones if (name := fields.name(zone.get("ipam"))) is not None} or {"pve"}
    rows: list[Row] = []
    for ipam in sorted(ipams):
        what = f"leases of IPAM {ipam}"
        rows += visit.rows(what, "cluster", "sdn", "ipams", ipam, "status", needs=_NEEDS, patience=0) or []
    return rows


def _subnet(vnet: str, row: Row, leases: list[Row]) -> Subnet | None:
    try:
        network = ipaddress.ip_network(fields.text(row.get("cidr")) or _cidr_of(fields.text(row.get("subnet"))))
    except ValueError:
        return None
    mine = {ip for lease in leases if lease.get("vnet") == vnet and (ip := fields.address(lease.get("ip"))) is not None}
    return Subnet(
        cidr=str(network),
        vnet=vnet,
        gateway=fields.address(row.get("gateway")),
        dhcp_ranges=_ranges(row.get("dhcp-range")),
        leases=fields.in_order({ip for ip in mine if ipaddress.ip_address(ip) in network}),
    )


def _cidr_of(identifier: str) -> str:
    """``lan-10.40.0.0-24`` is zone, network and prefix."""
    head, _, prefix = identifier.rpartition("-")
    return f"{head.rpartition('-')[2]}/{prefix}"


def _ranges(value: Any) -> tuple[str, ...]:
    found = []
    for part in value if isinstance(value, list) else [value] if isinstance(value, str) else []:
        table = part if isinstance(part, dict) else fields.properties(part)
        first, last = fields.address(table.get("start-address")), fields.address(table.get("end-address"))
        if first and last:
            found.append(f"{first}-{last}")
    return tuple(sorted(found))
