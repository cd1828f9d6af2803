# Made by ai-provision. These machines exist; Terraform takes them over instead of making them.

import {
  to = proxmox_virtual_environment_vm.adopted["legacy"]
  id = "pve1/160"
}

import {
  to = proxmox_virtual_environment_container.adopted["legacy-ct"]
  id = "pve1/161"
}
