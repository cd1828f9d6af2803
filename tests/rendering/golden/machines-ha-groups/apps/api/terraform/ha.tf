# Made by ai-provision. High availability needs Sys.Console on /, so it has a token of its own.

locals {
  ha_ids = {
    for name, machine in var.machines : name =>
    "${machine.kind == "vm" ? "vm" : "ct"}:${machine.vm_id}" if machine.ha
  }
  ha_groups = merge([
    for group, member in var.ha.nodes : { for name in member.machines : name => group }
  ]...)
}

resource "proxmox_hagroup" "nodes" {
  provider = proxmox.cluster
  for_each = var.ha.nodes

  group       = each.key
  comment     = "${var.app}: preferred nodes. Managed by Terraform."
  nodes       = each.value.nodes
  restricted  = each.value.strict
  no_failback = true
}

resource "proxmox_haresource" "guest" {
  provider = proxmox.cluster
  for_each = local.ha_ids

  resource_id = each.value
  state       = "started"
  comment     = "${var.app}: ${each.key}. Managed by Terraform."
  group       = try(proxmox_hagroup.nodes[local.ha_groups[each.key]].group, null)

  depends_on = [proxmox_virtual_environment_vm.stateful_ha, proxmox_virtual_environment_vm.stateless_ha]
}
