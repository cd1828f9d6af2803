"""The drives of a configuration: new disks, imports, cloud-init, CD-ROM, what becomes unused.

In: a property string as somebody sends it. Out: the string that Proxmox VE stores, with volumes made for it. Never: a
right checked here (see ``rights``).
"""

from __future__ import annotations

import re
from typing import Any, Final

from bot.emulators.proxmox import volumes
from bot.emulators.proxmox.answers import ApiError, wrong_parameters
from bot.emulators.proxmox.site import GIB, Guest, Site
from bot.emulators.proxmox.values import as_size, in_bytes, in_gigabytes, joined, parts

_DRIVE: Final = re.compile(r"(?:(?:ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0)", re.ASCII)
_MOUNT: Final = re.compile(r"(?:rootfs|mp\d+)", re.ASCII)
_NEW: Final = re.compile(r"(?:([^/:\s]+):)?(\d+(?:\.\d+)?)", re.ASCII)
_IMAGE_BYTES: Final = 2 * GIB
_SMALL: Final = {"efidisk0": 4 * 1024**2, "tpmstate0": 4 * 1024**2}


def is_drive(name: str) -> bool:
    """True for an option that names a drive of a virtual machine."""
    return _DRIVE.fullmatch(name) is not None


def is_mount(name: str) -> bool:
    """True for ``rootfs`` and the mount points of a container."""
    return _MOUNT.fullmatch(name) is not None


def drive(text: str) -> dict[str, str]:
    """The parts of a drive; its volume stands under ``file``."""
    found = parts(text, "file")
    return found | ({"file": found.pop("volume")} if "volume" in found else {})


def new_disk(text: str) -> tuple[str, int] | None:
    """Store and bytes of ``STORE:GIB``, or None when the text names a volume."""
    match = _NEW.fullmatch(text)
    if match is None:
        return None
    if match[1] is None:
        raise ApiError(500, "no storage ID specified (and no default storage)")
    return match[1], in_gigabytes(match[2])


def is_cdrom(one: dict[str, str]) -> bool:
    """True for optical drives, cloud-init included."""
    return one.get("media") == "cdrom" or one.get("file") in {"none", "cdrom"} or is_cloud_init(one)


def is_cloud_init(one: dict[str, str]) -> bool:
    """True for a cloud-init drive, asked for or made."""
    file = one.get("file", "")
    return file.endswith(":cloudinit") or re.search(r"vm-\d+-cloudinit", file) is not None


def verify(options: dict[str, Any]) -> None:
    """The checks on drive options that need no cluster. Raises ApiError(400)."""
    for name in filter(is_drive, options):
        one = drive(str(options[name]))
        if "file" not in one:
            raise wrong_parameters({name: "unable to parse drive options"})
        wanted = new_disk(one["file"])
        if "import-from" in one and (wanted is None or wanted[1] != 0):
            words = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
            raise wrong_parameters({name: words})
        if wanted is None and ":iso/" in one["file"] and one.get("media") != "cdrom":
            raise wrong_parameters({name: "explicit 'media=cdrom' is required for iso images"})


def put(site: Site, guest: Guest, name: str, text: str) -> str:
    """The stored form of a drive that is set on a guest; makes, imports or checks its volume."""
    one = drive(text)
    rest = {key: value for key, value in one.items() if key not in {"file", "format", "import-from"}}
    file = one["file"]
    wanted = None if is_cdrom(one) else new_disk(file)
    if file in {"none", "cdrom"}:
        return joined(file, rest)
    if file.endswith(":cloudinit"):
        return _put_cloud_init(site, guest, name, file.removesuffix(":cloudinit"), one)
    if wanted is not None:
        volume, size = _make(site, guest, name, wanted, one)
        return joined(volume, rest | {"size": as_size(size)})
    return joined(file, rest | _known_size(site, guest, name, file, rest))


def _make(site: Site, guest: Guest, name: str, wanted: tuple[str, int], one: dict[str, str]) -> tuple[str, int]:
    store, size = wanted
    if "import-from" in one:
        volumes.existing(site, guest.node, one["import-from"])
        size = site.image_sizes.get(one["import-from"], _IMAGE_BYTES)
        if one["import-from"] in site.images_with_agent:
            site.agents.add(guest.vm_id)
    size = _SMALL.get(name, size)
    return volumes.allocate(site, guest.node, store, guest.vm_id, size, form=one.get("format")), size


def _put_cloud_init(site: Site, guest: Guest, name: str, store: str, one: dict[str, str]) -> str:
    attached = next((key for key in guest.config if is_drive(key) and is_cloud_init(drive(guest.config[key]))), None)
    if attached is not None:
        raise ApiError(500, f"{name} - cloud-init drive is already attached at '{attached}'")
    volume = volumes.cloud_init(site, guest.node, store, guest.vm_id, one.get("format"))
    return joined(volume, {"media": "cdrom", "size": as_size(volumes.CLOUD_INIT_BYTES)})


def _known_size(site: Site, guest: Guest, name: str, file: str, rest: dict[str, str]) -> dict[str, str]:
    """The size that is stored for a volume that exists: as sent for one that was there, else measured."""
    before = drive(str(guest.config.get(name, "")))
    if before.get("file") == file and "size" in rest:
        volumes.existing(site, guest.node, file)
        return {}
    return {"size": as_size(volumes.existing(site, guest.node, file)["size"])}


def remove(site: Site, guest: Guest, name: str) -> None:
    """Take an option that holds a volume out of a configuration: disks become unused, drafts and unused ones go."""
    one = drive(str(guest.config.pop(name)))
    file = one.get("file", "")
    if ":" not in file or (is_cdrom(one) and not is_cloud_init(one)):
        return
    if name.startswith("unused") or is_cloud_init(one):
        volumes.free(site, guest.node, file)
    else:
        unused = next(f"unused{place}" for place in range(256) if f"unused{place}" not in guest.config)
        guest.config[unused] = file
    _unboot(guest, name)


def _unboot(guest: Guest, name: str) -> None:
    order = parts(str(guest.config.get("boot", "")), "legacy").get("order")
    if order is not None:
        guest.config["boot"] = "order=" + ";".join(one for one in order.split(";") if one != name)


def replaced(site: Site, guest: Guest, name: str, text: str) -> None:
    """Before a drive takes another volume: the one it holds becomes unused, or goes when it is a cloud-init drive."""
    before = drive(str(guest.config.get(name, "")))
    after = drive(text)
    if before.get("file") and before["file"] != after.get("file"):
        order = guest.config.get("boot")
        remove(site, guest, name)
        if order is not None:
            guest.config["boot"] = order


def held(config: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Every option of a configuration that holds a volume of the guest's own, with its parts."""
    names = [name for name in config if is_drive(name) or is_mount(name) or name.startswith("unused")]
    found = {name: drive(str(config[name])) for name in names}
    return {name: one for name, one in found.items() if ":" in one.get("file", "") and not _foreign(one)}


def _foreign(one: dict[str, str]) -> bool:
    return is_cdrom(one) and not is_cloud_init(one)


def boot_bytes(config: dict[str, Any]) -> int:
    """The size that the overview shows: of the first disk, or of ``rootfs``."""
    disks = [name for name in config if (is_drive(name) or name == "rootfs") and name not in _SMALL]
    order = parts(str(config.get("boot", "")), "legacy").get("order", "").split(";")
    for name in [*(one for one in order if one in disks), *sorted(disks)]:
        one = drive(str(config[name]))
        if not is_cdrom(one) and "size" in one:
            return in_bytes(one["size"])
    return 0
