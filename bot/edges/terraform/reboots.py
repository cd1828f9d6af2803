"""Which arguments a running guest takes only after a restart.

In: a resource type and the arguments that change. Out: yes or no. Never: a guess for another provider's resources.

Source: ``rebootRequired`` in ``proxmoxtf/resource/vm/vm.go`` (vmUpdate), ``vm/disk/disk.go`` and
``container/container.go`` of bpg/terraform-provider-proxmox 0.111.1. There ``network_device`` is hot-plugged; another
``model`` is another card to the guest all the same, so it is named here. CPU and memory may be hot-plugged where the
machine says so (``hotplug``); that depends on the guest, so both count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_VM: Final = (
    "acpi", "kvm_arguments", "bios", "keyboard_layout", "machine", "tablet_device", "agent", "amd_sev", "audio_device",
    "boot_order", "cpu", "disk.aio", "disk.queues", "efi_disk", "tpm_state", "rng", "initialization", "hostpci", "numa",
    "usb", "memory", "network_device.model", "operating_system", "serial_device", "vga", "virtiofs", "scsi_hardware",
    "watchdog",
)  # fmt: skip
_CONTAINER: Final = (
    "console", "disk.mount_options", "environment_variables", "initialization", "memory", "device_passthrough", "idmap",
    "mount_point", "network_interface", "operating_system",
)  # fmt: skip
_TABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "proxmox_virtual_environment_vm": _VM,
    "proxmox_virtual_environment_container": _CONTAINER,
}
_PLACE: Final = re.compile(r"\[\d+\]")


def reboots(kind: str, changed: Iterable[str], before: Mapping[str, Any]) -> bool:
    """Whether an update restarts the guest; a template, or a guest that does not run, has nothing to restart."""
    if before.get("started") is False or before.get("template") is True:
        return False
    paths = [_PLACE.sub("", path) for path in changed]
    return any(path == key or path.startswith(f"{key}.") for path in paths for key in _TABLE.get(kind, ()))
