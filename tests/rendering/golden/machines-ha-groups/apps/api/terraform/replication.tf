# Made by ai-provision. Every quarter of an hour the disks are copied; that is what may be lost with a node.

resource "proxmox_replication" "ha" {
  provider = proxmox.cluster
  for_each = { for name, machine in var.machines : name => machine if machine.replicate_to != null && machine.ha }

  id       = "${each.value.vm_id}-0"
  type     = "local"
  target   = each.value.replicate_to
  schedule = "*/15"
  comment  = "${var.app}: ${each.key}. Managed by Terraform."

  depends_on = [proxmox_virtual_environment_vm.stateful_ha, proxmox_virtual_environment_vm.stateless_ha]

  # When the machine moves to the node of its copy, Proxmox VE turns the direction.
  lifecycle {
    ignore_changes = [target]
  }
}
