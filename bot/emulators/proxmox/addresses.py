"""Addresses of running guests: what cloud-init or the container's configuration says, else a lease.

In: a guest that starts. Out: the answers of the guest agent and of ``interfaces``. Never: chance, the same guest gets
the same.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from bot.emulators.proxmox.answers import Row
from bot.emulators.proxmox.site import Guest, Site
from bot.emulators.proxmox.values import parts

_LOOP: Row = {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [
    {"ip-address-type": "ipv4", "ip-address": "127.0.0.1", "prefix": 8}]}  # fmt: skip


def agent_enabled(config: dict[str, Any]) -> bool:
    """True when the configuration asks for the guest agent."""
    return str(config.get("agent", "0")).startswith(("1", "enabled=1"))


def agent_answer(site: Site, guest: Guest) -> Row:
    """The answer of ``agent/network-get-interfaces`` for a running guest with an agent inside."""
    rows = [_LOOP]
    for place, text in _interfaces(guest.config):
        one = parts(text, "model")
        hardware = next(value for value in one.values() if re.fullmatch(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", value))
        address = _of_machine(site, guest, place, one.get("bridge", ""))
        shown = {"ip-address-type": "ipv4", "ip-address": str(address.ip), "prefix": address.network.prefixlen}
        rows.append({"name": f"eth{place}", "hardware-address": hardware.lower(), "ip-addresses": [shown]})
    return {"result": rows}


def container_answer(site: Site, guest: Guest) -> list[Row]:
    """The answer of ``interfaces`` for a running container."""
    rows: list[Row] = [{"name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128"}]
    for place, text in _interfaces(guest.config):
        one = parts(text, "name")
        wanted = one.get("ip", "manual")
        if wanted == "dhcp":
            wanted = str(_lease(site, guest, place, one.get("bridge", "")))
        rows.append(_container_row(one.get("name", f"eth{place}"), one.get("hwaddr", "").lower(), wanted))
    return rows


def _container_row(name: str, hardware: str, wanted: str) -> Row:
    row: Row = {"name": name, "hwaddr": hardware, "hardware-address": hardware, "ip-addresses": []}
    if wanted == "manual":
        return row
    address = IPv4Interface(wanted)
    shown = {"ip-address-type": "inet", "ip-address": str(address.ip), "prefix": address.network.prefixlen}
    return row | {"inet": wanted, "ip-addresses": [shown]}


def _interfaces(config: dict[str, Any]) -> list[tuple[int, str]]:
    found = [
        (int(name.removeprefix("net")), str(text)) for name, text in config.items() if re.fullmatch(r"net\d+", name)
    ]
    return sorted(found)


def _of_machine(site: Site, guest: Guest, place: int, bridge: str) -> IPv4Interface:
    wanted = parts(str(guest.config.get(f"ipconfig{place}", "")), "ip").get("ip", "dhcp")
    return _lease(site, guest, place, bridge) if wanted == "dhcp" else IPv4Interface(wanted)


def _lease(site: Site, guest: Guest, place: int, bridge: str) -> IPv4Interface:
    """A free address of the bridge's own range, or of ``site.leases``; it depends on the guest's number."""
    network, first, count = _range(site, bridge)
    taken = {row["ip"] for row in site.state.get("cluster/sdn/ipams/pve/status", [])}
    for step in range(count):
        address = first + (guest.vm_id * 7 + place + step) % count
        if str(address) not in taken:
            return IPv4Interface(f"{address}/{network.prefixlen}")
    return IPv4Interface(f"{first}/{network.prefixlen}")


def _range(site: Site, bridge: str) -> tuple[IPv4Network, IPv4Address, int]:
    for subnet in site.state.get(f"cluster/sdn/vnets/{bridge}/subnets", []):
        for span in subnet.get("dhcp-range", []):
            first, last = IPv4Address(span["start-address"]), IPv4Address(span["end-address"])
            return IPv4Network(subnet["cidr"]), first, int(last) - int(first) + 1
    return site.leases, site.leases[1], site.leases.num_addresses - 2
