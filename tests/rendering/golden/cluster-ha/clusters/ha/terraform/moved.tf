# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-control-plane-1"]
  to   = proxmox_virtual_environment_vm.stateless["ha-control-plane-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-control-plane-2"]
  to   = proxmox_virtual_environment_vm.stateless["ha-control-plane-2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-control-plane-3"]
  to   = proxmox_virtual_environment_vm.stateless["ha-control-plane-3"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-worker-1"]
  to   = proxmox_virtual_environment_vm.stateless["ha-worker-1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-worker-2"]
  to   = proxmox_virtual_environment_vm.stateless["ha-worker-2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["ha-worker-3"]
  to   = proxmox_virtual_environment_vm.stateless["ha-worker-3"]
}
