# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["fresh"]
  to   = proxmox_virtual_environment_vm.stateless["fresh"]
}
