# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["lb"]
  to   = proxmox_virtual_environment_vm.stateless["lb"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["web-1"]
  to   = proxmox_virtual_environment_vm.stateless["web-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["web-2"]
  to   = proxmox_virtual_environment_vm.stateless["web-2"]
}
