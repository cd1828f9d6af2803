"""Placement of new guests on Proxmox nodes: hard constraints, N+1, score, batch; existing guests never move."""
