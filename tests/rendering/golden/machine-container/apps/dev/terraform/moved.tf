# Made by ai-provision. A machine that gets a data disk or high availability keeps its place in the state.

moved {
  from = proxmox_virtual_environment_container.stateless_ha["dev"]
  to   = proxmox_virtual_environment_container.stateless["dev"]
}
