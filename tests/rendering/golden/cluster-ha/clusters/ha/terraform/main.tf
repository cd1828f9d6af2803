# Made by ai-provision. Every number has its reason in ../README.md.

resource "proxmox_download_file" "image" {
  for_each = var.images

  node_name    = each.value.node_name
  datastore_id = each.value.datastore
  content_type = each.value.content_type
  url          = each.value.url
  file_name    = each.value.file_name

  # The upstream file may change under the same address; what was fetched stays.
  overwrite = false
}

locals {
  image_files = {
    for name, machine in var.machines : name =>
    machine.image_key == null ? machine.image : proxmox_download_file.image[machine.image_key].id
  }
}

resource "proxmox_virtual_environment_vm" "stateless" {
  for_each = { for name, machine in var.machines : name => machine if machine.kind == "vm" && length(machine.data_disks) == 0 && !machine.ha && !machine.adopted }

  name        = each.key
  description = "${var.app}: ${each.value.role}. Managed by Terraform."
  tags        = each.value.tags
  node_name   = each.value.node_name
  vm_id       = each.value.vm_id
  pool_id     = each.value.pool_id

  on_boot          = true
  started          = true
  stop_on_destroy  = true
  purge_on_destroy = true
  scsi_hardware    = "virtio-scsi-single"

  # Only where the template has the guest agent; the provider would wait for it otherwise.
  agent {
    enabled = each.value.agent
    timeout = "5m"
  }

  cpu {
    cores   = each.value.cores
    sockets = 1
    type    = each.value.cpu_type
  }

  # No ballooning: the memory that the plan counts is the memory that the machine has.
  memory {
    dedicated = each.value.memory_mib
    floating  = 0
  }

  # Every argument is stated: the provider resets the unstated ones of a cloned disk.
  disk {
    interface    = "scsi0"
    datastore_id = each.value.datastore
    size         = each.value.disk_gib
    import_from  = local.image_files[each.key]
    aio          = "io_uring"
    backup       = true
    cache        = "none"
    discard      = "on"
    iothread     = true
    replicate    = true
    ssd          = true
  }

  dynamic "network_device" {
    for_each = each.value.nics

    content {
      bridge  = network_device.value.bridge
      model   = "virtio"
      vlan_id = network_device.value.vlan_id

      firewall = each.value.firewall_ports != null
    }
  }

  initialization {
    datastore_id = each.value.datastore

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
      username = var.username
      keys     = var.ssh_keys
    }
  }

  operating_system {
    type = "l26"
  }

  # Cloud images of Debian 12 and Ubuntu panic on a resized disk without a serial port.
  serial_device {
    device = "socket"
  }
}
