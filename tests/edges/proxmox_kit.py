"""What the tests of the Proxmox VE edge and emulator share: the example's state, a token, a quick server, clocks."""

from __future__ import annotations

import atexit
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn

from bot.edges.proxmox import ProxmoxInventory
from bot.emulators.proxmox import ProxmoxEmulator

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "proxmox-api.json"
TOKEN_ID = "ai-provision@pve!survey"
SECRET = "9d6a3f0e-canary-4c1b-8a57-2f4f6c1d7e90"
TOKEN = f"{TOKEN_ID}={SECRET}"
_EXAMPLE_STATE = json.loads(EXAMPLE.read_text(encoding="utf-8"))


class HastyClock:
    """Real time, but waiting is only noted."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def example() -> dict[str, Any]:
    """A copy of the example's state that a test may change."""
    return deepcopy(_EXAMPLE_STATE)


def emulator(state: dict[str, Any] | None = None, *, version: str | None = None) -> ProxmoxEmulator:
    return ProxmoxEmulator(example() if state is None else state, tokens={TOKEN_ID: SECRET}, version=version)


def inventory(url: str, **more: Any) -> ProxmoxInventory:
    settings = {"token": TOKEN, "timeout": 5.0, "clock": HastyClock()} | more
    return ProxmoxInventory(endpoint=url, **settings)


class Stage:
    """One server per test process: starting and stopping costs 0.2 s, changing the application nothing."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextmanager
def running(app: Any, *, certificate: Path | None = None) -> Iterator[str]:
    """Serve on loopback without Nagle's delay, with TLS where a certificate is given; yields the URL."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    config.load()
    if certificate is not None:
        config.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        config.ssl.load_cert_chain(certificate)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@cache
def _stage() -> tuple[Stage, str]:
    stage, stack = Stage(), ExitStack()
    url = stack.enter_context(running(stage))
    atexit.register(stack.close)
    return stage, url


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application on the process's one server; yields the URL."""
    stage, url = _stage()
    before, stage.app = stage.app, app
    try:
        yield url
    finally:
        stage.app = before


def nobody() -> str:
    """A URL on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
