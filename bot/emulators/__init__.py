"""In-memory GitHub, Proxmox VE and Kubernetes on loopback: for the demo, the tests and a first try."""
