"""An in-memory GitHub: REST, git smart HTTP, permissions, limits, faults and signed webhooks, on loopback.

In: seeds and people's acts. Out: what a client of GitHub sees. Never: the network beyond 127.0.0.1.
"""

from bot.emulators.github.emulator import GitHubEmulator
from bot.emulators.github.hooks import sign

__all__ = ["GitHubEmulator", "sign"]
