# Made by ai-provision. High availability needs Sys.Console on /, so it has a token of its own.

locals {
  ha_ids = {
    for name, machine in var.machines : name =>
    "${machine.kind == "vm" ? "vm" : "ct"}:${machine.vm_id}" if machine.ha
  }
}

resource "proxmox_haresource" "guest" {
  provider = proxmox.cluster
  for_each = local.ha_ids

  resource_id = each.value
  state       = "started"
  comment     = "${var.app}: ${each.key}. Managed by Terraform."

  depends_on = [proxmox_virtual_environment_vm.stateful_ha, proxmox_virtual_environment_vm.stateless_ha]
}

resource "proxmox_harule" "nodes" {
  provider = proxmox.cluster
  for_each = var.ha.nodes

  rule      = each.key
  type      = "node-affinity"
  comment   = "${var.app}: nodes that hold the disks. Managed by Terraform."
  resources = [for name in each.value.machines : proxmox_haresource.guest[name].resource_id]
  nodes     = each.value.nodes
  strict    = each.value.strict
}

resource "proxmox_harule" "apart" {
  provider = proxmox.cluster
  for_each = var.ha.apart

  rule      = each.key
  type      = "resource-affinity"
  affinity  = "negative"
  comment   = "${var.app}: one node less costs one of them. Managed by Terraform."
  resources = [for name in each.value : proxmox_haresource.guest[name].resource_id]
}
