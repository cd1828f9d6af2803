"""Machines that answer by SSH: a banner on one port of every loopback address, and nothing behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def banners() -> Iterator[int]:
    """The port. On Linux all of 127.0.0.0/8 answers, elsewhere 127.0.0.1 alone."""
    with socket.socket() as door:
        door.bind(("0.0.0.0", 0))
        door.listen()
        thread = threading.Thread(target=_greet, args=(door,), daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _greet(door: socket.socket) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return
        with line, suppress(OSError):
            line.sendall(b"SSH-2.0-emulated\r\n")
