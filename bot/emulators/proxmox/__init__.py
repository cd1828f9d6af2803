"""A strict in-memory Proxmox VE: reads from a JSON whose keys are API paths.

In: such a state, the secrets of its tokens, faults to inject. Out: an ASGI application that answers ``/api2/json`` as
Proxmox VE does. Never: a leniency that the real one lacks, a write (501 in this version), a connection of its own.
"""

from bot.emulators.proxmox.app import ProxmoxEmulator
from bot.emulators.proxmox.faults import Fault

__all__ = ["Fault", "ProxmoxEmulator"]
