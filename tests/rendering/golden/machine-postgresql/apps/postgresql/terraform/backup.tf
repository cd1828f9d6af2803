# Made by ai-provision. Backup jobs belong to the whole cluster and need Sys.Modify on /.

resource "proxmox_backup_job" "machines" {
  provider = proxmox.cluster

  id            = "ai-provision-${var.app}"
  storage       = var.backup.datastore
  schedule      = var.backup.schedule
  vmid          = [for name, machine in var.machines : tostring(machine.vm_id) if machine.backup]
  mode          = "snapshot"
  compress      = "zstd"
  enabled       = true
  prune_backups = { "keep-last" = tostring(var.backup.keep_last) }

  depends_on = [proxmox_virtual_environment_vm.stateful]
}
