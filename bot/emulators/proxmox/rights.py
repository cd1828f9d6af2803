"""Rights that Proxmox VE checks in code, because they depend on what an option says.

In: an action and the options it sets or deletes. Out: nothing, or 403 with path and privilege. Never: a right that the
schema's own expression checks already. After ``PVE::API2::Qemu`` and ``PVE::LXC`` of qemu-server 9.2.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bot.emulators.proxmox import drives, volumes
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, denied, wrong_parameters
from bot.emulators.proxmox.site import Site
from bot.emulators.proxmox.values import parts

_BY_OPTION: Final[Mapping[str, str]] = {
    **dict.fromkeys(("cores", "cpu", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus"), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "balloon", "shares", "allow-ksm"), "VM.Config.Memory"),
    **dict.fromkeys(
        ("acpi", "hotplug", "kvm", "machine", "scsihw", "smbios1", "tablet", "vga", "watchdog", "audio0", "rng0"),
        "VM.Config.HWType",
    ),
    **dict.fromkeys(
        ("agent", "autostart", "bios", "description", "keyboard", "localtime", "migrate_downtime", "migrate_speed",
         "name", "onboot", "ostype", "protection", "reboot", "startdate", "startup", "tdf", "template"),
        "VM.Config.Options",
    ),
    **dict.fromkeys(("boot", "bootdisk", "vmstatestorage"), "VM.Config.Disk"),
    "freeze": "VM.PowerMgmt",
}  # fmt: skip
_CLOUD_INIT: Final = frozenset(
    {"cicustom", "cipassword", "citype", "ciuser", "ciupgrade", "nameserver", "searchdomain", "sshkeys"}
)
_BY_VALUE: Final = re.compile(r"(?:(?:unused|serial|usb|hostpci|virtiofs)\d+|tags|cdrom|digest)", re.ASCII)
_BY_CONTAINER_OPTION: Final[Mapping[str, str]] = {
    **dict.fromkeys(("cores", "cpuunits", "cpulimit"), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "swap"), "VM.Config.Memory"),
    **dict.fromkeys(("nameserver", "searchdomain", "hostname"), "VM.Config.Network"),
}


def may_set(action: Action, vm_id: int, pool: str | None, names: Iterable[str]) -> None:
    """Options of a virtual machine whose right depends on their name alone."""
    for name in names:
        if drives.is_drive(name) or _BY_VALUE.fullmatch(name):
            continue
        if name in _BY_OPTION or re.fullmatch(r"numa\d+", name):
            action.need_on_guest(vm_id, pool, _BY_OPTION.get(name, "VM.Config.CPU"))
            if name == "startup":
                action.need("/", "Sys.Modify")
        elif re.fullmatch(r"net\d+", name):
            action.need_on_guest(vm_id, pool, "VM.Config.Network")
        elif name in _CLOUD_INIT or re.fullmatch(r"ipconfig\d+", name):
            action.need_on_guest(vm_id, pool, "VM.Config.Cloudinit", "VM.Config.Network")
        else:
            action.root(f"only root can set '{name}' config")


def may_use_devices(action: Action, vm_id: int, pool: str | None, options: Mapping[str, Any]) -> None:
    """Serial ports, USB and PCI devices: real ones for root alone, mapped ones by their mapping."""
    for name, value in options.items():
        if re.fullmatch(r"serial\d+", name):
            if value != "socket":
                action.root(f"only root can set '{name}' config for real devices")
            action.need_on_guest(vm_id, pool, "VM.Config.HWType")
        elif re.fullmatch(r"(?:usb|hostpci)\d+", name):
            _may_map(action, vm_id, pool, name, str(value))


def _may_map(action: Action, vm_id: int, pool: str | None, name: str, value: str) -> None:
    device = parts(value, "host")
    kind = "usb" if name.startswith("usb") else "pci"
    if "mapping" in device:
        action.need(f"/mapping/{kind}/{device['mapping']}", "Mapping.Use")
        rows = action.site.rows(f"cluster/mapping/{kind}")
        if device["mapping"] not in {row["id"] for row in rows}:
            raise ApiError(500, f"PCI device mapping not found for '{device['mapping']}'")
    elif device.get("host") != "spice":
        action.root(f"only root can set '{name}' config for non-mapped devices")
    action.need_on_guest(vm_id, pool, "VM.Config.HWType")


def may_use_stores(action: Action, vm_id: int, options: Mapping[str, Any]) -> None:
    """Stores and volumes that the drives of a virtual machine name."""
    for name in filter(drives.is_drive, options):
        one = drives.drive(str(options[name]))
        file = one["file"]
        if file == "none" or drives.is_cloud_init(one):
            continue
        wanted = None if drives.is_cdrom(one) else drives.new_disk(file)
        if file == "cdrom":
            action.need("/", "Sys.Console")
        elif wanted is not None:
            action.need(f"/storage/{wanted[0]}", "Datastore.AllocateSpace")
            volumes.usable(action.site, action.node, wanted[0], "images")
        else:
            may_use_volume(action, vm_id, file)
        if "import-from" in one:
            _may_import(action, vm_id, name, one["import-from"])


def _may_import(action: Action, vm_id: int, name: str, source: str) -> None:
    if ":" not in source:
        action.root("Only root can pass arbitrary filesystem paths.")
    kind, owner = volumes.kind_of(source), volumes.owner(source)
    if kind not in {"images", "import"}:
        raise wrong_parameters({name: f"{source} has wrong type '{kind}' - needs to be 'images' or 'import'"})
    if owner is not None:
        action.need(f"/vms/{owner}", "VM.Clone")
    else:
        may_use_volume(action, vm_id, source)


def may_use_volume(action: Action, vm_id: int | None, volume: str) -> None:
    """Files by the right to see their store, disks of the guest itself always (PVE::Storage::check_volume_access)."""
    if ":" not in volume:
        action.root("Only root can pass arbitrary filesystem paths.")
    name = volumes.split(volume)[0]
    volumes.store(action.site, action.node, name)
    owner = volumes.owner(volume)
    if owner is not None and owner == vm_id:
        return
    action.need(f"/storage/{name}", "Datastore.AllocateSpace", "Datastore.Audit")
    if owner is not None:
        action.need(f"/vms/{owner}", "VM.Config.Disk")


def may_change_drive(action: Action, vm_id: int, text: str) -> None:
    """A drive that a configuration has or gets."""
    one = drives.drive(text)
    if drives.is_cloud_init(one):
        action.need(f"/vms/{vm_id}", "VM.Config.Cloudinit")
        action.need(f"/vms/{vm_id}", "VM.Config.CDROM")
    else:
        action.need(f"/vms/{vm_id}", "VM.Config.CDROM" if drives.is_cdrom(one) else "VM.Config.Disk")


def may_use_bridges(action: Action, options: Mapping[str, Any]) -> None:
    """Bridges, vnets and VLANs of network interfaces: SDN.Use on each, and each must be there."""
    for name, value in options.items():
        if re.fullmatch(r"net\d+", name):
            one = parts(str(value), "model")
            if "bridge" in one:
                may_use_bridge(action, one["bridge"], one.get("tag"))


def may_use_bridge(action: Action, bridge: str, tag: str | None) -> None:
    """SDN.Use on ``/sdn/zones/{zone}/{bridge}[/{tag}]``; ``localnetwork`` is the zone of plain bridges."""
    zones = {row["vnet"]: row["zone"] for row in action.rows("cluster/sdn/vnets")}
    path = f"/sdn/zones/{zones.get(bridge, 'localnetwork')}/{bridge}"
    action.need(f"{path}/{tag}" if tag else path, "SDN.Use")


def may_clone_to(action: Action, config: Mapping[str, Any], store: str | None) -> bool:
    """AllocateSpace on the store of each disk's copy; returns True when every volume lies on shared stores."""
    shared = True
    for name, one in drives.held(dict(config)).items():
        if name.startswith("unused"):
            continue
        home = volumes.split(one["file"])[0]
        shared = shared and bool(volumes.store(action.site, action.node, home).get("shared"))
        if not drives.is_cloud_init(one):
            action.need(f"/storage/{store or home}", "Datastore.AllocateSpace")
    return shared


