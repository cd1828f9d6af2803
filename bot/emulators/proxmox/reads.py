"""The answers to the read calls: from the state, filtered by rights, or computed where Proxmox VE computes.

In: a call that was authenticated, authorised and verified. Out: the value of ``data``; each of them raises
``ApiError`` as Proxmox VE would. Never: a row that the caller may not see. The rules that the schema holds only as
prose are coded here, each named by its path in ``READS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.emulators.proxmox.access import Access
from bot.emulators.proxmox.answers import ApiError, Json, Row, denied, wrong_parameters
from bot.emulators.proxmox.schema import Value

_BRIDGES: Final = ("bridge", "OVSBridge")
_STORE: Final = ("Datastore.Audit", "Datastore.AllocateSpace")
_SDN: Final = ("SDN.Audit", "SDN.Allocate")
_MAPPING: Final = ("Mapping.Modify", "Mapping.Use", "Mapping.Audit")
_PUBLIC_NODE_KEYS: Final[tuple[str, ...]] = ("type", "id", "node", "status", "level")
_PUBLIC_OPTIONS: Final[tuple[str, ...]] = ("console", "tag-style")
_NEW_IN_NINE: Final = ("shared", "memhost", "sdn", "network", "network-type", "zone-type", "host-arch")


@dataclass(frozen=True)
class Call:
    """One verified call."""

    path: str
    values: Mapping[str, Value]
    auth: str
    access: Access
    state: Mapping[str, Json]
    offline: frozenset[str]
    major: int

    def stored(self) -> Json:
        """What the state holds under the call's own path, or None."""
        return self.state.get(self.path.strip("/"))

    def rows(self, key: str | None = None) -> list[Row]:
        """The rows under a key (default: the call's own path)."""
        return list(self.state.get(key or self.path.strip("/"), []))

    def holds(self, path: str, *any_of: str) -> bool:
        """True when the caller has one of the privileges on a path."""
        return self.access.holds(self.auth, path, *any_of)

    def text(self, name: str) -> str | None:
        """A parameter's value as text, or None."""
        return str(self.values[name]) if name in self.values else None


Read = Callable[[Call], Json]


def resources(call: Call) -> Json:
    """``/cluster/resources``: rows by right; a node without Sys.Audit shows only its name and state."""
    wanted = {"vm": ("qemu", "lxc"), "sdn": ("sdn", "network"), None: None}.get(call.text("type"), (call.text("type"),))
    rows = [_seen(call, row) for row in call.rows() if wanted is None or row["type"] in wanted]
    return [_of_version(call, _dark(call, row)) for row in rows if row is not None]


def _seen(call: Call, row: Row) -> Row | None:
    match row["type"]:
        case "node":
            audited = call.holds(f"/nodes/{row['node']}", "Sys.Audit")
            return row if audited else {key: row[key] for key in _PUBLIC_NODE_KEYS if key in row}
        case "qemu" | "lxc":
            return row if call.holds(f"/vms/{row['vmid']}", "VM.Audit") else None
        case "storage":
            return row if call.holds(f"/storage/{row['storage']}", *_STORE) else None
        case "pool":
            return row if call.holds(f"/pool/{row['pool']}", "Pool.Audit") else None
        case _:
            return row if call.holds(f"/sdn/zones/{row.get('sdn') or row.get('network')}", *_SDN) else None


def _dark(call: Call, row: Row) -> Row:
    """An offline node keeps its name; its guests and stores become unknown."""
    if row.get("node") not in call.offline:
        return row
    if row["type"] == "node":
        return {key: row[key] for key in _PUBLIC_NODE_KEYS if key in row} | {"status": "offline"}
    return {key: row[key] for key in row if key not in {"cpu", "mem", "memhost", "uptime"}} | {"status": "unknown"}


def _of_version(call: Call, row: Row) -> Row:
    return row if call.major >= 9 else {key: value for key, value in row.items() if key not in _NEW_IN_NINE}


def status(call: Call) -> Json:
    """``/cluster/status``: offline nodes are offline here too; quorum needs more than half."""
    rows = [dict(row) for row in call.rows()]
    nodes = [row for row in rows if row["type"] == "node"]
    for row in nodes:
        row["online"] = int(bool(row["online"]) and row["name"] not in call.offline)
    for row in rows:
        if row["type"] == "cluster":
            row["quorate"] = int(bool(row["quorate"]) and 2 * sum(node["online"] for node in nodes) > len(nodes))
    return rows


def nodes(call: Call) -> Json:
    """``/nodes``: the node rows of the resources."""
    rows = [row for row in call.rows("cluster/resources") if row["type"] == "node"]
    return [_dark(call, row) for seen in rows if (row := _seen(call, seen)) is not None]


