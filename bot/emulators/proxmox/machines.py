"""Virtual machines: create, change, resize, templates.

In: actions on ``/nodes/{node}/qemu``. Out: configurations as Proxmox VE stores them, volumes, UPIDs. Never: a runtime
value in a configuration.
"""

from __future__ import annotations

import re
from typing import Any, Final

from bot.emulators.proxmox import drives, guests, power, rights, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, wrong_parameters
from bot.emulators.proxmox.site import Guest, Site
from bot.emulators.proxmox.values import as_size, hardware_address, in_bytes, joined, listed, parts, unique_id

_MODELS: Final = frozenset({"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"})
_NOT_STORED: Final = (
    "pool", "storage", "start", "unique", "bwlimit", "force", "archive", "live-restore", "ha-managed",
    "import-working-storage", "digest", "skiplock", "delete", "revert", "background_delay",
)  # fmt: skip


def interface(site: Site, vm_id: int, name: str, text: str) -> str:
    """The stored form of a network interface: model and address first, an address made where none is given."""
    one = parts(text, "model")
    model = one.pop("model", None)
    address = one.pop("macaddr", None)
    for known in _MODELS & one.keys():
        model, address = known, one.pop(known)
    if model in _MODELS or model is None:
        prefix = site.state.get("cluster/options", {}).get("mac_prefix", "BC:24:11")
        address = (address or hardware_address(prefix, vm_id, int(name.removeprefix("net")))).upper()
        return joined(f"{model or 'virtio'}={address}", one)
    raise wrong_parameters({name: f"invalid format - unknown model '{model}'"})


def create(action: Action) -> Json:
    """``POST /nodes/{node}/qemu``."""
    site, vm_id, pool = action.site, action.number("vmid"), action.text("pool")
    options = action.options(*_NOT_STORED) | {}
    options.pop("vmid", None)
    rights.may_allocate(action, vm_id, pool)
    if action.flag("start"):
        action.need_on_guest(vm_id, pool, "VM.PowerMgmt")
    drives.verify(options)
    rights.may_use_stores(action, vm_id, options)
    rights.may_set(action, vm_id, pool, options)
    rights.may_use_devices(action, vm_id, pool, options)
    rights.may_use_bridges(action, options)
    identity = {"vmgenid": unique_id("generation", vm_id), "smbios1": f"uuid={unique_id('smbios', vm_id)}"}
    clock = int(site.tasks.clock())
    guest = guests.born(site, Guest(site.state, "qemu", action.node, vm_id), {"lock": "create"}, pool)
    stamp = {"meta": f"creation-qemu=10.1.2,ctime={clock}"}
    work = _Creation(action, guest, identity | stamp | options)
    store = next((store for text in map(str, options.values()) if (store := _store_of(text))), None)
    return action.begin("qmcreate", vm_id, work.done, undo=work.undone, store=store)


def _store_of(text: str) -> str | None:
    match = re.match(r"(?:file=)?([A-Za-z][\w.-]*):", text)
    return match[1] if match else None


class _Creation:
    """The work of ``qmcreate`` and how to take it back."""

    def __init__(self, action: Action, guest: Guest, options: dict[str, Any]) -> None:
        self.action, self.guest, self.options = action, guest, options

    def done(self) -> None:
        config = self.guest.config
        assign(self.action.site, self.guest, self.options)
        if "boot" not in config:
            disks = [name for name in ("scsi0", "virtio0", "sata0", "ide0", "ide2", "net0") if name in config]
            config["boot"] = "order=" + ";".join(disks)
        guests.unlock(self.guest)
        if self.action.flag("start"):
            power.started(self.action.site, self.guest)

    def undone(self) -> None:
        guests.gone(self.action.site, self.guest)


def assign(site: Site, guest: Guest, options: dict[str, Any]) -> None:
    """Store options in a configuration: drives get volumes, interfaces addresses."""
    guests.tidy_tags(options)
    for name, value in options.items():
        if drives.is_drive(name):
            drives.replaced(site, guest, name, str(value))
            guest.config[name] = drives.put(site, guest, name, str(value))
        elif re.fullmatch(r"net\d+", name):
            guest.config[name] = interface(site, guest.vm_id, name, str(value))
        else:
            guest.config[name] = "**********" if name == "cipassword" else value


def update(action: Action) -> Json:
    """``PUT config``: at once."""
    _checked(action)
    _change(action)
    return None


def update_later(action: Action) -> Json:
    """``POST config``: the same as a task."""
    _checked(action)
    guest = action.guest
    return action.begin("qmconfig", guest.vm_id, lambda: _change(action))


def _checked(action: Action) -> None:
    guest, options = action.guest, action.options(*_NOT_STORED)
    deleted = listed(action.text("delete"))
    if not options and not deleted:
        raise ApiError(500, "no options specified")
    both = [name for name in deleted if name in options]
    if both:
        raise wrong_parameters({"delete": f"you can't use '-{both[0]}' and -delete {both[0]}' at the same time"})
    drives.verify(options)
    rights.may_set(action, guest.vm_id, None, [*deleted, *options])
    rights.may_use_stores(action, guest.vm_id, options)
    rights.may_use_bridges(action, options)
    if action.text("digest") not in {None, guest.config.get("digest")}:
        raise ApiError(500, "checksum mismatch (file change by other user?)")
    guest.unlocked()
    _may_balloon(guest, options)
    _may_change_drives(action, guest, options, deleted)


