"""The nouns of placement: what is asked, where it may stand, what the board looks like so far.

In: snapshot and headroom. Out: immutable values. Never: an existing guest that moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from bot.model.cluster import ClusterSnapshot, Guest, Headroom, Node, Room, Store
from bot.model.quantity import Bytes, MilliCpu, Resources

StoreKey = tuple[str, str]
"""A datastore's name and its node; shared stores have the empty node."""


@dataclass(frozen=True)
class Ask:
    """One new guest. Datastores, bridge, VLAN and pool are None where nothing was configured. Guests of one ``group``
    repel each other. ``node``: the only one that it may stand on. ``content``: what its datastores must hold.
    ``more_networks``: bridge and VLAN of further interfaces. ``sources``: the nodes that see the volume it is made of.
    """

    name: str
    vm_id: int
    group: str
    cpu: MilliCpu
    memory: Bytes
    system_disk: Bytes
    data_disk: Bytes | None = None
    datastore: str | None = None
    data_datastore: str | None = None
    bridge: str | None = None
    vlan: int | None = None
    pool: str | None = None
    template: Guest | None = None
    template_id: int | None = None
    cpu_type: str = "x86-64-v2-AES"
    architecture: str = "x86_64"
    pci_mapping: str | None = None
    node: str | None = None
    content: str = "images"
    more_networks: tuple[tuple[str, int | None], ...] = ()
    sources: frozenset[str] | None = None

    @cached_property
    def resources(self) -> Resources:
        """CPU and memory."""
        return Resources(cpu=self.cpu, memory=self.memory)


@dataclass(frozen=True)
class Seat:
    """A node, and the datastores that the guest's disks would use there."""

    node: str
    system_store: StoreKey
    data_store: StoreKey | None = None

    @property
    def shared(self) -> bool:
        """True when every disk stands on shared storage, so that another node can start the guest."""
        return not self.system_store[1] and (self.data_store is None or not self.data_store[1])


_NOTHING: Final = Resources()


@dataclass(frozen=True)
class Board:
    """Where the new guests stand so far, and what they take."""

    seats: Mapping[str, Seat] = field(default_factory=dict)
    added: Mapping[str, Resources] = field(default_factory=dict)
    stored: Mapping[StoreKey, int] = field(default_factory=dict)
    groups: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def taken(self, node: str) -> Resources:
        """What the new guests take on a node."""
        return self.added.get(node, _NOTHING)

    def with_guest(self, ask: Ask, seat: Seat) -> Board:
        """The board with one more guest."""
        return self._moved(ask, seat, sign=1, seats={**self.seats, ask.name: seat})

    def without(self, ask: Ask) -> Board:
        """The board with one guest less."""
        seat = self.seats[ask.name]
        return self._moved(ask, seat, sign=-1, seats={name: s for name, s in self.seats.items() if name != ask.name})

    def _moved(self, ask: Ask, seat: Seat, *, sign: int, seats: Mapping[str, Seat]) -> Board:
        before = self.taken(seat.node)
        after = before + ask.resources if sign > 0 else before - ask.resources
        stored = dict(self.stored)
        for key, size in claims(ask, seat):
            stored[key] = stored.get(key, 0) + sign * size
        groups = dict(self.groups)
        for name in _groups_of(ask):
            groups[name, seat.node] = groups.get((name, seat.node), 0) + sign
        return replace(
            self,
            seats=seats,
            added={**self.added, seat.node: after},
            stored=stored,
            groups=groups,
        )


@dataclass(frozen=True)
class World:
    """What does not change while placing. ``eligible`` nodes per group decide how strictly its guests repel; ``start``
    holds the guests of the plan that stand already, ``stays`` what each of them needs elsewhere when its node fails.
    """

    snapshot: ClusterSnapshot
    nodes: Mapping[str, Node]
    rooms: Mapping[str, Room]
    stores: Mapping[StoreKey, Store]
    production: bool
    sizes: Mapping[str, int] = field(default_factory=dict)
    eligible: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start: Board = field(default_factory=Board)
    stays: tuple[Ask, ...] = ()

    def stores_of(self, node: str) -> list[tuple[StoreKey, Store]]:
        """The datastores that a node can use, by name."""
        return [
            (key, store) for key, store in sorted(self.stores.items()) if key[1] == node or _reaches(store, key, node)
        ]


def _reaches(store: Store, key: StoreKey, node: str) -> bool:
    return not key[1] and (not store.nodes or node in store.nodes)


def device_group(mapping: str) -> str:
    """The group of the guests that take a PCI mapping; a slash keeps it apart from every group of machines."""
    return f"pci/{mapping}"


def _groups_of(ask: Ask) -> tuple[str, ...]:
    return (ask.group,) if ask.pci_mapping is None else (ask.group, device_group(ask.pci_mapping))


def claims(ask: Ask, seat: Seat) -> tuple[tuple[StoreKey, int], ...]:
    """Bytes per datastore that a guest takes on a seat."""
    system = (seat.system_store, int(ask.system_disk))
    if seat.data_store is None or ask.data_disk is None:
        return (system,)
    return (system, (seat.data_store, int(ask.data_disk)))


def world_of(snapshot: ClusterSnapshot, headroom: Headroom, *, production: bool) -> World:
    """The Proxmox side of a snapshot, indexed."""
    stores: dict[StoreKey, Store] = {}
    for store in snapshot.stores:
        if store.system != "proxmox":
            continue
        for node in ("",) if store.shared else store.nodes:
            stores.setdefault((store.name, node), store)
    return World(
        snapshot=snapshot,
        nodes={node.name: node for node in snapshot.of("proxmox")},
        rooms={room.node: room for room in headroom.of("proxmox")},
        stores=stores,
        production=production,
    )
