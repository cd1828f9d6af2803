"""Network interfaces: bridge, VLAN, address and gateway of every machine, without a collision.

In: drafts, adopted guests, the yard. Out: ``Wired`` by machine name with the virtual addresses of clusters, or a
``Refusal`` (``conflict``, ``capacity``, ``config``, ``syntax``). Never: an address that anything visible holds, a
gateway on a second interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, ip_interface
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import Guest
from bot.model.decision import Decision
from bot.model.plan import Nic
from bot.model.wishes import NicWish
from bot.planning.addresses import free_addresses, gateway_for
from bot.planning.infrastructure.drafts import Draft
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.holders import holder_of, networks_in
from bot.planning.merged import MERGED, Standing, held_addresses
from bot.planning.naming import shown
from bot.planning.record import Notes, note, warn
from bot.planning.templates import UNREAD_BRIDGE, bridge_for

DHCP: Final = "dhcp"
_NEXT: Final = ""
"""An interface that gets the next address of the range."""
_PREFIX: Final = 24


@dataclass(frozen=True)
class Port:
    """One interface; the address is CIDR, ``dhcp``, or empty while it waits for the next one of the range. ``had``: the
    interface as it is merged, ``kept`` with its address.
    """

    bridge: str | None
    vlan: int | None
    address: str
    gateway: str | None
    why: str
    by_user: bool = False
    had: Nic | None = None
    kept: bool = False


@dataclass(frozen=True)
class Wired:
    """The interfaces of one machine, the first one its own."""

    ports: tuple[Port, ...]
    notes: Notes = field(default_factory=Notes)

    @property
    def nics(self) -> tuple[Nic, ...]:
        """The first interface's address stands at the machine."""
        first, *others = self.ports
        own = Nic(bridge=first.bridge or UNREAD_BRIDGE, vlan=first.vlan)
        return (own, *(Nic(bridge=p.bridge or UNREAD_BRIDGE, vlan=p.vlan, address=p.address) for p in others))


@dataclass(frozen=True)
class Wiring:
    """All machines' interfaces; ``virtual``: the API's virtual address of a cluster, where there is one."""

    machines: Mapping[str, Wired]
    virtual: Mapping[str, str]
    notes: Notes


def wire(
    drafts: Sequence[Draft], *, adopted: Mapping[str, Guest], virtual_for: Sequence[str], yard: Yard
) -> Wiring | Refusal:
    """What was asked for first, then the next free addresses in the order of the drafts, then virtual ones."""
    bridge, bridge_note = bridge_for(yard.config, yard.snapshot)
    asked = _asked(drafts, adopted=adopted, bridge=bridge, yard=yard)
    if isinstance(asked, Refusal):
        return asked
    waiting = sum(port.address == _NEXT for ports in asked.values() for port in ports)
    fixed = frozenset(port.address for ports in asked.values() for port in ports) - {DHCP, _NEXT}
    held = yard.held.addresses | fixed | held_addresses(yard.standing, yard.before)
    free = free_addresses(waiting + len(virtual_for), config=yard.config, snapshot=yard.snapshot, reserved=held)
    if isinstance(free, Refusal):
        return free
    rest = iter(free)
    wired = {name: _given(name, ports, rest, yard=yard) for name, ports in asked.items()}
    virtual = {name: address for name, address in zip(virtual_for, rest, strict=True) if address != DHCP}
    return Wiring(wired, virtual, notes=Notes(decisions=(bridge_note,)))


def _asked(
    drafts: Sequence[Draft], *, adopted: Mapping[str, Guest], bridge: str | None, yard: Yard
) -> dict[str, tuple[Port, ...]] | Refusal:
    """Every interface with what the request says about it; static addresses are checked here."""
    taken: dict[str, str] = {}
    made: dict[str, tuple[Port, ...]] = {}
    for draft in drafts:
        ports: list[Port] = []
        for index, nic in enumerate(draft.wish.nics or _as_many(draft, yard)):
            guest = adopted.get(draft.name)
            port = _port(draft, nic, index=index, guest=guest, bridge=bridge, taken=taken, yard=yard)
            if isinstance(port, Refusal):
                return port
            ports.append(port)
        made[draft.name] = tuple(ports)
    return made


def _as_many(draft: Draft, yard: Yard) -> tuple[NicWish, ...]:
    """Where the request says nothing of interfaces: those that the machine has, else one."""
    entry = yard.standing.get(draft.name)
    return (NicWish(),) * (len(entry.nics) if entry is not None and not entry.gone and entry.nics else 1)


