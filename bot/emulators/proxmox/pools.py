"""Pools: create, change, delete, members.

In: actions on ``/pools``. Out: rows; a guest's row says its pool. Never: a pool deleted that has members.
"""

from __future__ import annotations

from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row
from bot.emulators.proxmox.site import GUEST_KINDS, Site
from bot.emulators.proxmox.values import listed

_MEMBERS = (*GUEST_KINDS, "storage")


def create(action: Action) -> Json:
    """``POST /pools``."""
    name = action.word("poolid")
    if _find(action.site, name) is not None:
        raise ApiError(500, f"create pool failed: pool '{name}' already exists")
    parent = name.rpartition("/")[0]
    if parent and _find(action.site, parent) is None:
        raise ApiError(500, f"create pool failed: parent '{parent}' of pool '{name}' does not exist")
    comment = action.text("comment")
    action.site.rows("pools").append({"poolid": name} | ({"comment": comment} if comment else {}))
    action.site.resources().append({"type": "pool", "id": f"/pool/{name}", "pool": name})
    return None


def _find(site: Site, name: str) -> Row | None:
    return next((row for row in site.rows("pools") if row["poolid"] == name), None)


def _existing(site: Site, name: str) -> Row:
    row = _find(site, name)
    if row is None:
        raise ApiError(500, f"pool '{name}' does not exist")
    return row


def members(site: Site, name: str) -> list[Row]:
    """The guests and stores of a pool as Proxmox VE lists them."""
    shown = ("id", "node", "type", "vmid", "name", "status", "template", "storage")
    rows = [row for row in site.resources() if row["type"] in _MEMBERS and row.get("pool") == name]
    return [{key: row[key] for key in shown if key in row} for row in rows]


def read(action: Action) -> Json:
    """``GET /pools/{poolid}``."""
    row = _existing(action.site, action.word("poolid"))
    found = {"members": members(action.site, row["poolid"])}
    return found | ({"comment": row["comment"]} if "comment" in row else {})


def update(action: Action) -> Json:
    """``PUT /pools``: comment and members; each member needs the right to change who may use it."""
    site, name = action.site, action.word("poolid")
    row = _existing(site, name)
    if "comment" in action.values:
        row["comment"] = action.word("comment")
    for text in listed(action.text("vms")):
        _member(action, name, int(text))
    for store in listed(action.text("storage")):
        _member_store(action, name, store)
    return None


def _member_store(action: Action, name: str, store: str) -> None:
    action.need(f"/storage/{store}", "Permissions.Modify", "Datastore.Allocate")
    rows = [row for row in action.site.resources() if row["type"] == "storage" and row["storage"] == store]
    if action.flag("delete") and not any(row.get("pool") == name for row in rows):
        raise ApiError(500, f"update pools failed: Storage '{store}' is not a pool member")
    for row in rows:
        row.pop("pool", None)
        row.update({} if action.flag("delete") else {"pool": name})


def _member(action: Action, name: str, vm_id: int) -> None:
    action.need(f"/vms/{vm_id}", "Permissions.Modify", "VM.Allocate")
    row = action.site.guest_row(vm_id)
    if row is None:
        raise ApiError(500, f"update pools failed: VM {vm_id} does not exist")
    if action.flag("delete"):
        if row.get("pool") != name:
            raise ApiError(500, f"update pools failed: VM {vm_id} is not a pool member")
        del row["pool"]
        return
    if row.get("pool") not in {None, name} and not action.flag("allow-move"):
        raise ApiError(
            500, f"update pools failed: VM {vm_id} belongs already to pool '{row['pool']}' and 'allow-move' is not set"
        )
    row["pool"] = name


def delete(action: Action) -> Json:
    """``DELETE /pools``: only an empty one."""
    site, name = action.site, action.word("poolid")
    row = _existing(site, name)
    if members(site, name):
        raise ApiError(500, f"delete pool failed: pool '{name}' is not empty")
    site.rows("pools").remove(row)
    site.state["cluster/resources"] = [
        one for one in site.resources() if not (one["type"] == "pool" and one["pool"] == name)
    ]
    return None
