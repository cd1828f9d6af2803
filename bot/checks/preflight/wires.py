"""The network: bridges, VLANs and addresses.

In: the scene. Out: checks ``bridge``, ``vlan``, ``address``. Never: DNS, a packet on the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

from bot.checks.preflight.scene import Scene, failed, named, passed, settled, skipped, unknown, unread
from bot.model.cluster import Bridge, Missing
from bot.model.plan import Machine, Nic
from bot.model.stack import Check

Address = IPv4Address | IPv6Address

_NETWORK = "Correct the network of this node, or name another bridge or VLAN in .ai-provision.yaml and /ai-retry."
_OTHER = "Free the address, or comment /ai-retry: the next plan takes a free one."


def _nics(scene: Scene) -> Iterator[tuple[Machine, str, Nic]]:
    for machine in scene.plan.machines:
        for nic in machine.nics:
            yield machine, scene.stands_on(machine), nic


def _seen(scene: Scene, node: str, name: str) -> Bridge | None:
    found = scene.nodes.get(node)
    return next((one for one in found.bridges if one.name == name), None) if found is not None else None


def _gap(scene: Scene, node: str) -> Missing | None:
    return scene.gap(f"bridges of node {node}", "SDN networks", "SDN vnets")


def bridge(scene: Scene) -> tuple[Check, ...]:
    """Every bridge or vnet is on the machine's node, and active."""
    names = sorted({nic.bridge for _, _, nic in _nics(scene)})
    if not names:
        return (skipped("bridge", named(scene.plan.machines), "no network interface is planned"),)
    good = passed("bridge", ", ".join(names), f"active on {', '.join(scene.used_nodes)}")
    return settled(_bridges(scene), good)


def _bridges(scene: Scene) -> Iterator[Check]:
    for node, name in dict.fromkeys((node, nic.bridge) for _, node, nic in _nics(scene)):
        about, found = f"{name} of {node}", _seen(scene, node, name)
        silent, gap = scene.silent(node), _gap(scene, node)
        if found is not None and found.active:
            continue
        if silent is not None:
            yield unknown("bridge", about, silent, remedy="See node-online.")
        elif found is not None:
            yield failed("bridge", about, f"{name} is not active on {node}", remedy=_NETWORK)
        elif gap is not None:
            yield unread("bridge", about, gap)
        else:
            yield failed("bridge", about, f"{node} has no bridge or vnet {name}", remedy=_NETWORK)


def vlan(scene: Scene) -> tuple[Check, ...]:
    """Every VLAN is carried by its bridge."""
    wanted = sorted({nic.vlan for _, _, nic in _nics(scene) if nic.vlan is not None})
    if not wanted:
        return (skipped("vlan", named(scene.plan.machines), "no VLAN is asked for"),)
    return settled(_vlans(scene), passed("vlan", ", ".join(map(str, wanted)), "carried by the bridges"))


def _vlans(scene: Scene) -> Iterator[Check]:
    for node, name, tag in dict.fromkeys((node, nic.bridge, nic.vlan) for _, node, nic in _nics(scene)):
        if tag is None:
            continue
        about, found = f"VLAN {tag} on {name} of {node}", _seen(scene, node, name)
        if found is None:
            yield unknown("vlan", about, f"{name} of {node} was not seen", remedy="See bridge.")
            continue
        reason = _refuses(found, node, tag)
        if reason is not None:
            yield failed("vlan", about, reason, remedy=_NETWORK)


def _refuses(found: Bridge, node: str, tag: int) -> str | None:
    if found.kind == "vnet" and not found.vlan_aware:
        return None if found.tag == tag else f"vnet {found.name} carries VLAN {found.tag}, not {tag}"
    if not found.vlan_aware:
        return f"bridge {found.name} of {node} is not VLAN-aware"
    if found.vlans and not any(first <= tag <= last for first, last in _ranges(found.vlans)):
        return f"bridge {found.name} of {node} allows VLANs {found.vlans}, not {tag}"
    return None


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    """``2-4094``, ``10 20;30-40``; what is no number allows nothing."""
    for part in text.replace(",", " ").replace(";", " ").split():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            yield int(first), int(last or first)


