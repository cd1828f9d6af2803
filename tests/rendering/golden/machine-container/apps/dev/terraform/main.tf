# Made by ai-provision. Every number has its reason in ../README.md.

resource "proxmox_virtual_environment_container" "stateless" {
  for_each = { for name, machine in var.machines : name => machine if machine.kind == "container" && length(machine.data_disks) == 0 && !machine.ha && !machine.adopted }

  description = "${var.app}: ${each.value.role}. Managed by Terraform."
  tags        = each.value.tags
  node_name   = each.value.node_name
  vm_id       = each.value.vm_id
  pool_id     = each.value.pool_id

  start_on_boot = true
  started       = true
  unprivileged  = true

  operating_system {
    template_file_id = each.value.image
    type             = each.value.os_type
  }

  cpu {
    cores = each.value.cores
  }

  memory {
    dedicated = each.value.memory_mib
    swap      = 0
  }

  disk {
    datastore_id = each.value.datastore
    size         = each.value.disk_gib
  }

  dynamic "network_interface" {
    for_each = { for index, nic in each.value.nics : "eth${index}" => nic }

    content {
      name     = network_interface.key
      bridge   = network_interface.value.bridge
      firewall = each.value.firewall_ports != null
      vlan_id  = network_interface.value.vlan_id
    }
  }

  initialization {
    hostname = each.key

    dynamic "ip_config" {
      for_each = each.value.addresses

      content {
        dynamic "ipv4" {
          for_each = ip_config.value.ipv4 == null ? [] : [ip_config.value.ipv4]

          content {
            address = ipv4.value.address
            gateway = ipv4.value.gateway
          }
        }

        dynamic "ipv6" {
          for_each = ip_config.value.ipv6 == null ? [] : [ip_config.value.ipv6]

          content {
            address = ipv6.value.address
            gateway = ipv6.value.gateway
          }
        }
      }
    }

    dynamic "dns" {
      for_each = length(var.dns.servers) > 0 || var.dns.domain != null ? [var.dns] : []

      content {
        domain  = dns.value.domain
        servers = dns.value.servers
      }
    }

    user_account {
      keys = var.ssh_keys
    }
  }
}
