"""Backup jobs, storage replication, PCI mappings: rows that somebody else carries out.

In: actions on ``/cluster/backup``, ``/cluster/replication``, ``/cluster/mapping/pci``. Out: rows. Never: a backup made.
"""

from __future__ import annotations

from typing import Any, Final

from bot.emulators.proxmox import drives, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row, wrong_parameters
from bot.emulators.proxmox.values import digest, listed

BACKUPS: Final = "cluster/backup"
REPLICATIONS: Final = "cluster/replication"
MAPPINGS: Final = "cluster/mapping/pci"
_ROOT_ONLY: Final = ("tmpdir", "dumpdir", "script")


def _find(action: Action, key: str, missing: str) -> Row:
    name = action.word("id")
    row = next((one for one in action.site.rows(key) if one["id"] == name), None)
    if row is None:
        raise ApiError(500, missing)
    return row


def _backup(action: Action) -> Row:
    name = action.word("id")
    found = next((one for one in action.site.rows(BACKUPS) if one["id"] == name), None)
    if found is None:
        raise wrong_parameters({"id": f"No such job '{name}'"})
    return found


def read_backup(action: Action) -> Json:
    """``GET /cluster/backup/{id}``."""
    return _backup(action)


def _may_back_up(action: Action, options: dict[str, Any]) -> None:
    for name in _ROOT_ONLY:
        if name in options:
            action.root(f"Only root may set '{name}'.")
    if "storage" in options:
        action.need(f"/storage/{options['storage']}", "Datastore.Allocate")
        row = next((one for one in action.site.rows("storage") if one["storage"] == options["storage"]), None)
        if row is None:
            raise ApiError(500, f"storage '{options['storage']}' does not exist")
        if "backup" not in row["content"].split(","):
            raise wrong_parameters({"storage": f"storage '{options['storage']}' does not support backups"})


def _chosen(row: Row) -> None:
    chosen = [name for name in ("all", "vmid", "pool") if row.get(name)]
    if len(chosen) > 1:
        raise wrong_parameters({chosen[0]: f"option conflicts with option '{chosen[1]}'"})
    if not chosen:
        raise wrong_parameters({"vmid": "property is missing"})


def create_backup(action: Action) -> Json:
    """``POST /cluster/backup``."""
    site, options = action.site, {**action.options("starttime")}
    _may_back_up(action, options)
    name = action.text("id") or f"backup-{len(site.rows(BACKUPS)) + 1:08x}"
    if any(row["id"] == name for row in site.rows(BACKUPS)):
        raise ApiError(500, f"Job '{name}' already exists")
    row: Row = {"id": name, "type": "vzdump", "enabled": 1, "mode": "snapshot"} | options
    _chosen(row)
    site.rows(BACKUPS).append(row)
    return None


def update_backup(action: Action) -> Json:
    """``PUT /cluster/backup/{id}``."""
    row, options = _backup(action), {**action.options("delete")}
    _may_back_up(action, options)
    changed = {name: value for name, value in row.items() if name not in listed(action.text("delete"))} | options
    _chosen(changed)
    row.clear()
    row.update(changed)
    return None


def delete_backup(action: Action) -> Json:
    """``DELETE /cluster/backup/{id}``."""
    action.site.rows(BACKUPS).remove(_backup(action))
    return None


def replications(action: Action) -> Json:
    """``GET /cluster/replication``: those of guests that the caller may see."""
    return [row for row in action.site.rows(REPLICATIONS) if action.holds(f"/vms/{row['guest']}", "VM.Audit")]


def _replication(action: Action, privilege: str) -> Row:
    name = action.word("id")
    if action.major >= 9 or privilege == "VM.Audit":
        action.need(f"/vms/{name.partition('-')[0]}", privilege)
    return _find(action, REPLICATIONS, f"no such replication job '{name}'")


def read_replication(action: Action) -> Json:
    """``GET /cluster/replication/{id}``."""
    row = _replication(action, "VM.Audit")
    return row | {"digest": digest(row)}


def create_replication(action: Action) -> Json:
    """``POST /cluster/replication``: guests with volumes on ZFS alone can be replicated."""
    site, name, target = action.site, action.word("id"), action.word("target")
    guest_id, _, number = name.partition("-")
    if action.major >= 9:
        action.need(f"/vms/{guest_id}", "VM.Replicate")
    guest = site.guest(int(guest_id))
    if guest is None:
        raise ApiError(500, f"Guest '{guest_id}' does not exist.")
    if target not in site.nodes():
        raise ApiError(500, f"Target '{target}' does not exist.")
    if action.text("source") not in {None, guest.node}:
        raise ApiError(
            500, f"Source '{action.text('source')}' does not match current node of guest '{guest_id}' ({guest.node})"
        )
    if target == guest.node:
        raise ApiError(500, "Source and target must not be identical")
    files = [one["file"] for one in drives.held(guest.config).values() if not drives.is_cloud_init(one)]
    kinds = {volumes.store(site, guest.node, volumes.split(file)[0])["type"] for file in files}
    if "zfspool" not in kinds:
        raise ApiError(500, "No replicatable volumes found")
    if any(row["id"] == name for row in site.rows(REPLICATIONS)):
        raise ApiError(500, f"replication job '{name}' already exists")
    row: Row = {"guest": guest.vm_id, "jobnum": int(number), "source": guest.node} | action.options()
    site.rows(REPLICATIONS).append(row)
    return None


def update_replication(action: Action) -> Json:
    """``PUT /cluster/replication/{id}``."""
    row = _replication(action, "VM.Replicate")
    for name in listed(action.text("delete")):
        row.pop(name, None)
    row.update(action.options("delete", "digest"))
    return None


def delete_replication(action: Action) -> Json:
    """``DELETE /cluster/replication/{id}``: marked, and gone after a while; with ``force`` at once."""
    row = _replication(action, "VM.Replicate")
    rows = action.site.rows(REPLICATIONS)
    if action.flag("force"):
        rows.remove(row)
        return None
    row["remove_job"] = "local" if action.flag("keep") else "full"
    tasks = action.site.tasks
    tasks.later(tasks.seconds, lambda: rows.remove(row) if row in rows else None)
    return None


def read_mapping(action: Action) -> Json:
    """``GET /cluster/mapping/pci/{id}``."""
    row = _find(action, MAPPINGS, f"mapping '{action.word('id')}' not found")
    return row | {"digest": digest(row)}


def create_mapping(action: Action) -> Json:
    """``POST /cluster/mapping/pci``."""
    name = action.word("id")
    if any(row["id"] == name for row in action.site.rows(MAPPINGS)):
        raise ApiError(500, f"mapping ID '{name}' already defined")
    action.site.rows(MAPPINGS).append({**action.options()})
    return None


def update_mapping(action: Action) -> Json:
    """``PUT /cluster/mapping/pci/{id}``."""
    row = _find(action, MAPPINGS, f"mapping '{action.word('id')}' not found")
    for name in listed(action.text("delete")):
        row.pop(name, None)
    row.update(action.options("delete", "digest"))
    return None


def delete_mapping(action: Action) -> Json:
    """``DELETE /cluster/mapping/pci/{id}``."""
    row = _find(action, MAPPINGS, f"mapping '{action.word('id')}' not found")
    action.site.rows(MAPPINGS).remove(row)
    return None
