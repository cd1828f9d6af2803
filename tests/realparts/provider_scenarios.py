"""One small configuration per kind of resource: as first applied, and as changed.

In: nothing. Out: ``SCENARIOS``. Never: what the product renders; that has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.emulators.proxmox.presets import Grant, backup_grants, ha_grants
from tests.realparts.provider_hcl import DATA_DISK, container, from_iso, imported, machine
from tests.realparts.provider_scene import cluster


@dataclass(frozen=True)
class Scenario:
    """``second`` is the changed configuration, ``grants`` what the token needs beside the apply role."""

    first: str
    second: str | None = None
    grants: tuple[Grant, ...] = ()
    version: str | None = None
    state: Callable[[], dict[str, Any]] = cluster

    @property
    def major(self) -> int:
        """The major version of Proxmox VE."""
        return int((self.version or "9").split(".")[0])


def pool(comment: str) -> str:
    """A pool of its own."""
    return f"""
resource "proxmox_virtual_environment_pool" "made" {{
  pool_id = "made"
  comment = "{comment}"
}}
"""


def available(comment: str = "kept up") -> str:
    """A machine under high availability with a rule, on 9."""
    return (
        machine(extra=IGNORED)
        + f"""
resource "proxmox_haresource" "web" {{
  resource_id = "vm:${{proxmox_virtual_environment_vm.web.vm_id}}"
  state       = "started"
  comment     = "{comment}"
}}
resource "proxmox_harule" "web" {{
  rule       = "web-on-big"
  type       = "node-affinity"
  resources  = [proxmox_haresource.web.resource_id]
  nodes      = {{ pve1 = 2, pve2 = 1 }}
  strict     = true
  comment    = "{comment}"
}}
"""
    )


def apart() -> str:
    """Two machines that high availability keeps apart."""
    both = machine("one", vm_id=501, address="10.20.0.151/24") + machine(
        "two", vm_id=502, node="pve2", address="10.20.0.152/24"
    )
    return (
        both
        + """
resource "proxmox_haresource" "one" {
  resource_id = "vm:${proxmox_virtual_environment_vm.one.vm_id}"
  state       = "started"
}
resource "proxmox_haresource" "two" {
  resource_id = "vm:${proxmox_virtual_environment_vm.two.vm_id}"
  state       = "started"
}
resource "proxmox_harule" "apart" {
  rule      = "apart"
  type      = "resource-affinity"
  affinity  = "negative"
  resources = [proxmox_haresource.one.resource_id, proxmox_haresource.two.resource_id]
}
"""
    )


IGNORED = "lifecycle { ignore_changes = [clone, node_name] }"


def grouped(comment: str = "kept up") -> str:
    """The same on 8: a group."""
    return (
        machine(extra=IGNORED)
        + f"""
resource "proxmox_hagroup" "web" {{
  group      = "web-group"
  nodes      = {{ pve1 = 2, pve2 = 1 }}
  restricted = true
  comment    = "{comment}"
}}
resource "proxmox_haresource" "web" {{
  resource_id = "vm:${{proxmox_virtual_environment_vm.web.vm_id}}"
  state       = "started"
  group       = proxmox_hagroup.web.group
}}
"""
    )


def guarded(port: int = 443) -> str:
    """Firewall options and rules of a machine."""
    return (
        machine()
        + f"""
resource "proxmox_virtual_environment_firewall_options" "web" {{
  node_name     = proxmox_virtual_environment_vm.web.node_name
  vm_id         = proxmox_virtual_environment_vm.web.vm_id
  enabled       = true
  input_policy  = "DROP"
  output_policy = "ACCEPT"
  dhcp          = true
  ipfilter      = false
  macfilter     = true
  ndp           = true
  radv          = false
  log_level_in  = "nolog"
  log_level_out = "nolog"
}}
resource "proxmox_virtual_environment_firewall_rules" "web" {{
  node_name = proxmox_virtual_environment_vm.web.node_name
  vm_id     = proxmox_virtual_environment_vm.web.vm_id
  rule {{
    type    = "in"
    action  = "ACCEPT"
    proto   = "tcp"
    dport   = "{port}"
    comment = "web"
  }}
  rule {{
    type    = "in"
    action  = "ACCEPT"
    proto   = "tcp"
    dport   = "22"
    source  = "10.20.0.0/24"
    comment = "ssh"
  }}
}}
"""
    )


def backed_up(keep: int = 7) -> str:
    """A backup job for a machine."""
    return (
        machine()
        + f"""
