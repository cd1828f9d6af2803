# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["supermarket-db-1"]
  to   = proxmox_virtual_environment_vm.stateless["supermarket-db-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["supermarket-db-1"]
  to   = proxmox_virtual_environment_vm.stateful_ha["supermarket-db-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful_ha["supermarket-db-1"]
  to   = proxmox_virtual_environment_vm.stateful["supermarket-db-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["supermarket-db-2"]
  to   = proxmox_virtual_environment_vm.stateless["supermarket-db-2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["supermarket-db-2"]
  to   = proxmox_virtual_environment_vm.stateful_ha["supermarket-db-2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful_ha["supermarket-db-2"]
  to   = proxmox_virtual_environment_vm.stateful["supermarket-db-2"]
}
