"""Starts a server on a socket, and lets wrk knock at it.

In: a command line. Out: what wrk and the operating system measured. Never: another interface than 127.0.0.1.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.peers.payload import SECRET

SOCKET: Final = "{socket}"
"""Stands in a command line for the number of the listening socket."""
_SCRIPT: Final = Path(__file__).with_name("deliveries.lua")
_PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A server to measure. ``keeps``: whether what it acknowledged is on disk."""

    name: str
    command: Sequence[str | Path]
    keeps: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A started server. ``ready`` is the time from its start to the first answer of ``/readyz``, in seconds."""

    peer: Peer
    process: subprocess.Popen[bytes]
    port: int
    ready: float

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def memory(self) -> float:
        """Resident, in MiB."""
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], check=True, capture_output=True)
        return int(told.stdout) / 1024


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of wrk: times in milliseconds, ``errors`` of every kind together."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


@contextmanager
def running(peer: Peer) -> Iterator[Running]:
    """Start it on a free port and wait until it is ready."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        number = listening.fileno()
        command = [str(part).replace(SOCKET, str(number)) for part in peer.command]
        environment = {**os.environ, **peer.environment, "WEBHOOK_SECRET": SECRET}
        began = time.monotonic()
        process = subprocess.Popen(command, pass_fds=[number], env=environment)
        try:
            here = Running(peer=peer, process=process, port=listening.getsockname()[1], ready=0)
            _wait(here)
            yield Running(peer=peer, process=process, port=here.port, ready=time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _wait(server: Running) -> None:
    """Ask once, for the socket listens before the server does; give up when the process ends instead."""
    asking = threading.Thread(target=_ask, args=(server,), daemon=True)
    asking.start()
    while asking.is_alive():
        asking.join(0.01)
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.peer.name} did not start")


def _ask(server: Running) -> None:
    with suppress(OSError, http.client.HTTPException):
        server.get("/readyz")


def wrk(server: Running, *, connections: int, seconds: int, run: str, body: Path, signature: str) -> Measured:
    """Post the delivery as fast as the connections allow, each time with an id of its own."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}"]
    environment = {**os.environ, "ACK_BODY": str(body), "ACK_SIGNATURE": signature, "ACK_RUN": run}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found = re.search(r"^\{.*\}$", told.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said nothing to read: {told.stdout}{told.stderr}")
    numbers = json.loads(found[0])
    return Measured(
        requests=numbers["requests"],
        seconds=numbers["microseconds"] / 1e6,
        p50=numbers["p50"] / 1e3,
        p99=numbers["p99"] / 1e3,
        errors=numbers["errors"],
    )
