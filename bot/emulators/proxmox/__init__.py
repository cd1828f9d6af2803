"""A strict in-memory Proxmox VE on a JSON whose keys are API paths: reads, and the writes of a Terraform provider.

In: such a state, the secrets of its tokens, faults to inject. Out: an ASGI application that answers ``/api2/json`` as
Proxmox VE does. Never: a leniency that the real one lacks, a connection of its own.
"""

from bot.emulators.proxmox.app import ProxmoxEmulator
from bot.emulators.proxmox.faults import Fault

__all__ = ["Fault", "ProxmoxEmulator"]