def _port(
    draft: Draft,
    nic: NicWish,
    *,
    index: int,
    guest: Guest | None,
    bridge: str | None,
    taken: dict[str, str],
    yard: Yard,
) -> Port | Refusal:
    """``taken`` collects the static addresses of this plan."""
    entry = yard.standing.get(draft.name)
    entry = None if entry is not None and entry.gone and guest is not None else entry
    had = entry.nics[index] if entry is not None and index < len(entry.nics) else None
    usual = had.vlan if had is not None else yard.config.defaults.vlan
    base = Port(
        nic.bridge or (had.bridge if had is not None else bridge),
        nic.vlan if nic.vlan is not None else (usual if nic.bridge is None or _same(nic, had) else None),
        address=_NEXT,
        gateway=nic.gateway if index == 0 else None,
        why="the first address of the range that nothing holds",
        had=had,
    )
    if entry is not None and _keeps(draft, nic, base, entry=entry, yard=yard):
        return _merged_port(draft, nic, base)
    if nic.address is not None and nic.address != DHCP:
        return _static(draft, nic.address, base, taken=taken, guest=guest, yard=yard)
    if nic.address == DHCP:
        return replace(base, address=DHCP, why="the request asks for DHCP", by_user=True)
    if guest is not None and entry is None and index == 0:
        return _as_it_is(base, guest, yard=yard)
    return _from_range(base, index=index, yard=yard)


def _same(nic: NicWish, had: Nic | None) -> bool:
    return had is not None and nic.bridge == had.bridge


def _keeps(draft: Draft, nic: NicWish, base: Port, *, entry: Standing, yard: Yard) -> bool:
    """True where the interface stays in its network and the request states no other address. A member of a cluster
    keeps its address whatever is stated: the cluster knows it by that.
    """
    had = base.had
    if had is None or (base.bridge, base.vlan) != (had.bridge, had.vlan):
        return False
    if entry.gone and _taken_since(had, yard):
        return False
    return nic.address is None or draft.cluster is not None


def _taken_since(had: Nic, yard: Yard) -> bool:
    """True when something else holds the address of a machine that is gone."""
    own = _single(had.address or DHCP)
    return bool(own) and holder_of(own[0].ip, yard) is not None


def _merged_port(draft: Draft, nic: NicWish, base: Port) -> Port:
    address = (base.had.address if base.had is not None else None) or DHCP
    why = "the address that the machine has"
    if nic.address not in {None, address} and draft.cluster is not None:
        why += f"; {shown(str(nic.address))} was asked for, and a member of a cluster keeps its address"
    return replace(base, address=address, why=why, kept=True)


def _from_range(base: Port, *, index: int, yard: Yard) -> Port:
    """The range belongs to the default bridge and VLAN; other networks hand out their own addresses."""
    defaults = yard.config.defaults
    own, _ = bridge_for(yard.config, yard.snapshot)
    elsewhere = base.bridge != own or (defaults.vlan is not None and base.vlan != defaults.vlan)
    if index > 0 and base.vlan != defaults.vlan:
        elsewhere = True
    if defaults.addresses is None:
        return replace(base, address=DHCP, why="no range is configured")
    if elsewhere:
        return replace(base, address=DHCP, why="defaults.addresses belongs to another network than this interface")
    return base


def _as_it_is(base: Port, guest: Guest, *, yard: Yard) -> Port:
    """An adopted machine keeps its address."""
    for text in guest.addresses:
        found = _parsed(text, yard=yard)
        if isinstance(found, IPv4Interface):
            return replace(base, address=str(found), why=f"the address that VMID {guest.vm_id} holds already")
    return replace(base, address=DHCP, why=f"VMID {guest.vm_id} shows no address: its configuration stays")


def _static(
    draft: Draft, text: str, base: Port, *, taken: dict[str, str], guest: Guest | None, yard: Yard
) -> Port | Refusal:
    """The stated address; of several machines each next one gets the next address."""
    first = _parsed(text, yard=yard)
    if first is None:
        message = f"{shown(text)} is no address for {draft.name}."
        return Refusal(code=Code.SYNTAX, message=message, remedy="Write 10.30.0.50/24, or dhcp.")
    number = int(draft.name.rsplit("-", 1)[-1]) - 1 if draft.name != draft.stem else 0
    try:
        address = ip_interface(f"{first.ip + number}/{first.network.prefixlen}")
    except ValueError:
        address = None
    if address is None or address.ip not in first.network:
        message = f"{first} leaves no address for {draft.name} in {first.network}."
        return Refusal(code=Code.CONFLICT, message=message, remedy="State a lower address or fewer machines.")
    here = taken.get(str(address.ip)) or holder_of(address.ip, yard, but=guest)
    if here is not None:
        message = f"{address.ip} for {draft.name} is taken: {here}."
        return Refusal(code=Code.CONFLICT, message=message, remedy="State a free address, or none: one is chosen.")
    taken[str(address.ip)] = f"{draft.name} of this request asks for it"
    return replace(base, address=str(address), why="the request states it", by_user=True)


