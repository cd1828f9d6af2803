"""Guests that change their node: by request, or behind everybody's back.

In: a guest and a node. Out: the same files under the other node. Never: a disk left where the new node cannot see it.
"""

from __future__ import annotations

from bot.emulators.proxmox import drives, ha, power, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row
from bot.emulators.proxmox.site import Guest, Site


def migrate(action: Action) -> Json:
    """``POST migrate``; local disks only with ``with-local-disks``, running guests only with ``online``."""
    guest, target = action.guest, action.word("target")
    site = action.site
    site.known_node(target)
    if target == guest.node:
        raise ApiError(500, "target is local node.")
    if target in site.offline:
        raise ApiError(500, f"target node '{target}' is offline")
    guest.unlocked()
    if guest.running and not (action.flag("online") or action.flag("restart")):
        raise ApiError(500, f"can't migrate running {guest.label.split()[0]} without --online")
    place = action.text("targetstorage") or action.text("target-storage")
    if place not in {None, "1"}:
        action.need_on_guest(guest.vm_id, None, "VM.Config.Disk")
        action.need(f"/storage/{place}", "Datastore.AllocateSpace")
    carried = _local(site, guest)
    for volume in carried:
        volumes.store(site, target, place if place not in {None, "1"} else volumes.split(volume)[0])
    if carried and guest.kind == "qemu" and not action.flag("with-local-disks"):
        raise ApiError(500, f"can't migrate local disk '{carried[0]}': local disks need '--with-local-disks'")
    kind = "qmigrate" if guest.kind == "qemu" else "vzmigrate"
    return action.begin(kind, guest.vm_id, lambda: carry(site, guest, target, None if place == "1" else place))


def _local(site: Site, guest: Guest) -> list[str]:
    """The volumes that the other node does not see."""
    files = [one["file"] for one in drives.held(guest.config).values()]
    return [file for file in files if not volumes.store(site, guest.node, volumes.split(file)[0]).get("shared")]


def carry(site: Site, guest: Guest, target: str, place: str | None) -> None:
    """Move files, local disks and memory of a guest to another node. Raises ApiError(500) when it does not fit."""
    running = guest.running
    rows = {volume: volumes.existing(site, guest.node, volume) for volume in _local(site, guest)}
    power.stopped(site, guest)
    for volume, row in rows.items():
        store = volumes.store(site, target, place or volumes.split(volume)[0])
        volumes.reserve(site, target, store, row["size"])
        volumes.free(site, guest.node, volume)
        volumes.contents(site, target, store).append(_renamed(row, volume, place))
    for name, text in list(guest.config.items()):
        if place and any(str(text).startswith(volume) for volume in rows):
            guest.config[name] = f"{place}:{str(text).split(':', 1)[1]}"
    _refile(site, guest, target)
    if running:
        power.started(site, Guest(site.state, guest.kind, target, guest.vm_id))


def _renamed(row: Row, volume: str, place: str | None) -> Row:
    return row if place is None else row | {"volid": f"{place}:{volumes.split(volume)[1]}"}


def _refile(site: Site, guest: Guest, target: str) -> None:
    there = Guest(site.state, guest.kind, target, guest.vm_id)
    for key in guest.files():
        site.state[there.base + key.removeprefix(guest.base)] = site.state.pop(key)
    there.row["node"] = target
    manager = site.state.get("cluster/ha/status/manager_status", {}).get("manager_status", {})
    if guest.service in manager.get("service_status", {}):
        manager["service_status"][guest.service]["node"] = target


def by_manager(action: Action) -> Json:
    """``POST /cluster/ha/resources/{sid}/migrate``: the manager moves the guest at its next turn."""
    row = ha.read_resource(action)
    site, target = action.site, action.word("node")
    site.known_node(target)
    guest = site.guest(int(str(row["sid"]).partition(":")[2]))
    if guest is not None and guest.node != target:
        site.tasks.later(site.tasks.seconds, lambda: carry(site, guest, target, None))
    return {"sid": row["sid"], "requested-node": target}
