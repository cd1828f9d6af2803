"""Clones: full and linked, to this node or by shared storage to another.

In: ``POST clone``. Out: a UPID that names the source node; the new guest is locked until the task ends. Never: a clone
of what is locked, or one with the source's volumes.
"""

from __future__ import annotations

import re
from typing import Any

from bot.emulators.proxmox import containers, drives, guests, machines, rights, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json
from bot.emulators.proxmox.site import Guest
from bot.emulators.proxmox.values import as_size, joined, unique_id

_DROPPED = frozenset({"template", "digest", "lock", "parent", "snapshots", "meta"})


def clone(action: Action) -> Json:
    """``POST /nodes/{node}/qemu/{vmid}/clone`` and the same of containers."""
    source, target = action.guest, action.text("target") or action.node
    kind = "qmclone" if source.kind == "qemu" else "vzclone"
    site = action.site
    site.known_node(target)
    rights.may_allocate(action, action.number("newid"), action.text("pool"))
    if site.clone_locks and site.tasks.running(kind, str(source.vm_id)):
        raise ApiError(500, f"can't lock file '/var/lock/{_folder(source)}/lock-{source.vm_id}.conf' - got timeout")
    source.unlocked()
    full = bool(action.values.get("full", not source.config.get("template")))
    _possible(action, source, target, full=full)
    if site.guest_row(action.number("newid")) is not None:
        raise ApiError(
            500, f"unable to create {source.label.split()[0]} {action.number('newid')}: config file already exists"
        )
    new = Guest(site.state, source.kind, target, action.number("newid"))
    guest = guests.born(site, new, {"lock": "clone"}, action.text("pool"))
    work = _Cloning(action, source, guest, full=full)
    store = action.text("storage")
    return action.begin(kind, source.vm_id, work.done, undo=work.undone, store=store)


def _folder(guest: Guest) -> str:
    return "qemu-server" if guest.kind == "qemu" else "lxc"


def _possible(action: Action, source: Guest, target: str, *, full: bool) -> None:
    site, name, away = action.site, action.text("storage"), target != action.node
    content = "images" if source.kind == "qemu" else "rootdir"
    if name is not None:
        if not full:
            raise ApiError(500, "parameter 'storage' not allowed for linked clones")
        row = volumes.usable(site, action.node, name, content)
        if away:
            volumes.store(site, target, name)
            if not row.get("shared"):
                raise ApiError(500, f"can't clone to non-shared storage '{name}'")
    shared = rights.may_clone_to(action, source.config, name)
    rights.may_use_bridges(action, source.config)
    if away and not shared:
        raise ApiError(500, f"can't clone {source.label.split()[0]} to node '{target}' (VM uses local storage)")


class _Cloning:
    """The work of a clone and how to take it back."""

    def __init__(self, action: Action, source: Guest, guest: Guest, *, full: bool) -> None:
        self.action, self.source, self.guest, self.full = action, source, guest, full

    def done(self) -> None:
        config = self.guest.config
        for name, value in self.source.config.items():
            if name not in _DROPPED and not name.startswith("unused"):
                config[name] = self._copy(name, value)
        if self.source.kind == "qemu":
            config["smbios1"] = f"uuid={unique_id('smbios', self.guest.vm_id)}"
            if "vmgenid" in config:
                config["vmgenid"] = unique_id("generation", self.guest.vm_id)
        name = "name" if self.source.kind == "qemu" else "hostname"
        config[name] = self.action.text(name) or f"Copy-of-{self.source.row['name']}"
        if "description" in self.action.values:
            config["description"] = self.action.word("description")
        if self.source.vm_id in self.action.site.agents:
            self.action.site.agents.add(self.guest.vm_id)
        guests.unlock(self.guest)

    def undone(self) -> None:
        guests.gone(self.action.site, self.guest)

    def _copy(self, name: str, value: Any) -> Any:
        if re.fullmatch(r"net\d+", name):
            return self._interface(name, str(value))
        one = drives.held({name: value}).get(name)
        if one is None:
            return value
        rest = {key: text for key, text in one.items() if key not in {"file", "media", "size"}}
        return self._volume(one["file"], rest, draft=drives.is_cloud_init(one))

    def _interface(self, name: str, value: str) -> str:
        if self.source.kind == "lxc":
            return containers.interface(self.action.site, self.guest.vm_id, name, _without_address(value))
        return machines.interface(self.action.site, self.guest.vm_id, name, _without_address(value))

    def _volume(self, file: str, rest: dict[str, str], *, draft: bool) -> str:
        site, node, store = self.action.site, self.source.node, self.action.text("storage") or volumes.split(file)[0]
        if draft:
            volume = volumes.cloud_init(site, node, store, self.guest.vm_id)
            return joined(volume, rest | {"media": "cdrom", "size": "4M"})
        old = volumes.existing(site, node, file)
        form, content = self.action.text("format") or old["format"], old["content"]
        volume = volumes.allocate(site, node, store, self.guest.vm_id, old["size"], form=form, content=content)
        return joined(volume, rest | {"size": as_size(old["size"])})


def _without_address(value: str) -> str:
    """An interface without its hardware address: every clone gets its own."""
    bare = re.sub(r"(^|,)(virtio|e1000e?|rtl8139|vmxnet3)=[0-9A-Fa-f:]{17}", r"\1model=\2", value)
    return re.sub(r",hwaddr=[0-9A-Fa-f:]{17}", "", bare)
