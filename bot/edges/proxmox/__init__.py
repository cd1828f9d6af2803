"""Reads one Proxmox VE cluster by proxmoxer, with a token that may only look.

In: an endpoint and an API token. Out: the Proxmox part of a ``ClusterSnapshot``; what could not be read stands in
``missing`` with its reason. Never: a write, a redirect followed, a certificate trusted that the caller did not ask to
trust, a name or tag of a guest taken for anything but text.
"""

from bot.edges.proxmox.inventory import Checkup, ProxmoxInventory

__all__ = ["Checkup", "ProxmoxInventory"]
