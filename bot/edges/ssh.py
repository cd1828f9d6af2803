"""Waits until a machine answers by SSH: its banner, nothing more.

In: an address. Out: seconds, or None. Never: a login, a key, a host key that is trusted.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from bot.ports import Clock

_TRY: Final = 2.0
"""Seconds of one try, and between two of them."""
_BANNER: Final = b"SSH-"


@dataclass(frozen=True)
class SshDoors:
    """``bot.deploy.Doors`` over TCP."""

    clock: Clock

    def wait(self, address: str, *, port: int, seconds: float) -> float | None:
        """See ``bot.deploy.Doors``. RFC 4253 4.2: the server begins with a line ``SSH-protoversion-...``."""
        begun = self.clock.now()
        while True:
            if _answers(address, port):
                return (self.clock.now() - begun).total_seconds()
            if (self.clock.now() - begun).total_seconds() >= seconds:
                return None
            self.clock.sleep(min(_TRY, seconds))


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=_TRY) as line:
            return _greeting(line) == _BANNER
    except (OSError, UnicodeError):
        return False


def _greeting(line: socket.socket) -> bytes:
    """The first bytes, which may come one by one."""
    heard = b""
    while len(heard) < len(_BANNER) and (more := line.recv(len(_BANNER) - len(heard))):
        heard += more
    return heard
