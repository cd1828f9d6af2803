# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["postgresql"]
  to   = proxmox_virtual_environment_vm.stateless["postgresql"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["postgresql"]
  to   = proxmox_virtual_environment_vm.stateful_ha["postgresql"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful_ha["postgresql"]
  to   = proxmox_virtual_environment_vm.stateful["postgresql"]
}