def may_set_container(
    action: Action, vm_id: int, pool: str | None, options: Mapping[str, Any], *, before: Mapping[str, Any]
) -> None:
    """Options of a container (PVE::LXC::check_ct_modify_config_perm)."""
    unprivileged = bool(before.get("unprivileged", options.get("unprivileged")))
    for name, value in options.items():
        if drives.is_mount(name):
            _may_mount(action, vm_id, pool, str(value))
        elif re.fullmatch(r"net\d+", name):
            action.need_on_guest(vm_id, pool, "VM.Config.Network")
            one = parts(str(value), "name")
            if "bridge" in one:
                may_use_bridge(action, one["bridge"], one.get("tag"))
        elif name == "features":
            changed = _changed(str(before.get("features", "")), str(value))
            _may_set_features(action, vm_id, pool, changed, unprivileged=unprivileged)
        elif name == "hookscript" or re.fullmatch(r"dev\d+", name):
            action.root(f"changing '{name}' is only allowed for root@pam")
        elif name != "tags":
            action.need_on_guest(vm_id, pool, _BY_CONTAINER_OPTION.get(name, "VM.Config.Options"))


def _may_mount(action: Action, vm_id: int, pool: str | None, value: str) -> None:
    action.need_on_guest(vm_id, pool, "VM.Config.Disk")
    one = drives.drive(value)
    wanted = drives.new_disk(one["file"])
    if wanted is not None:
        action.need(f"/storage/{wanted[0]}", "Datastore.AllocateSpace")
    elif one["file"].startswith("/"):
        raise denied("mount point type bind is only allowed for root@pam")
    else:
        may_use_volume(action, vm_id, one["file"])