def storages(call: Call) -> Json:
    """``/storage`` and ``/nodes/{node}/storage``: rows by right, content, plug-in type and storage."""
    found = [row for row in call.rows() if call.holds(f"/storage/{row['storage']}", *_STORE)]
    wanted = {part for part in (call.text("content") or "").split(",") if part}
    return [
        row
        for row in found
        if (not wanted or not wanted.isdisjoint(row["content"].split(",")))
        and call.text("type") in {None, row["type"]}
        and call.text("storage") in {None, row["storage"]}
        and (not call.values.get("enabled") or row.get("enabled", 1))
    ]


def content(call: Call) -> Json:
    """Volumes of one store; a shared one holds the same on every node."""
    node, store = call.text("node"), call.text("storage")
    known = [row for row in call.rows(f"nodes/{node}/storage") if row["storage"] == store]
    if not known:
        raise ApiError(500, f"storage '{store}' does not exist")
    if not known[0].get("active", 1):
        raise ApiError(500, f"storage '{store}' is not online")
    keys = [call.path.strip("/")]
    if known[0].get("shared"):
        keys += sorted(key for key in call.state if key.endswith(f"/storage/{store}/content"))
    rows = next((call.rows(key) for key in keys if key in call.state), [])
    wanted, vmid = call.text("content"), call.text("vmid")
    return [row for row in rows if wanted in {None, row["content"]} and (vmid is None or str(row.get("vmid")) == vmid)]


def network(call: Call) -> Json:
    """Interfaces by type; bridges and vnets only with SDN.Audit or SDN.Use on their zone."""
    wanted = call.text("type")
    return [row for row in call.rows() if _is_type(row, wanted) and _network_seen(call, row)]


def _is_type(row: Row, wanted: str | None) -> bool:
    if wanted == "any_bridge":
        return row["type"] in (*_BRIDGES, "vnet")
    if wanted == "any_local_bridge":
        return row["type"] in _BRIDGES
    if wanted is None:
        return bool(row["type"] != "vnet")
    return wanted == "include_sdn" or bool(row["type"] == wanted)


def _network_seen(call: Call, row: Row) -> bool:
    zone = row.get("zone", "localnetwork") if row["type"] == "vnet" else "localnetwork"
    if row["type"] not in (*_BRIDGES, "vnet"):
        return True
    return call.holds(f"/sdn/zones/{zone}/{row['iface']}", "SDN.Audit", "SDN.Use")


def zones(call: Call) -> Json:
    """SDN zones by right."""
    rows = [row for row in call.rows() if call.holds(f"/sdn/zones/{row['zone']}", *_SDN)]
    return [row for row in rows if call.text("type") in {None, row["type"]}]


def vnets(call: Call) -> Json:
    """SDN vnets, subnets and IPAM entries by right on their vnet."""
    rows = call.rows()
    zone_of = {row["vnet"]: row["zone"] for row in call.rows("cluster/sdn/vnets")}
    return [
        row
        for row in rows
        if call.holds(f"/sdn/zones/{zone_of.get(row['vnet'], row.get('zone'))}/{row['vnet']}", *_SDN)
    ]


def subnets(call: Call) -> Json:
    """Subnets of a vnet that exists."""
    if call.text("vnet") not in {row["vnet"] for row in call.rows("cluster/sdn/vnets")}:
        raise ApiError(500, f"sdn vnet object ID '{call.text('vnet')}' does not exist")
    return vnets(call)


def ipam(call: Call) -> Json:
    """Entries of the built-in IPAM; the others have no such list."""
    if call.stored() is None:
        raise ApiError(500, "Currently only PVE IPAM is supported!")
    return vnets(call)


def pools(call: Call) -> Json:
    """Pools by Pool.Audit; a named pool that is not there is an error."""
    wanted = call.text("poolid")
    rows = [row for row in call.rows() if call.holds(f"/pool/{row['poolid']}", "Pool.Audit")]
    chosen = [row for row in rows if wanted in {None, row["poolid"]}]
    if wanted and not chosen:
        known = wanted in {row["poolid"] for row in call.rows()}
        raise denied(f"/pool/{wanted}, Pool.Audit") if known else ApiError(500, f"pool '{wanted}' does not exist")
    return chosen if wanted is None else [row | {"members": _members(call, wanted)} for row in chosen]


def _members(call: Call, pool: str) -> list[Row]:
    """The guests and stores of a pool, as the answer for one pool lists them."""
    shown = ("id", "node", "type", "vmid", "name", "status", "template", "storage")
    rows = [row for row in call.rows("cluster/resources") if row["type"] in {"qemu", "lxc", "storage"}]
    return [{key: row[key] for key in shown if key in row} for row in rows if row.get("pool") == pool]


def mappings(call: Call) -> Json:
    """PCI mappings by right."""
    return [row for row in call.rows() if call.holds(f"/mapping/pci/{row['id']}", *_MAPPING)]


def options(call: Call) -> Json:
    """Datacenter options; without Sys.Audit only those that the web page needs."""
    stored = call.stored() or {}
    if call.holds("/", "Sys.Audit"):
        return stored
    return {key: stored[key] for key in _PUBLIC_OPTIONS if key in stored}


