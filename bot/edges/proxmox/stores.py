"""Datastores and what lies in them.

In: ``/storage``, ``/nodes/{n}/storage``, the content lists. Out: ``Store`` nouns, a shared one once, with the volumes
that a new machine could start from. Never: a second call to a store that hung.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.trouble import Bounded, Trouble
from bot.edges.proxmox.visit import Visit
from bot.model.cluster import Store
from bot.model.quantity import Bytes

_NEEDS: Final = "Datastore.Audit on /storage"
_WANTED: Final = ("iso", "vztmpl", "import", "images")
_ALWAYS_SHARED: Final = frozenset(
    {"nfs", "cifs", "cephfs", "rbd", "iscsi", "iscsidirect", "glusterfs", "pbs", "zfs", "esxi"}
)
MAX_STORES: Final = 300
MAX_VOLUMES: Final = 5_000


@dataclass(frozen=True)
class _Rule:
    """What ``/storage`` says of a store on all nodes."""

    nodes: frozenset[str] | None
    disabled: bool
    shared: bool


@dataclass(frozen=True)
class _Seen:
    """A store as one node sees it."""

    name: str
    node: str
    kind: str
    shared: bool
    active: bool
    content: tuple[str, ...]
    total: Bytes | None
    available: Bytes | None


def read(visit: Visit, *, nodes: Sequence[str], resources: Sequence[Row]) -> tuple[Store, ...]:
    """The stores of the nodes that answer."""
    rules = _rules(visit)
    seen = [one for node in nodes for one in _of_node(visit, node, resources, rules) if _allowed(one, rules)]
    stores = _merged(one for one in seen if one.node not in visit.dark)
    if len(stores) > MAX_STORES:
        visit.note("content of datastores", Bounded(f"only the first {MAX_STORES} of {len(stores)} were looked into"))
    filled = [_with_volumes(visit, store) if place < MAX_STORES else store for place, store in enumerate(stores)]
    return tuple(filled)


def reachable(stores: Sequence[Store], *, dark: frozenset[str]) -> tuple[Store, ...]:
    """The stores without the nodes that went dark after they were listed."""
    found = (
        store.model_copy(update={"nodes": tuple(one for one in store.nodes if one not in dark)}) for store in stores
    )
    return tuple(store for store in found if store.nodes)


def _rules(visit: Visit) -> dict[str, _Rule]:
    rows = visit.rows("datastore configuration", "storage", needs=_NEEDS) or []
    return {
        fields.text(row.get("storage")): _Rule(
            nodes=frozenset(fields.names(row["nodes"])) if row.get("nodes") else None,
            disabled=fields.flag(row.get("disable")),
            shared=fields.flag(row.get("shared")) or fields.text(row.get("type")) in _ALWAYS_SHARED,
        )
        for row in rows
    }


def _allowed(seen: _Seen, rules: dict[str, _Rule]) -> bool:
    rule = rules.get(seen.name)
    return rule is None or (not rule.disabled and (rule.nodes is None or seen.node in rule.nodes))


def _of_node(visit: Visit, node: str, resources: Sequence[Row], rules: dict[str, _Rule]) -> list[_Seen]:
    answer = visit.of_node("datastores", node, "storage", needs=_NEEDS, patience=0)
    if answer is None:
        rows = [_from_resource(row) for row in resources if row.get("type") == "storage" and row.get("node") == node]
    else:
        rows = _shaped(visit, node, answer)
    found = (_seen(row, node) for row in rows)
    return [_shared_by_rule(one, rules) for one in found if one is not None]


def _shaped(visit: Visit, node: str, answer: object) -> list[Row]:
    try:
        return fields.rows(answer)
    except Trouble as trouble:
        visit.note(f"datastores of node {node}", trouble)
        return []


def _from_resource(row: Row) -> Row:
    """The row of ``/cluster/resources`` in the words of ``/nodes/{n}/storage``, for a node whose own list hangs."""
    total, used = fields.whole(row.get("maxdisk")), fields.whole(row.get("disk"))
    known = total is not None and used is not None
    return {
        "storage": row.get("storage"),
        "type": row.get("plugintype"),
        "shared": row.get("shared"),
        "active": int(row.get("status") == "available"),
        "content": row.get("content"),
        "total": total,
        "avail": max(0, total - used) if known and total is not None and used is not None else None,
    }


def _seen(row: Row, node: str) -> _Seen | None:
    name = fields.name(row.get("storage"))
    if name is None:
        return None
    return _Seen(
        name=name,
        node=node,
        kind=fields.text(row.get("type"), 40),
        shared=fields.flag(row.get("shared")),
        active=fields.flag(row.get("active", 1)) and fields.flag(row.get("enabled", 1)),
        content=tuple(sorted(fields.names(row.get("content")))),
        total=fields.size(row.get("total")),
        available=fields.size(row.get("avail")),
    )


def _shared_by_rule(seen: _Seen, rules: dict[str, _Rule]) -> _Seen:
    rule = rules.get(seen.name)
    shared = seen.shared or seen.kind in _ALWAYS_SHARED or (rule is not None and rule.shared)
    return replace(seen, shared=shared)


def _merged(seen: Iterable[_Seen]) -> list[Store]:
    """A shared store once, over the nodes where it is active; another once per node."""
    groups: dict[tuple[str, str], list[_Seen]] = {}
    for one in seen:
        groups.setdefault((one.name, "" if one.shared else one.node), []).append(one)
    return [_store(groups[key]) for key in sorted(groups)]


def _store(group: list[_Seen]) -> Store:
    active = [one for one in group if one.active]
    usable = active or group
    first = usable[0]
    return Store(
        name=first.name,
        system="proxmox",
        kind=first.kind,
        nodes=tuple(sorted(one.node for one in usable)),
        shared=first.shared,
        active=bool(active),
        content=first.content,
        total=first.total,
        available=first.available,
    )


def _with_volumes(visit: Visit, store: Store) -> Store:
    wanted = [kind for kind in _WANTED if kind in store.content]
    if not store.active or not wanted:
        return store
    found: set[str] = set()
    for kind in wanted:
        volumes = _volumes(visit, store, kind)
        if volumes is None:
            break
        found.update(volumes)
    if len(found) > MAX_VOLUMES:
        visit.note(
            f"content of datastore {store.name}", Bounded(f"only the first {MAX_VOLUMES} of {len(found)} were kept")
        )
    return store.model_copy(update={"volumes": tuple(sorted(found)[:MAX_VOLUMES])})


def _volumes(visit: Visit, store: Store, kind: str) -> list[str] | None:
    """Volume ids of one content type, or None where the store did not answer: then it is not asked again."""
    node = next((one for one in store.nodes if one not in visit.dark), None)
    if node is None:
        return None
    try:
        answer = visit.calls.get(
            "nodes", node, "storage", store.name, "content", needs=_NEEDS, patience=0, content=kind
        )
        rows = fields.rows(answer)
    except Trouble as trouble:
        visit.note(f"content of datastore {store.name} on node {node}", trouble)
        return None
    volumes = (fields.text(row.get("volid"), 255) for row in rows)
    return [volume for volume in volumes if volume.startswith(f"{store.name}:")]
