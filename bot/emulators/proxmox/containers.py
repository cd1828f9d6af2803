"""Containers: create, change, resize.

In: actions on ``/nodes/{node}/lxc``. Out: configurations as Proxmox VE stores them, UPIDs. Never: a container from a
template that is not there.
"""

from __future__ import annotations

import re
from typing import Any, Final

from bot.emulators.proxmox import drives, guests, power, rights, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, wrong_parameters
from bot.emulators.proxmox.machines import wanted_size
from bot.emulators.proxmox.site import Guest, Site
from bot.emulators.proxmox.values import as_size, hardware_address, joined, listed, parts

_NOT_STORED: Final = (
    "vmid", "pool", "storage", "start", "unique", "bwlimit", "force", "restore", "ignore-unpack-errors", "ostemplate",
    "password", "ssh-public-keys", "ha-managed", "digest", "delete", "revert",
)  # fmt: skip
_SYSTEMS: Final = ("alpine", "archlinux", "centos", "debian", "devuan", "fedora", "gentoo", "opensuse", "ubuntu")


def interface(site: Site, vm_id: int, name: str, text: str) -> str:
    """The stored form of a container's interface: name first, an address made where none is given."""
    one = parts(text, "name")
    if "name" not in one:
        raise wrong_parameters(
            {name: "invalid format - format error\nname: property is missing and it is not optional"}
        )
    prefix = site.state.get("cluster/options", {}).get("mac_prefix", "BC:24:11")
    one.setdefault("hwaddr", hardware_address(prefix, vm_id, int(name.removeprefix("net"))))
    one.setdefault("type", "veth")
    return joined(f"name={one.pop('name')}", one)


def create(action: Action) -> Json:
    """``POST /nodes/{node}/lxc`` from a template."""
    vm_id, pool = action.number("vmid"), action.text("pool")
    options: dict[str, Any] = {**action.options(*_NOT_STORED)}
    rights.may_allocate(action, vm_id, pool)
    if not options.get("unprivileged"):
        action.need("/", "Sys.Modify")
    template = action.word("ostemplate")
    rights.may_use_volume(action, None, template)
    options.setdefault("rootfs", f"{action.text('storage') or 'local'}:4")
    rights.may_set_container(action, vm_id, pool, options, before={})
    if action.flag("start"):
        action.need_on_guest(vm_id, pool, "VM.PowerMgmt")
    volumes.existing(action.site, action.node, template)
    system = next((one for one in _SYSTEMS if one in template), "unmanaged")
    plain = {"arch": "amd64", "ostype": system, "memory": 512, "swap": 512, "hostname": f"CT{vm_id}"}
    guest = guests.born(action.site, Guest(action.site.state, "lxc", action.node, vm_id), {"lock": "create"}, pool)
    work = _Creation(action, guest, plain | options)
    store = volumes.split(str(options["rootfs"]).removeprefix("volume="))[0]
    return action.begin("vzcreate", vm_id, work.done, undo=work.undone, store=store)


class _Creation:
    """The work of ``vzcreate`` and how to take it back."""

    def __init__(self, action: Action, guest: Guest, options: dict[str, Any]) -> None:
        self.action, self.guest, self.options = action, guest, options

    def done(self) -> None:
        assign(self.action.site, self.guest, self.options)
        guests.unlock(self.guest)
        if self.action.flag("start"):
            power.started(self.action.site, self.guest)

    def undone(self) -> None:
        guests.gone(self.action.site, self.guest)


def assign(site: Site, guest: Guest, options: dict[str, Any]) -> None:
    """Store options in a configuration: mount points get volumes, interfaces addresses."""
    guests.tidy_tags(options)
    for name, value in options.items():
        if drives.is_mount(name):
            guest.config[name] = _mount(site, guest, str(value))
        elif re.fullmatch(r"net\d+", name):
            guest.config[name] = interface(site, guest.vm_id, name, str(value))
        elif name == "description":
            guest.config[name] = f"{str(value).rstrip()}\n"  # the file of a container keeps one line end
        else:
            guest.config[name] = value


def _mount(site: Site, guest: Guest, text: str) -> str:
    one = drives.drive(text)
    file = one.pop("file")
    wanted = drives.new_disk(file)
    if wanted is None:
        one.setdefault("size", as_size(volumes.existing(site, guest.node, file)["size"]))
        return joined(file, one)
    volume = volumes.allocate(site, guest.node, wanted[0], guest.vm_id, wanted[1], content="rootdir")
    return joined(volume, one | {"size": as_size(wanted[1])})


def update(action: Action) -> Json:
    """``PUT config``."""
    guest, options = action.guest, {**action.options(*_NOT_STORED)}
    deleted = listed(action.text("delete"))
    if not options and not deleted:
        raise ApiError(500, "no options specified")
    present = {name: guest.config[name] for name in deleted if name in guest.config and not drives.is_mount(name)}
    rights.may_set_container(action, guest.vm_id, None, options | present, before=guest.config)
    guest.unlocked()
    for name in deleted:
        if name in guest.config and drives.is_mount(name):
            drives.remove(action.site, guest, name)
        guest.config.pop(name, None)
    assign(action.site, guest, options)
    guests.settle(guest)
    return None


def resize(action: Action) -> Json:
    """``PUT resize`` of ``rootfs`` or a mount point; never smaller."""
    guest, name = action.guest, action.word("disk")
    guest.unlocked()
    if name not in guest.config:
        raise ApiError(500, f"{name} does not exist")
    one = drives.drive(str(guest.config[name]))
    file = one.pop("file")
    action.need(f"/storage/{volumes.split(file)[0]}", "Datastore.AllocateSpace")
    size, now = wanted_size(action, guest, file), volumes.existing(action.site, guest.node, file)["size"]
    if size <= now:
        raise ApiError(500, "unable to shrink disk size" if size < now else "disk is already at specified size")

    def grow() -> None:
        volumes.grow(action.site, guest.node, file, size)
        guest.config[name] = joined(file, one | {"size": as_size(size)})
        guests.settle(guest)

    return action.begin("resize", guest.vm_id, grow)


def template(action: Action) -> Json:
    """``POST template``: at once."""
    guest = action.guest
    guest.unlocked()
    if guest.running:
        raise ApiError(500, "you can't convert a CT to template if the CT is running")
    guest.config["template"] = 1
    guests.settle(guest)
    return None


def interfaces(action: Action) -> Json:
    """``GET interfaces``: empty while it does not run."""
    return action.site.state.get(f"{action.guest.base}/interfaces", [])
