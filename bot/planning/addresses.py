"""Addresses and ids for new machines that nothing holds yet.

In: config ranges and what the snapshot shows as taken. Out: free VMIDs and addresses in order, or a ``Refusal``
(``capacity``, ``config``). Never: a claim that they stay free; the preflight looks again at apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_interface
from itertools import chain, islice
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.planning.naming import shown

_DEFAULT_PREFIX: Final = 24
_LONGEST_RANGE: Final = 65_536


@dataclass(frozen=True)
class Held:
    """VMIDs and addresses that the cluster does not show as taken: other open pull requests hold them, or this plan.
    Addresses may carry a prefix.
    """

    vm_ids: frozenset[int] = frozenset()
    addresses: frozenset[str] = frozenset()

    @property
    def hosts(self) -> frozenset[IPv4Address]:
        """The IPv4 addresses without their prefixes; other text is ignored."""
        return frozenset(found for text in self.addresses if (found := _address(text)) is not None)


NOTHING_HELD: Final = Held()


def free_vm_ids(
    count: int, *, config: Config, snapshot: ClusterSnapshot, reserved: frozenset[int] = frozenset()
) -> tuple[int, ...] | Refusal:
    """The lowest ids of the config's range, within the cluster's own range, that no guest or template holds and no
    other pull request ``reserved``.
    """
    facts = snapshot.proxmox
    first, last = config.vm_ids.first, config.vm_ids.last
    if facts is not None:
        first, last = max(first, facts.next_id_lower), min(last, facts.next_id_upper - 1)
    taken = reserved | ({guest.vm_id for guest in facts.guests} if facts is not None else set())
    found = tuple(islice((vm_id for vm_id in range(first, last + 1) if vm_id not in taken), count))
    if len(found) == count:
        return found
    return Refusal(
        code=Code.CAPACITY,
        message=f"Only {len(found)} of {count} VMIDs are free between {first} and {last}.",
        remedy="Widen vm_ids in .ai-provision.yaml, or the cluster's next-id range.",
    )


def free_addresses(
    count: int, *, config: Config, snapshot: ClusterSnapshot, reserved: frozenset[str] = frozenset()
) -> tuple[str, ...] | Refusal:
    """``10.30.0.50/24`` and so on from ``defaults.addresses`` (a range, a network, or a list), or ``dhcp``. None of
    ``reserved``, which other pull requests hold.
    """
    text = config.defaults.addresses
    if text is None:
        return ("dhcp",) * count
    candidates = _parsed(text)
    if isinstance(candidates, Refusal):
        return candidates
    taken = taken_addresses(snapshot, gateway=config.defaults.gateway) | Held(addresses=reserved).hosts
    free = (entry for entry in candidates if entry.ip not in taken and _is_host(entry))
    found = tuple(islice(dict.fromkeys(str(entry) for entry in free), count))
    if len(found) == count:
        return found
    return Refusal(
        code=Code.CAPACITY,
        message=f"Only {len(found)} of {count} addresses are free in defaults.addresses {shown(text)}.",
        remedy="Widen defaults.addresses in .ai-provision.yaml.",
    )


def _is_host(entry: IPv4Interface) -> bool:
    network = entry.network
    return network.prefixlen >= 31 or entry.ip not in {network.network_address, network.broadcast_address}


def _parsed(text: str) -> Iterator[IPv4Interface] | Refusal:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return chain.from_iterable([_one(part) for part in parts])
    except ValueError:
        return Refusal(
            code=Code.CONFIG,
            message=f"defaults.addresses {shown(text)} is no range, network or list of IPv4 addresses.",
            remedy="Write 10.30.0.50-10.30.0.99/24, 10.30.0.0/24, or 10.30.0.50/24, 10.30.0.51/24.",
        )


def _one(part: str) -> Iterator[IPv4Interface]:
    """Raises ValueError when the part is nothing of the three."""
    bare, slash, prefix_text = part.partition("/")
    prefix = int(prefix_text) if slash else _DEFAULT_PREFIX
    first, dash, last = bare.partition("-")
    if dash:
        return _range(IPv4Address(first.strip()), IPv4Address(last.strip()), prefix=prefix)
    address = IPv4Address(bare)
    network = IPv4Network((address, prefix), strict=False)
    if slash and address == network.network_address and prefix < 31:
        return _range(address + 1, min(network.broadcast_address - 1, address + _LONGEST_RANGE), prefix=prefix)
    return iter((IPv4Interface((address, prefix)),))


def _range(first: IPv4Address, last: IPv4Address, *, prefix: int) -> Iterator[IPv4Interface]:
    if last < first or int(last) - int(first) > _LONGEST_RANGE:
        raise ValueError("an address range runs upwards and holds at most 65,536 addresses")
    IPv4Network((first, prefix), strict=False)
    return (IPv4Interface((IPv4Address(number), prefix)) for number in range(int(first), int(last) + 1))


def taken_addresses(snapshot: ClusterSnapshot, *, gateway: str | None) -> frozenset[IPv4Address]:
    """Every address that guests, nodes, gateways, leases and DHCP ranges hold; unreadable text is ignored."""
    facts = snapshot.proxmox
    texts: list[str | None] = [gateway]
    texts += [text for node in snapshot.nodes for bridge in node.bridges for text in (bridge.cidr, bridge.gateway)]
    ranges: list[str] = []
    if facts is not None:
        texts += [text for guest in facts.guests for text in guest.addresses]
        texts += [text for subnet in facts.subnets for text in (subnet.gateway, *subnet.leases)]
        ranges = [text for subnet in facts.subnets for text in subnet.dhcp_ranges]
    single = {address for text in texts if (address := _address(text)) is not None}
    return frozenset(single | {address for text in ranges for address in _dhcp(text)})


def _address(text: str | None) -> IPv4Address | None:
    try:
        address = ip_interface((text or "").strip()).ip
    except ValueError:
        return None
    return address if isinstance(address, IPv4Address) else None


def _dhcp(text: str) -> list[IPv4Address]:
    first, _, last = text.partition("-")
    try:
        low, high = ip_address(first.strip()), ip_address(last.strip())
    except ValueError:
        return []
    if not isinstance(low, IPv4Address) or not isinstance(high, IPv4Address) or int(high) - int(low) > _LONGEST_RANGE:
        return []
    return [IPv4Address(number) for number in range(int(low), int(high) + 1)]


def gateway_for(address: str, *, config: Config, snapshot: ClusterSnapshot, bridge: str) -> str | None:
    """The configured gateway, else the one of the bridge or subnet that the address belongs to."""
    if address == "dhcp":
        return None
    if config.defaults.gateway is not None:
        return config.defaults.gateway
    network = IPv4Interface(address).network
    bridges = [entry for node in snapshot.of("proxmox") for entry in node.bridges if entry.name == bridge]
    subnets = snapshot.proxmox.subnets if snapshot.proxmox is not None else ()
    known = [entry.gateway for entry in bridges] + [subnet.gateway for subnet in subnets if subnet.vnet == bridge]
    inside = sorted(text for text in known if text is not None and _inside(text, network))
    return inside[0] if inside else None


def _inside(text: str, network: IPv4Network) -> bool:
    address = _address(text)
    return address is not None and address in network
