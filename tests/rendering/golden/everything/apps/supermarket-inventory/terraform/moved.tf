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
  from = proxmox_virtual_environment_vm.stateless_ha["m1"]
  to   = proxmox_virtual_environment_vm.stateless["m1"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["m2"]
  to   = proxmox_virtual_environment_vm.stateless["m2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["m2"]
  to   = proxmox_virtual_environment_vm.stateful_ha["m2"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful_ha["m2"]
  to   = proxmox_virtual_environment_vm.stateful["m2"]
}

moved {
  from = proxmox_virtual_environment_container.stateless_ha["m3"]
  to   = proxmox_virtual_environment_container.stateless["m3"]
}

moved {
  from = proxmox_virtual_environment_container.stateless_ha["m4"]
  to   = proxmox_virtual_environment_container.stateless["m4"]
}

moved {
  from = proxmox_virtual_environment_container.stateless["m4"]
  to   = proxmox_virtual_environment_container.stateful_ha["m4"]
}

moved {
  from = proxmox_virtual_environment_container.stateful_ha["m4"]
  to   = proxmox_virtual_environment_container.stateful["m4"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless_ha["m5"]
  to   = proxmox_virtual_environment_vm.stateless["m5"]
}

moved {
  from = proxmox_virtual_environment_vm.stateless["m5"]
  to   = proxmox_virtual_environment_vm.stateful_ha["m5"]
}

moved {
  from = proxmox_virtual_environment_vm.stateful_ha["m5"]
  to   = proxmox_virtual_environment_vm.stateful["m5"]
}
