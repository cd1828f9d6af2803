"""A loopback HTTP state backend for Terraform, and the ways in which one can fail.

In: a mode, which a test may change while terraform runs. Out: an address, and the log of what terraform asked. Never: an
address but loopback. Modes: ``ok``; ``locked`` (somebody else holds the lock); ``500`` (no GET succeeds); ``truncated``
(half a state); ``save-503`` (the lock works, no save does); ``slow`` (each answer takes ``seconds``); ``no-save`` (a save
is answered 200 and forgotten); ``denied`` (401).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SOMEBODY = {
    "ID": "0b0c0d0e-1111-2222-3333-444455556666",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "ada@laptop",
    "Version": "1.11.4",
    "Created": "2026-11-21T08:15:00Z",
    "Path": "",
}


@dataclass
class StateServer:
    """One state, its lock, and what was asked for: ``log`` holds ``METHOD`` and the answer's status."""

    url: str = ""
    mode: str = "ok"
    seconds: float = 0.2
    state: bytes | None = None
    lock: dict[str, Any] | None = None
    log: list[tuple[str, int]] = field(default_factory=list)
    unlocked_by: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What ``backend "http" {}`` needs to reach it, with retries that a test can wait for."""
        return {
            "TF_HTTP_ADDRESS": self.url,
            "TF_HTTP_LOCK_ADDRESS": self.url,
            "TF_HTTP_UNLOCK_ADDRESS": self.url,
            "TF_HTTP_RETRY_MAX": "1",
            "TF_HTTP_RETRY_WAIT_MIN": "1",
            "TF_HTTP_RETRY_WAIT_MAX": "1",
        }

    def document(self) -> dict[str, Any]:
        """The state as it was last saved; empty when there is none."""
        parsed: dict[str, Any] = json.loads(self.state) if self.state else {}
        return parsed

    def resources(self) -> list[str]:
        """The addresses that the saved state holds."""
        return sorted(f"{each['type']}.{each['name']}" for each in self.document().get("resources", []))

    def asked(self, method: str) -> int:
        """How often terraform sent this method."""
        return sum(1 for name, _ in self.log if name == method)

    def hold(self) -> None:
        """Somebody else takes the lock."""
        self.lock = dict(SOMEBODY)


class _Handler(BaseHTTPRequestHandler):
    server_version = "state"
    at: StateServer

    def log_message(self, *_args: object) -> None:
        """Silent."""

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.at.log.append((self.command, status))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _first(self) -> bool:
        """The modes that concern every method; True when they have answered."""
        if self.at.mode == "slow":
            time.sleep(self.at.seconds)
        if self.at.mode == "denied":
            self._answer(401)
            return True
        return False

    def do_GET(self) -> None:
        if self._first():
            return
        if self.at.mode == "500":
            self._answer(500, b"internal error")
        elif self.at.state is None:
            self._answer(404)
        elif self.at.mode == "truncated":
            self._answer(200, self.at.state[: len(self.at.state) // 2])
        else:
            self._answer(200, self.at.state)

    def do_POST(self) -> None:
        body = self._body()
        if self._first():
            return
        if self.at.mode == "save-503":
            self._answer(503, b"unavailable")
            return
        if self.at.mode != "no-save":
            self.at.state = body
        self._answer(200)

    def do_LOCK(self) -> None:
        wanted = json.loads(self._body())
        if self._first():
            return
        if self.at.mode == "locked" and self.at.lock is None:
            self.at.hold()
        if self.at.lock is not None:
            self._answer(423, json.dumps(self.at.lock).encode())
            return
        self.at.lock = wanted
        self._answer(200)

    def do_UNLOCK(self) -> None:
        given = json.loads(self._body() or b"{}")
        if self._first():
            return
        held = self.at.lock
        if held is not None and given and given.get("ID") != held["ID"]:
            self._answer(409)
            return
        self.at.unlocked_by.append(str(given.get("ID", "")))
        self.at.lock = None
        self._answer(200)


@contextmanager
def state_server(mode: str = "ok") -> Iterator[StateServer]:
    """A backend on a free loopback port, until the block ends."""
    at = StateServer(mode=mode)
    handler = type("Handler", (_Handler,), {"at": at})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    parts = urlsplit(f"http://127.0.0.1:{server.server_address[1]}/states/shop")
    at.url = parts.geturl()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield at
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