def permissions(call: Call) -> Json:
    """The effective rights of the caller, or of another with Sys.Audit on ``/access``."""
    who = call.text("userid") or call.auth
    owner = call.auth.partition("!")[0]
    if who.partition("!")[0] != owner and not call.holds("/access", "Sys.Audit"):
        raise denied("/access, Sys.Audit")
    one = call.text("path")
    found = {one: call.access.privileges(who, one)} if one else call.access.tree(who)
    return {path: {name: int(flag) for name, flag in sorted(rights.items())} for path, rights in found.items()}


def next_id(call: Call) -> Json:
    """The next free VMID as text; asked for a taken one: 400. Every guest counts, seen or not."""
    taken = {row["vmid"] for row in call.rows("cluster/resources") if "vmid" in row}
    if "vmid" in call.values:
        if call.values["vmid"] in taken:
            raise wrong_parameters({"vmid": f"VM {call.values['vmid']} already exists"})
        return str(call.values["vmid"])
    bounds = call.state.get("cluster/options", {}).get("next-id", {})
    lower, upper = int(bounds.get("lower", 100)), int(bounds.get("upper", 1_000_000))
    free = next((number for number in range(lower, upper) if number not in taken), None)
    if free is None:
        raise ApiError(500, f"unable to get any free VMID in range [{lower}, {upper}]")
    return str(free)


def config(call: Call) -> Json:
    """The configuration of a guest on this node."""
    stored = call.stored()
    if stored is None:
        folder = "qemu-server" if "/qemu/" in call.path else "lxc"
        file = f"nodes/{call.text('node')}/{folder}/{call.text('vmid')}.conf"
        raise ApiError(500, f"Configuration file '{file}' does not exist")
    return stored


def agent(call: Call) -> Json:
    """The guest agent's interfaces; a VM without agent, or not running, is an error."""
    settings = call.state.get(f"nodes/{call.text('node')}/qemu/{call.text('vmid')}/config")
    if settings is None:
        raise ApiError(
            500, f"Configuration file 'nodes/{call.text('node')}/qemu-server/{call.text('vmid')}.conf' does not exist"
        )
    if not str(settings.get("agent", "0")).startswith(("1", "enabled=1")):
        raise ApiError(500, "No QEMU guest agent configured")
    if _guest(call).get("status") != "running":
        raise ApiError(500, f"VM {call.text('vmid')} is not running")
    if call.stored() is None:
        raise ApiError(500, "QEMU guest agent is not running")
    return call.stored()


def _guest(call: Call) -> Row:
    rows = [row for row in call.rows("cluster/resources") if str(row.get("vmid")) == call.text("vmid")]
    return rows[0] if rows else {}


def ha_rules(call: Call) -> Json:
    """HA rules by type and resource."""
    wanted, resource = call.text("type"), call.text("resource")
    rows = [row for row in call.rows() if wanted in {None, row["type"]}]
    return [row for row in rows if resource is None or resource in row["resources"].split(",")]


def ha_groups(call: Call) -> Json:
    """Groups live on 8 only; on 9 the call dies although the schema lists it (pve-ha-manager b71218f)."""
    if call.major >= 9:
        raise ApiError(500, "cannot index groups: ha groups have been migrated to rules")
    return call.rows()


def ha_resources(call: Call) -> Json:
    """HA resources by type."""
    return [row for row in call.rows() if call.text("type") in {None, row["type"]}]


READS: Final[Mapping[str, Read]] = {
    "/access/permissions": permissions,
    "/cluster/ha/groups": ha_groups,
    "/cluster/ha/resources": ha_resources,
    "/cluster/ha/rules": ha_rules,
    "/cluster/mapping/pci": mappings,
    "/cluster/nextid": next_id,
    "/cluster/options": options,
    "/cluster/resources": resources,
    "/cluster/sdn/ipams/{ipam}/status": ipam,
    "/cluster/sdn/vnets": vnets,
    "/cluster/sdn/vnets/{vnet}/subnets": subnets,
    "/cluster/sdn/zones": zones,
    "/cluster/status": status,
    "/nodes": nodes,
    "/nodes/{node}/lxc/{vmid}/config": config,
    "/nodes/{node}/network": network,
    "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces": agent,
    "/nodes/{node}/qemu/{vmid}/config": config,
    "/nodes/{node}/storage": storages,
    "/nodes/{node}/storage/{storage}/content": content,
    "/pools": pools,
    "/storage": storages,
}


def read(call: Call, *, template: str, returns: str) -> Any:
    """The value of ``data``: by the rule of the path, else as stored; an empty list where a list is missing."""
    rule = READS.get(template)
    if rule is not None:
        return rule(call)
    found = call.stored()
    if found is None and returns == "array":
        return []
    if found is None:
        raise ApiError(501, f"this emulator's state holds no '{call.path}'")
    return found
