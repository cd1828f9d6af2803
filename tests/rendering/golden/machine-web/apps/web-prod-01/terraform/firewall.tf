# Made by ai-provision. It works where the firewall of the datacenter is switched on.

locals {
  guarded = { for name, machine in var.machines : name => machine if machine.firewall_ports != null && !machine.adopted }
}

resource "proxmox_virtual_environment_firewall_rules" "guest" {
  for_each = local.guarded

  node_name    = each.value.node_name
  vm_id        = each.value.kind == "vm" ? each.value.vm_id : null
  container_id = each.value.kind == "container" ? each.value.vm_id : null

  dynamic "rule" {
    for_each = distinct(concat([22], each.value.firewall_ports))

    content {
      type    = "in"
      action  = "ACCEPT"
      proto   = "tcp"
      dport   = tostring(rule.value)
      comment = rule.value == 22 ? "SSH" : "${var.app}: port ${rule.value}"
      enabled = true
    }
  }

  depends_on = [proxmox_virtual_environment_vm.stateless]
}

# After the rules, so that SSH is never shut out.
resource "proxmox_virtual_environment_firewall_options" "guest" {
  for_each = local.guarded

  node_name    = each.value.node_name
  vm_id        = each.value.kind == "vm" ? each.value.vm_id : null
  container_id = each.value.kind == "container" ? each.value.vm_id : null

  enabled       = true
  dhcp          = anytrue([for address in each.value.addresses : try(address.ipv4.address == "dhcp", false)])
  ndp           = true
  input_policy  = "DROP"
  output_policy = "ACCEPT"

  depends_on = [proxmox_virtual_environment_firewall_rules.guest]
}
