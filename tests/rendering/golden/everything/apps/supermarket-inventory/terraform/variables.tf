# Made by ai-provision. The values stand in app.auto.tfvars.json.

variable "app" {
  description = "The application that the machines belong to."
  type        = string
}

variable "machines" {
  description = "The machines by name. Sizes are whole MiB of memory and whole GiB of disk."
  type = map(object({
    kind       = string
    role       = string
    node_name  = string
    vm_id      = number
    cores      = number
    cpu_type   = string
    memory_mib = number
    disk_gib   = number
    datastore  = string
    agent      = bool
    tags       = list(string)
    pool_id    = optional(string)

    template_id   = optional(number)
    template_node = optional(string)
    image         = optional(string)
    image_key     = optional(string)
    iso           = optional(string)
    os_type       = optional(string)

    address = string
    addresses = list(object({
      ipv4 = optional(object({
        address = string
        gateway = optional(string)
      }))
      ipv6 = optional(object({
        address = string
        gateway = optional(string)
      }))
    }))
    nics = list(object({
      bridge  = string
      vlan_id = optional(number)
    }))
    data_disks = list(object({
      datastore = string
      size_gib  = number
      interface = optional(string)
      path      = optional(string)
    }))
    settings = map(string)

    adopted        = optional(bool, false)
    backup         = optional(bool, false)
    cluster        = optional(string)
    firewall_ports = optional(list(number))
    ha             = optional(bool, false)
    pci_mapping    = optional(string)
    replicate_to   = optional(string)
    part           = optional(string)
  }))

  validation {
    condition     = length(distinct([for machine in var.machines : machine.vm_id])) == length(var.machines)
    error_message = "Two machines share one vm_id."
  }

  validation {
    condition     = alltrue([for machine in var.machines : contains(["vm", "container"], machine.kind)])
    error_message = "The kind of a machine is vm or container."
  }
}

variable "images" {
  description = "The disk images and container templates to download, one for each node."
  type = map(object({
    node_name    = string
    datastore    = string
    content_type = string
    url          = string
    file_name    = string
  }))
}

variable "username" {
  description = "The user that cloud-init makes on each VM."
  type        = string
}

variable "ssh_keys" {
  description = "Public SSH keys that may log in."
  type        = list(string)
}

variable "dns" {
  description = "Name servers and search domain; empty means those of the host."
  type = object({
    domain  = optional(string)
    servers = list(string)
  })
}
