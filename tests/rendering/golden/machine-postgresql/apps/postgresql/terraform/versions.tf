# Made by ai-provision. Every number has its reason in ../README.md.

terraform {
  required_version = ">= 1.10.0, < 2.0.0"

  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.111.1"
    }
  }
}

# Endpoint and token come from the environment: PROXMOX_VE_ENDPOINT, PROXMOX_VE_API_TOKEN.
provider "proxmox" {}

# What concerns the whole cluster takes more rights than machines do. Without TF_VAR_cluster_api_token the token above
# is used here too.
provider "proxmox" {
  alias     = "cluster"
  api_token = var.cluster_api_token
}