resource "proxmox_backup_job" "web" {{
  id            = "web-nightly"
  schedule      = "02:00"
  storage       = "nas"
  vmid          = [tostring(proxmox_virtual_environment_vm.web.vm_id)]
  mode          = "snapshot"
  compress      = "zstd"
  prune_backups = {{ keep-daily = "{keep}" }}
}}
"""
    )


def zfs() -> dict[str, Any]:
    """The cluster with a ZFS pool on every node, as replication needs."""
    state = cluster()
    size = 1000 * 1024**3
    shown = {"storage": "tank", "type": "zfspool", "content": "images,rootdir", "shared": 0, "active": 1, "enabled": 1}
    row = {"type": "storage", "storage": "tank", "plugintype": "zfspool", "content": "images,rootdir", "shared": 0}
    state["storage"].append({"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images,rootdir"})
    for node in ("pve1", "pve2", "pve3"):
        state[f"nodes/{node}/storage"].append(shown | {"total": size, "used": 0, "avail": size, "used_fraction": 0.0})
        space = {"node": node, "id": f"storage/{node}/tank", "disk": 0, "maxdisk": size, "status": "available"}
        state["cluster/resources"].append(row | space)
    return state


def replicated(schedule: str = "*/15") -> str:
    """A machine on ZFS whose disks are copied to another node."""
    return (
        machine(store="tank")
        + f"""
resource "proxmox_replication" "web" {{
  id       = "${{proxmox_virtual_environment_vm.web.vm_id}}-0"
  type     = "local"
  target   = "pve2"
  schedule = "{schedule}"
}}
"""
    )


def mapped(comment: str = "for models") -> str:
    """A PCI mapping of a GPU."""
    return f"""
resource "proxmox_hardware_mapping_pci" "gpu" {{
  name    = "gpu"
  comment = "{comment}"
  map = [{{
    node         = "pve1"
    path         = "0000:81:00.0"
    id           = "10de:2235"
    subsystem_id = "10de:145a"
    iommu_group  = 40
  }}]
}}
"""


ZFS_GRANT = Grant("/storage/tank", ("Datastore.AllocateSpace",))
IMAGE_OWNER = Grant("/storage/nas", ("Datastore.Allocate",))
"""What it takes to delete a downloaded image again; without it the image stays."""

SCENARIOS: dict[str, Scenario] = {
    "clone": Scenario(machine(), machine(cores=4, size=30)),
    "dhcp": Scenario(machine(address="dhcp"), machine(address="dhcp", cores=3)),
    "shared": Scenario(machine(node="pve2"), machine(node="pve2", cores=4, size=25)),
    "local": Scenario(
        machine(node="pve2", template=9001, store="local-lvm"),
        machine(node="pve2", template=9001, store="local-lvm", cores=4, size=25),
    ),
    "import": Scenario(imported(), imported(cores=3, size=25), grants=(IMAGE_OWNER,)),
    "iso": Scenario(from_iso(), from_iso(cores=3)),
    "container": Scenario(container(), container(cores=2, size=10)),
    "pool": Scenario(pool("first"), pool("second"), grants=(Grant("/pool/made", ("Pool.Allocate", "Pool.Audit")),)),
    "ha": Scenario(available(), available("kept up well"), grants=ha_grants()),
    "ha-apart": Scenario(apart(), grants=ha_grants()),
    "ha-groups": Scenario(grouped(), grouped("kept up well"), grants=ha_grants(), version="8.4.5"),
    "firewall": Scenario(guarded(), guarded(8443)),
    "backup": Scenario(backed_up(), backed_up(14), grants=backup_grants("nas")),
    "replication": Scenario(
        replicated(), replicated("*/30"), state=zfs, grants=(ZFS_GRANT, Grant("/pool/shop", ("VM.Replicate",)))
    ),
    "extra-disk": Scenario(machine(disks=DATA_DISK % 10), machine(disks=DATA_DISK % 15)),
    "mapping": Scenario(
        mapped(), mapped("for small models"), grants=(Grant("/mapping/pci", ("Mapping.Audit", "Mapping.Modify")),)
    ),
}
