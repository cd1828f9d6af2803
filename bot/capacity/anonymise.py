"""A snapshot without names: the shape stays, so a plan against it comes out the same.

In: a snapshot. Out: the same with nodes, guests, pools, tags, namespaces, workloads and addresses replaced,
consistently and in order of appearance. Never: a change of a quantity, a state or a kind.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from bot.model.cluster import ClusterSnapshot, Guest, KubernetesFacts, Missing, Node, ProxmoxFacts, Store

_KEPT_LABELS: Final = ("kubernetes.io/", "topology.kubernetes.io/", "node-role.kubernetes.io/")


class _Names:
    """Consistent new names: the first name of a kind becomes ``kind-1``."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, kind: str, name: str) -> str:
        if (kind, name) not in self._given:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._given[kind, name] = f"{kind}-{self._counts[kind]}"
        return self._given[kind, name]

    def all(self, kind: str, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.of(kind, name) for name in names)


def anonymise(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """The same snapshot for other people's eyes. Deterministic."""
    names = _Names()
    return snapshot.model_copy(
        update={
            "nodes": tuple(_node(node, names) for node in snapshot.nodes),
            "stores": tuple(_store(store, names) for store in snapshot.stores),
            "missing": tuple(_gap(gap, names) for gap in snapshot.missing),
            "proxmox": _proxmox(snapshot.proxmox, names) if snapshot.proxmox else None,
            "kubernetes": _kubernetes(snapshot.kubernetes, names) if snapshot.kubernetes else None,
        }
    )


def _node(node: Node, names: _Names) -> Node:
    name = names.of("node", node.name)
    labels = {key: value for key, value in node.labels.items() if key.startswith(_KEPT_LABELS)}
    if "kubernetes.io/hostname" in labels:
        labels["kubernetes.io/hostname"] = name
    bridges = tuple(
        bridge.model_copy(update={"cidr": None, "gateway": None, "zone": _maybe(names, "zone", bridge.zone)})
        for bridge in node.bridges
    )
    zone = _maybe(names, "zone", node.zone)
    labels = {key: zone if key.endswith("/zone") and zone else value for key, value in labels.items()}
    return node.model_copy(update={"name": name, "labels": labels, "bridges": bridges, "zone": zone})


def _gap(gap: Missing, names: _Names) -> Missing:
    """What is missing is kept; the words around it may hold names, so only the kind of thing stays."""
    return gap.model_copy(update={"what": names.of("fact", gap.what), "reason": "not shown", "remedy": "not shown"})


def _store(store: Store, names: _Names) -> Store:
    return store.model_copy(update={"nodes": names.all("node", store.nodes), "volumes": ()})


def _maybe(names: _Names, kind: str, name: str | None) -> str | None:
    return None if name is None else names.of(kind, name)


def _proxmox(facts: ProxmoxFacts, names: _Names) -> ProxmoxFacts:
    return facts.model_copy(
        update={
            "name": _maybe(names, "cluster", facts.name),
            "guests": tuple(_guest(guest, names) for guest in facts.guests),
            "pools": names.all("pool", facts.pools),
            "ha_rules": tuple(
                rule.model_copy(update={"name": names.of("rule", rule.name), "nodes": names.all("node", rule.nodes)})
                for rule in facts.ha_rules
            ),
            "subnets": (),
            "permissions": {},
        }
    )


def _guest(guest: Guest, names: _Names) -> Guest:
    return guest.model_copy(
        update={
            "name": names.of("guest", guest.name),
            "node": names.of("node", guest.node),
            "pool": _maybe(names, "pool", guest.pool),
            "tags": names.all("tag", guest.tags),
            "addresses": _documentation_addresses(guest),
        }
    )


def _documentation_addresses(guest: Guest) -> tuple[str, ...]:
    """Addresses of the range that RFC 5737 keeps for documentation, so that counts stay."""
    base = ipaddress.ip_address("198.51.100.0")
    return tuple(str(base + (guest.vm_id + index) % 256) for index in range(len(guest.addresses)))


def _kubernetes(facts: KubernetesFacts, names: _Names) -> KubernetesFacts:
    return facts.model_copy(
        update={
            "name": _maybe(names, "cluster", facts.name),
            "namespaces": names.all("namespace", facts.namespaces),
            "quotas": tuple(
                quota.model_copy(update={"namespace": names.of("namespace", quota.namespace), "name": f"quota-{index}"})
                for index, quota in enumerate(facts.quotas, 1)
            ),
            "limit_ranges": tuple(
                item.model_copy(update={"namespace": names.of("namespace", item.namespace), "name": f"limits-{index}"})
                for index, item in enumerate(facts.limit_ranges, 1)
            ),
            "workloads": tuple(
                item.model_copy(
                    update={"namespace": names.of("namespace", item.namespace), "name": names.of("workload", item.name)}
                )
                for item in facts.workloads
            ),
        }
    )
