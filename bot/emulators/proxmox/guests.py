"""What virtual machines and containers share: their row, their removal, their lists, their status.

In: an action on a guest. Out: changed rows. Never: a disk or a network of one kind alone.
"""

from __future__ import annotations

from typing import Any, Final

from bot.emulators.proxmox import drives, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row
from bot.emulators.proxmox.site import Guest, Site, cores, memory_bytes
from bot.emulators.proxmox.values import digest, listed

_PROCESS: Final = 100_000


def born(site: Site, at: Guest, config: dict[str, Any], pool: str | None) -> Guest:
    """A new guest with its configuration and its row. Raises ApiError(500) when the number is taken."""
    kind, node, vm_id, guest = at.kind, at.node, at.vm_id, at
    if site.guest_row(vm_id) is not None:
        taken = site.guest(vm_id)
        where = f"{taken.label} already exists on node '{taken.node}'" if taken else ""
        raise ApiError(500, f"unable to create {'VM' if kind == 'qemu' else 'CT'} {vm_id} - {where}")
    site.state[f"{guest.base}/config"] = config
    site.add_row(
        {"type": kind, "id": f"{kind}/{vm_id}", "vmid": vm_id, "name": "", "node": node, "status": "stopped",
         "template": 0, "cpu": 0, "maxcpu": 1, "mem": 0, "maxmem": 0, "memhost": 0, "disk": 0, "maxdisk": 0,
         "uptime": 0, "tags": ""} | ({"pool": pool} if pool else {})
    )  # fmt: skip
    settle(guest)
    return guest


def settle(guest: Guest) -> None:
    """Bring the row and the digest to what the configuration says."""
    config, row = guest.config, guest.row
    config["digest"] = digest(config)
    default = f"VM {guest.vm_id}" if guest.kind == "qemu" else f"CT{guest.vm_id}"
    row |= {
        "name": config.get("name", config.get("hostname", default)),
        "template": int(config.get("template", 0)),
        "maxcpu": cores(config),
        "maxmem": memory_bytes(config, guest.kind),
        "maxdisk": drives.boot_bytes(config),
        "tags": config.get("tags", ""),
    }
    row.pop("lock", None)
    if "lock" in config:
        row["lock"] = config["lock"]


def tidy_tags(options: dict[str, Any]) -> None:
    """Tags are stored once each, in order."""
    if "tags" in options:
        options["tags"] = ";".join(sorted({tag.lower() for tag in listed(str(options["tags"]))}))


def gone(site: Site, guest: Guest) -> None:
    """Take a guest away: disks, files, row, leases."""
    for volume in volumes.owned_by(site, guest.node, guest.vm_id):
        volumes.free(site, guest.node, volume)
    for one in drives.held(guest.config).values():
        volumes.free(site, guest.node, one["file"])
    for key in guest.files():
        del site.state[key]
    site.resources().remove(guest.row)
    if "access/acl" in site.state:
        site.state["access/acl"] = [row for row in site.rows("access/acl") if row["path"] != f"/vms/{guest.vm_id}"]
    site.agents.discard(guest.vm_id)


def delete(action: Action) -> Json:
    """``DELETE``: stopped, unprotected guests; what refers to them needs ``purge``."""
    guest = action.guest
    guest.unlocked()
    guest.unprotected(f"can't remove {guest.label}")
    _unreferenced(action, guest)
    if guest.running and not action.flag("force"):
        raise ApiError(500, f"{guest.label} is running - destroy failed")
    guest.config["lock"] = "destroyed"
    settle(guest)
    kind = "qmdestroy" if guest.kind == "qemu" else "vzdestroy"
    return action.begin(kind, guest.vm_id, lambda: _destroy(action, guest), undo=lambda: unlock(guest))


def _unreferenced(action: Action, guest: Guest) -> None:
    if action.flag("purge"):
        return
    if any(row["sid"] == guest.service for row in action.rows("cluster/ha/resources")):
        raise ApiError(500, f"unable to remove {guest.label} - used in HA resources and purge parameter not set.")
    if any(row.get("guest") == guest.vm_id for row in action.rows("cluster/replication")):
        raise ApiError(500, f"There is a replication job for guest {guest.vm_id}. Please remove that first.")


def unlock(guest: Guest) -> None:
    """Nothing holds it any more."""
    guest.config.pop("lock", None)
    settle(guest)


def _destroy(action: Action, guest: Guest) -> None:
    site = action.site
    if guest.running:
        site.charge(guest.node, -guest.row["mem"])
    gone(site, guest)
    if action.flag("purge"):
        _purge(site, guest)


def _purge(site: Site, guest: Guest) -> None:
    for key, name, value in (
        ("cluster/ha/resources", "sid", guest.service),
        ("cluster/replication", "guest", guest.vm_id),
    ):
        if key in site.state:
            site.state[key] = [row for row in site.rows(key) if row.get(name) != value]
    for job in site.state.get("cluster/backup", []):
        kept = [number for number in listed(job.get("vmid")) if number != str(guest.vm_id)]
        if "vmid" in job:
            job["vmid"] = ",".join(kept)


def index(action: Action) -> Json:
    """``GET /nodes/{node}/qemu`` and ``lxc``: the guests of a node that the caller may see."""
    rows = [row for row in action.site.resources() if row["type"] == action.kind and row["node"] == action.node]
    shown = ("vmid", "name", "status", "maxmem", "maxdisk", "mem", "disk", "cpu", "uptime", "tags", "template", "lock")
    seen = [row for row in rows if action.holds(f"/vms/{row['vmid']}", "VM.Audit")]
    return [{key: row[key] for key in shown if key in row} | {"cpus": row["maxcpu"]} for row in seen]


def current(action: Action) -> Json:
    """``GET status/current``."""
    guest = action.guest
    row = guest.row
    found: Row = {
        key: row[key] for key in ("vmid", "name", "status", "maxmem", "maxdisk", "mem", "cpu", "uptime") if key in row
    }
    managed = next((one for one in action.rows("cluster/ha/resources") if one["sid"] == guest.service), None)
    found |= {"cpus": row["maxcpu"], "disk": 0, "ha": {"managed": int(managed is not None)}, "type": guest.kind}
    found |= {"tags": row["tags"]} if row.get("tags") else {}
    found |= {"lock": guest.config["lock"]} if "lock" in guest.config else {}
    if guest.kind == "lxc":
        return found | {"maxswap": int(guest.config.get("swap", 512)) * 1024**2}
    found |= {"qmpstatus": row["status"], "template": 1} if row.get("template") else {"qmpstatus": row["status"]}
    found |= {"agent": 1} if str(guest.config.get("agent", "0")).startswith(("1", "enabled=1")) else {}
    return found | ({"pid": _PROCESS + guest.vm_id} if guest.running else {})
