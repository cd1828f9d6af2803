"""Small configurations of machines, images and containers.

In: what shall differ. Out: HCL. Never: what the product renders; that has tests of its own.
"""

from __future__ import annotations

IMAGE = "https://cloud.example/images/noble.qcow2"


def machine(
    name: str = "web",
    *,
    vm_id: int = 500,
    node: str = "pve1",
    template: int | None = 9000,
    home: str = "pve1",
    store: str = "nas",
    cores: int = 2,
    size: int = 20,
    address: str = "10.20.0.150/24",
    extra: str = "",
    disks: str = "",
    agent: bool = True,
) -> str:
    """A virtual machine with cloud-init; a clone, or without a template from what ``extra`` says."""
    clone = f'clone {{\n    vm_id = {template}\n    node_name = "{home}"\n    full = true\n    retries = 3\n  }}'
    gateway = "" if address == "dhcp" else 'gateway = "10.20.0.1"'
    disk = f"""disk {{
    interface    = "scsi0"
    datastore_id = "{store}"
    size         = {size}
    discard      = "on"
    iothread     = true
    ssd          = true
    cache        = "none"
    aio          = "io_uring"
  }}"""
    return f"""
resource "proxmox_virtual_environment_vm" "{name}" {{
  name            = "{name}"
  node_name       = "{node}"
  vm_id           = {vm_id}
  pool_id         = "shop"
  description     = "a web server"
  tags            = ["ai-provision", "web"]
  started         = true
  on_boot         = true
  stop_on_destroy = true
  scsi_hardware   = "virtio-scsi-single"
  reboot_after_update = true
  {clone if template is not None else ""}
  cpu {{
    cores = {cores}
    type  = "x86-64-v2-AES"
  }}
  memory {{
    dedicated = 2048
  }}
  agent {{
    enabled = {str(agent).lower()}
    timeout = "30s"
  }}
  {disk if template is not None else ""}
  {disks}
  network_device {{
    bridge  = "vmbr0"
    vlan_id = 20
  }}
  initialization {{
    datastore_id = "{store}"
    ip_config {{
      ipv4 {{
        address = "{address}"
        {gateway}
      }}
    }}
    dns {{
      servers = ["10.20.0.53"]
      domain  = "shop.example"
    }}
    user_account {{
      username = "ops"
      keys     = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFrZWtleWZha2VrZXlmYWtla2V5ZmFrZWtleWZha2Vr ops@example"]
    }}
  }}
  operating_system {{
    type = "l26"
  }}
  serial_device {{
    device = "socket"
  }}
  {extra}
}}
"""


DATA_DISK = """disk {
    interface    = "scsi1"
    datastore_id = "nas"
    size         = %d
    iothread     = true
    discard      = "on"
  }"""

DOWNLOAD = f"""
resource "proxmox_download_file" "noble" {{
  content_type = "import"
  datastore_id = "nas"
  node_name    = "pve1"
  url          = "{IMAGE}"
  file_name    = "noble-server.qcow2"
  overwrite    = false
}}
"""


def imported(cores: int = 2, size: int = 20) -> str:
    """A machine from a downloaded cloud image."""
    disk = f"""disk {{
    interface    = "scsi0"
    datastore_id = "local-lvm"
    import_from  = proxmox_download_file.noble.id
    size         = {size}
    discard      = "on"
    iothread     = true
    ssd          = true
  }}
  boot_order = ["scsi0"]"""
    return DOWNLOAD + machine("imp", vm_id=510, template=None, store="local-lvm", cores=cores, disks=disk, agent=False)


def from_iso(cores: int = 2) -> str:
    """An empty disk and an installer."""
    return f"""
resource "proxmox_virtual_environment_vm" "iso" {{
  name            = "iso"
  node_name       = "pve1"
  vm_id           = 520
  pool_id         = "shop"
  started         = true
  stop_on_destroy = true
  boot_order      = ["scsi0", "ide3"]
  cpu {{
    cores = {cores}
    type  = "x86-64-v2-AES"
  }}
  memory {{
    dedicated = 2048
  }}
  cdrom {{
    file_id   = "local:iso/debian-12.11.0-amd64-netinst.iso"
    interface = "ide3"
  }}
  disk {{
    interface    = "scsi0"
    datastore_id = "local-lvm"
    size         = 16
  }}
  network_device {{
    bridge = "vmbr0"
  }}
  operating_system {{
    type = "l26"
  }}
}}
"""


def container(cores: int = 1, size: int = 8) -> str:
    """A container with a static address."""
    return f"""
resource "proxmox_virtual_environment_container" "dns" {{
  node_name    = "pve2"
  vm_id        = 530
  pool_id      = "shop"
  description  = "a resolver"
  tags         = ["ai-provision"]
  started      = true
  unprivileged = true
  features {{
    nesting = true
  }}
  cpu {{
    cores = {cores}
  }}
  memory {{
    dedicated = 512
    swap      = 0
  }}
  disk {{
    datastore_id = "local-lvm"
    size         = {size}
  }}
  network_interface {{
    name    = "eth0"
    bridge  = "vmbr0"
    vlan_id = 20
  }}
  operating_system {{
    template_file_id = "nas:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
    type             = "debian"
  }}
  initialization {{
    hostname = "resolver"
    ip_config {{
      ipv4 {{
        address = "10.20.0.160/24"
        gateway = "10.20.0.1"
      }}
    }}
    user_account {{
      keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFrZWtleWZha2VrZXlmYWtla2V5ZmFrZWtleWZha2Vr ops@example"]
    }}
  }}
}}
"""