def _may_balloon(guest: Guest, options: dict[str, Any]) -> None:
    memory = int(str(options.get("memory", guest.config.get("memory", 512))).removeprefix("current="))
    if int(options.get("balloon", 0)) > memory:
        raise ApiError(500, "balloon value too large (must be smaller than assigned memory)")


def _may_change_drives(action: Action, guest: Guest, options: dict[str, Any], deleted: list[str]) -> None:
    present = {name: str(guest.config[name]) for name in deleted if name in guest.config}
    for name, text in present.items():
        if drives.is_drive(name) or name.startswith("unused"):
            guest.unprotected(f"can't remove drive '{name}'")
            rights.may_change_drive(action, guest.vm_id, text)
    for name, value in options.items():
        if drives.is_drive(name):
            for text in filter(None, (guest.config.get(name), value)):
                rights.may_change_drive(action, guest.vm_id, str(text))
    rights.may_use_bridges(action, {name: text for name, text in present.items() if name.startswith("net")})
    rights.may_use_devices(action, guest.vm_id, None, present)
    rights.may_use_devices(action, guest.vm_id, None, options)


def _change(action: Action) -> None:
    guest = action.guest
    for name in listed(action.text("delete")):
        if name not in guest.config:
            continue
        if drives.is_drive(name) or name.startswith("unused"):
            drives.remove(action.site, guest, name)
        else:
            del guest.config[name]
    assign(action.site, guest, action.options(*_NOT_STORED))
    guests.settle(guest)


def resize(action: Action) -> Json:
    """``PUT resize``: to a size, or by ``+`` more; never smaller."""
    guest, name = action.guest, action.word("disk")
    guest.unlocked()
    if name not in guest.config:
        raise ApiError(500, f"disk '{name}' does not exist")
    one = drives.drive(str(guest.config[name]))
    if drives.is_cdrom(one):
        raise ApiError(500, "you can't resize a cdrom")
    action.need(f"/storage/{volumes.split(one['file'])[0]}", "Datastore.AllocateSpace")
    size = wanted_size(action, guest, one["file"])
    if size < volumes.existing(action.site, guest.node, one["file"])["size"]:
        raise ApiError(500, "shrinking disks is not supported")
    return action.begin("resize", guest.vm_id, lambda: _grow(action, guest, name, size))


def wanted_size(action: Action, guest: Guest, volume: str) -> int:
    """Bytes that ``size`` asks for."""
    text = action.word("size")
    now = volumes.existing(action.site, guest.node, volume)["size"]
    return int(in_bytes(text.removeprefix("+")) + (now if text.startswith("+") else 0))


def _grow(action: Action, guest: Guest, name: str, size: int) -> None:
    one = drives.drive(str(guest.config[name]))
    file = one.pop("file")
    volumes.grow(action.site, guest.node, file, size)
    guest.config[name] = joined(file, one | {"size": as_size(size)})
    guests.settle(guest)


def move_disk(action: Action) -> Json:
    """``POST move_disk`` to another store; ``delete`` frees the old volume, else it becomes unused."""
    guest, name, target = action.guest, action.word("disk"), action.word("storage")
    action.need(f"/storage/{target}", "Datastore.AllocateSpace")
    guest.unlocked()
    if name not in guest.config:
        raise ApiError(500, f"disk '{name}' does not exist")
    one = drives.drive(str(guest.config[name]))
    if volumes.split(one["file"])[0] == target:
        raise ApiError(500, "you can't move to the same storage with same format")
    return action.begin("qmmove", guest.vm_id, lambda: _move(action, guest, name, target), store=target)


def _move(action: Action, guest: Guest, name: str, target: str) -> None:
    site = action.site
    one = drives.drive(str(guest.config[name]))
    old = volumes.existing(site, guest.node, one.pop("file"))
    volume = volumes.allocate(site, guest.node, target, guest.vm_id, old["size"], form=action.text("format"))
    drives.remove(site, guest, name)
    guest.config[name] = joined(volume, one)
    if action.flag("delete"):
        unused = next(key for key, value in guest.config.items() if key.startswith("unused") and value == old["volid"])
        drives.remove(site, guest, unused)
    guests.settle(guest)


def template(action: Action) -> Json:
    """``POST template``: a stopped guest becomes one."""
    guest = action.guest
    guest.unlocked()
    if guest.config.get("template"):
        raise ApiError(500, "you can't convert a template to a template")
    if guest.running:
        raise ApiError(500, "you can't convert a VM to template if VM is running")
    return action.begin("qmtemplate", guest.vm_id, lambda: _freeze(guest))


def _freeze(guest: Guest) -> None:
    guest.config["template"] = 1
    guests.settle(guest)


def rebuild_cloud_init(action: Action) -> Json:
    """``PUT cloudinit``: there must be such a drive."""
    guest = action.guest
    if not any(
        drives.is_drive(name) and drives.is_cloud_init(drives.drive(str(text))) for name, text in guest.config.items()
    ):
        raise ApiError(500, "No Cloudinit Drive")