def address(scene: Scene) -> tuple[Check, ...]:
    """No static address is another guest's, a node's, a gateway's, a lease, or inside a DHCP range."""
    static = list(_static(scene))
    if not static:
        return (skipped("address", named(scene.plan.machines), "every address comes by DHCP"),)
    mute = sum(guest.status == "running" and not guest.addresses for guest in scene.facts.guests)
    known = f"; {mute} running guests show no address" if mute else ""
    good = passed("address", ", ".join(str(one) for _, one, _ in static[:4]), f"nobody shows them{known}")
    return settled(_taken(scene, static), good)


def _static(scene: Scene) -> Iterator[tuple[str, Address, Machine | None]]:
    """Who, which address, and its machine; a cluster's virtual address has none."""
    for machine in scene.plan.machines:
        first, *others = machine.nics or (None,)
        own = (first.address if first is not None else None) or machine.address
        for text in (own, *(nic.address for nic in others if nic is not None)):
            found = _parsed(text)
            if found is not None:
                yield machine.name, found, machine
    held = {_parsed(machine.address) for machine in scene.plan.machines}
    for cluster in scene.plan.clusters:
        virtual = _parsed(cluster.endpoint)
        if virtual is not None and virtual not in held:
            yield f"{cluster.name} (API)", virtual, None


def _taken(scene: Scene, static: list[tuple[str, Address, Machine | None]]) -> Iterator[Check]:
    seen: dict[Address, str] = {}
    for who, wanted, machine in static:
        holder = _holder(scene, wanted, machine)
        if seen.setdefault(wanted, who) != who:
            holder = f"{seen[wanted]} of this plan asks for it too"
        if holder is not None:
            yield failed("address", who, f"{wanted}: {holder}", remedy=_OTHER)
    gap = scene.gap("guests", "inventory")
    if gap is not None and any(machine is None or machine.vm_id not in scene.mine for _, _, machine in static):
        yield unread("address", ", ".join(dict.fromkeys(who for who, _, _ in static)), gap)


def _holder(scene: Scene, wanted: Address, machine: Machine | None) -> str | None:
    for guest in scene.facts.guests:
        if guest.vm_id not in scene.mine and wanted in set(_all(guest.addresses)):
            return f"{guest.name} (VMID {guest.vm_id} on {guest.node}) holds it"
    bridges = [(node.name, one) for node in scene.nodes.values() for one in node.bridges]
    host = next((name for name, one in bridges if _parsed(one.cidr) == wanted), None)
    if host is not None:
        return f"node {host} holds it"
    gateways = [scene.config.defaults.gateway, *(one.gateway for _, one in bridges)]
    if wanted in set(_all(gateways + [subnet.gateway for subnet in scene.facts.subnets])):
        return "it is a gateway's"
    ours = scene.own(machine) is not None if machine is not None else _stands(scene, wanted)
    return None if ours else _given_out(scene, wanted)


def _stands(scene: Scene, wanted: Address) -> bool:
    """Whether one of this stack's own guests shows a virtual address."""
    own = [guest for guest in scene.facts.guests if guest.vm_id in scene.mine]
    return any(wanted in set(_all(guest.addresses)) for guest in own)


def _given_out(scene: Scene, wanted: Address) -> str | None:
    for subnet in scene.facts.subnets:
        if wanted in set(_all(subnet.leases)):
            return f"it is leased in {subnet.cidr}"
        if any(_inside(wanted, text) for text in subnet.dhcp_ranges):
            return f"it lies in a DHCP range of {subnet.cidr}"
    return None


def _inside(wanted: Address, text: str) -> bool:
    first, _, last = text.partition("-")
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return False
    return low.version == wanted.version == high.version and int(low) <= int(wanted) <= int(high)


def _parsed(text: str | None) -> Address | None:
    try:
        return ip_interface((text or "").strip()).ip
    except ValueError:
        return None


def _all(texts: Iterable[str | None]) -> Iterator[Address]:
    return (found for text in texts if (found := _parsed(text)) is not None)
