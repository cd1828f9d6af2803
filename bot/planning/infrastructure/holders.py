"""Who holds an address, in words; and the networks that the cluster shows.

In: an address and the yard. Out: a phrase for a person, or None. Never: a claim that an unseen machine is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_interface, ip_network

from bot.model.cluster import Guest
from bot.planning.addresses import taken_addresses
from bot.planning.infrastructure.ground import Yard

Address = IPv4Address | IPv6Address


def holder_of(address: Address, yard: Yard, *, but: Guest | None = None) -> str | None:
    """What holds the address: a guest, a node, a gateway, a lease, a DHCP range, another pull request."""
    for guest in yard.snapshot.proxmox.guests if yard.snapshot.proxmox is not None else ():
        if guest != but and address in set(_addresses(guest.addresses)):
            return f"{guest.name} (VMID {guest.vm_id} on {guest.node}) holds it"
    if address in set(_addresses(yard.held.addresses)):
        return "another open pull request asks for it"
    if but is not None and address in set(_addresses(but.addresses)):
        return None
    if isinstance(address, IPv4Address) and address in taken_addresses(
        yard.snapshot, gateway=yard.config.defaults.gateway
    ):
        return "it belongs to a node or gateway, is leased, or lies in a DHCP range"
    return None


def _addresses(texts: Iterable[str]) -> Iterator[Address]:
    for text in texts:
        try:
            yield ip_interface(text.strip()).ip
        except ValueError:
            continue


def networks_in(texts: Iterable[str | None]) -> list[IPv4Network]:
    """The IPv4 networks among the texts; unreadable ones are ignored."""
    found: list[IPv4Network] = []
    for text in texts:
        try:
            network = ip_network((text or "").strip(), strict=False)
        except ValueError:
            continue
        if isinstance(network, IPv4Network) and network not in found:
            found.append(network)
    return found