def _parsed(text: str, *, yard: Yard) -> IPv4Interface | IPv6Interface | None:
    """A bare address takes the prefix of the configured range or of the network that it belongs to."""
    try:
        bare = ip_interface(text.strip())
    except ValueError:
        return None
    if "/" in text or isinstance(bare, IPv6Interface):
        return bare
    known = [network for network in _networks(yard) if bare.ip in network]
    prefix = max((network.prefixlen for network in known), default=_PREFIX)
    return IPv4Interface(f"{bare.ip}/{prefix}")


def _networks(yard: Yard, *, bridge: str | None = None) -> list[IPv4Network]:
    """The IPv4 networks that bridges and subnets show; of one bridge, or of all."""
    nodes = yard.snapshot.of("proxmox")
    texts = [one.cidr for node in nodes for one in node.bridges if bridge in {None, one.name}]
    subnets = yard.snapshot.proxmox.subnets if yard.snapshot.proxmox is not None else ()
    texts += [subnet.cidr for subnet in subnets if bridge in {None, subnet.vnet}]
    return networks_in(texts)


def _given(name: str, ports: Sequence[Port], rest: Iterator[str], *, yard: Yard) -> Wired:
    """The waiting interfaces get their addresses; the first one its gateway."""
    notes = Notes()
    done: list[Port] = []
    for index, port in enumerate(ports):
        filled = replace(port, address=next(rest)) if port.address == _NEXT else port
        if index == 0:
            filled, found = _with_gateway(name, filled, yard=yard)
            notes += found
        done.append(filled)
        notes += _records(name, index, filled) + _outside(name, filled, yard=yard)
    return Wired(tuple(done), notes=notes + _by_dhcp(name, ports))


def _with_gateway(name: str, port: Port, *, yard: Yard) -> tuple[Port, Notes]:
    """The stated one, else the one of the configuration or network, when the address can reach it."""
    if port.address == DHCP:
        return replace(port, gateway=None), Notes()
    found = port.gateway or gateway_for(
        port.address, config=yard.config, snapshot=yard.snapshot, bridge=port.bridge or UNREAD_BRIDGE
    )
    if found is None and port.kept and port.had is not None:
        found = port.had.gateway
    network = ip_interface(port.address).network
    if found is None or any(one.ip in network for one in _single(found)):
        return replace(port, gateway=found), Notes()
    finding = warn(
        "gateway-outside-network",
        f"{name}: the gateway {shown(found)} does not lie in {network}; the machine gets none.",
        remedy="State the gateway of the machine's own network, or set defaults.gateway in .ai-provision.yaml.",
    )
    return replace(port, gateway=None), finding


def _single(text: str) -> list[IPv4Interface | IPv6Interface]:
    try:
        return [ip_interface(text.strip())]
    except ValueError:
        return []


def _records(name: str, index: int, port: Port) -> Notes:
    """The address of every interface; its VLAN and gateway where it has them."""
    path = f"machines.{name}" if index == 0 else f"machines.{name}.nics.{index}"
    source = "the request" if port.by_user else MERGED if port.kept else "defaults.addresses of .ai-provision.yaml"
    rows: list[tuple[str, str | int, str]] = [("address", port.address, port.why)]
    rows += [("vlan", port.vlan, "the request's or the configured VLAN")] if port.vlan is not None else []
    rows += [("gateway", port.gateway, "the first interface's network")] if port.gateway is not None else []
    return Notes(
        decisions=tuple(
            Decision(
                path=f"{path}.{what}",
                value=value,
                origin="user" if port.by_user else "rule",
                why=why,
                source=source,
                tag="user" if port.by_user else "read",
            )
            for what, value, why in rows
        )
    )


def _outside(name: str, port: Port, *, yard: Yard) -> Notes:
    """A static address that no network of its bridge holds; a VLAN is another network than the bridge's own."""
    if not port.by_user or port.address == DHCP or port.vlan is not None:
        return Notes()
    known, address = _networks(yard, bridge=port.bridge), ip_interface(port.address)
    if not known or any(address.ip in network for network in known):
        return Notes()
    networks = ", ".join(sorted(set(map(str, known))))
    return warn(
        "address-outside-network",
        f"{name}: {address} lies in no network that {port.bridge} shows ({networks}).",
        remedy="Check address and bridge, or name the VLAN that carries this network.",
    )


def _by_dhcp(name: str, ports: Sequence[Port]) -> Notes:
    waits = [port for port in ports[1:] if port.address == DHCP and not port.by_user and "another" in port.why]
    if not waits:
        return Notes()
    return note(
        "address-by-dhcp",
        f"{name}: {len(waits)} further interface(s) take their address by DHCP, because defaults.addresses belongs to "
        "another network.",
        remedy="State an address for each interface where there is no DHCP server.",
    )
