# Made by ai-provision.

output "machines" {
  description = "Where each machine runs and how it is reached."
  value = {
    for name, machine in var.machines : name => {
      node    = machine.node_name
      vm_id   = machine.vm_id
      role    = machine.role
      address = machine.address
      user    = machine.kind == "vm" ? var.username : "root"
    }
  }
}

output "settings" {
  description = "Engine settings that the plan computed, for the playbook or image that installs the engine."
  value       = { for name, machine in var.machines : name => machine.settings if length(machine.settings) > 0 }
}

output "clusters" {
  description = "The Kubernetes clusters that these machines become."
  value = {
    for name, cluster in var.clusters : name => {
      endpoint       = cluster.endpoint
      version        = cluster.version
      control_planes = [for name, machine in var.machines : name if machine.cluster == cluster.name && machine.part == "control-plane"]
      workers        = [for name, machine in var.machines : name if machine.cluster == cluster.name && machine.part == "worker"]
    }
  }
}
