# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless["api-1"]
  to   = proxmox_virtual_environment_vm.stateless_ha["api-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["api-2"]
  to   = proxmox_virtual_environment_vm.stateless_ha["api-2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["store"]
  to   = proxmox_virtual_environment_vm.stateless_ha["store"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["store"]
  to   = proxmox_virtual_environment_vm.stateful["store"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful["store"]
  to   = proxmox_virtual_environment_vm.stateful_ha["store"]
}