def _changed(before: str, after: str) -> set[str]:
    """The features that differ."""
    old, new = parts(before, "nesting"), parts(after, "nesting")
    return {name for name in old.keys() | new.keys() if old.get(name, "") != new.get(name, "")}


def _may_set_features(action: Action, vm_id: int, pool: str | None, changed: set[str], *, unprivileged: bool) -> None:
    if action.auth == "root@pam":
        return
    if not unprivileged:
        raise denied("changing feature flags for privileged container is only allowed for root@pam")
    if changed - {"nesting"}:
        raise denied("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        action.need_on_guest(vm_id, pool, "VM.Allocate")


def may_allocate(action: Action, vm_id: int, pool: str | None) -> None:
    """VM.Allocate on the new guest or on its pool; the pool must be there."""
    if pool is not None and pool not in {row["poolid"] for row in action.site.rows("pools")}:
        raise ApiError(500, f"pool '{pool}' does not exist")
    action.need_on_guest(vm_id, pool, "VM.Allocate")


def bridges_there(site: Site, node: str, options: Mapping[str, Any]) -> None:
    """Every bridge of an interface must be on the node, and carry the VLAN. Raises ApiError(500)."""
    known = {row["iface"]: row for row in site.rows(f"nodes/{node}/network")}
    for name in options:
        if not re.fullmatch(r"net\d+", name):
            continue
        one = parts(str(options[name]), "model")
        bridge, tag = one.get("bridge"), one.get("tag")
        if bridge is None:
            continue
        if bridge not in known:
            raise ApiError(500, f"bridge '{bridge}' does not exist")
        if tag is not None and not _carries(known[bridge], int(tag)):
            raise ApiError(500, f"vlan '{tag}' is not allowed on bridge '{bridge}'")


def _carries(row: Mapping[str, Any], tag: int) -> bool:
    if row["type"] == "vnet" or not row.get("bridge_vlan_aware"):
        return bool(row["type"] != "vnet")
    for span in str(row.get("bridge_vids", "2-4094")).replace(",", " ").split():
        low, _, high = span.partition("-")
        if int(low) <= tag <= int(high or low):
            return True
    return False
