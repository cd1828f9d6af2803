# Made by ai-provision from `state` of .ai-provision.yaml. Credentials come from the environment.

terraform {
  backend "s3" {
    bucket       = "terraform-state"
    encrypt      = true
    key          = "apps/webapp/terraform.tfstate"
    region       = "eu-central-1"
    use_lockfile = true

    endpoints = {
      s3 = "https://s3.example.org"
    }
  }
}
