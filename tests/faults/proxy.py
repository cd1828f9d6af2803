"""A bad line between an edge and its system: a reverse proxy on 127.0.0.1 with ten ways to fail (and an eleventh, 403).

In: the address of a healthy system, a mode, the calls that it applies to. Out: an address and the list of calls.
Never: another interface than loopback, a thread or a socket that outlives the ``with`` block, an answer without an end.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from bot.emulators.certificate import self_signed

Mode = Literal[
    "refused", "timeout", "drip", "429", "500", "502-html", "truncated", "wrong-schema", "tls", "credential",
    "403",
]  # fmt: skip
MODES: tuple[Mode, ...] = get_args(Mode)[:10]

PAGE = b"<html><h1>502 Bad Gateway</h1><pre>upstream 10.20.30.40:8006 Traceback (most recent call last)</pre></html>"
"""What a load balancer says, with everything that must never reach a thread."""
LONGEST = 60.0
"""Seconds after which even a hanging answer ends."""
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_RESET = struct.pack("ii", 1, 0)


JSON = {"Content-Type": "application/json"}
Said = tuple[bytes, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one system fails: ``wrong`` is a well-formed answer of another shape, ``unauthorised`` its 401 and
    ``forbidden`` its 403 (body, headers), ``retry_after`` the seconds that its 429 asks for, ``cut`` says which answers
    are worth cutting.
    """

    wrong: Said
    unauthorised: Said
    forbidden: Said
    retry_after: int = 1
    cut: Callable[[bytes], bool] = lambda body: body[:1] in {b"{", b"["}


@dataclass
class Line:
    """What the proxy does and what it saw; ``mode`` None is healthy.

    A mode applies to calls that hold the text ``only`` and, with ``beyond``, come after one that holds that text.
    Seconds: ``drop`` is the pause between two bytes of a drip, ``longest`` the time after which a drip gives up.
    """

    upstream: str
    dialect: Dialect
    mode: Mode | None = None
    only: str = ""
    beyond: str = ""
    drop: float = 0.1
    longest: float = 3.0
    url: str = ""
    calls: list[str] = field(default_factory=list)
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    open: set[socket.socket] = field(default_factory=set)
    _passed: bool = False
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def hasty(self) -> bool:
        """Short time-outs where they will be met, long ones elsewhere, so that a busy computer spoils no test."""
        return self.mode in {"timeout", "drip"}

    def heal(self) -> None:
        """From now on everything passes."""
        self.mode = None

    def judged(self, call: str) -> Mode | None:
        """Note a call; the mode that applies to it."""
        with self._turn:
            self.calls.append(call)
            sick = self.only in call and (self._passed or not self.beyond)
            self._passed = self._passed or (bool(self.beyond) and self.beyond in call)
            return self.mode if sick else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    line: Line

    def log_message(self, *_words: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self._sized()
        mode = self.line.judged(f"{self.command} {self.path}")
        (ANSWERS[mode] if mode else _pass)(self, body)

    def _sized(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunked(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def upstream(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """The healthy answer."""
        line = http.client.HTTPConnection(urlsplit(self.line.upstream).netloc, timeout=LONGEST)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        try:
            line.request(self.command, self.path, body or None, headers)
            answer = line.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            return answer.status, answer.read(), kept
        finally:
            line.close()

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """One whole answer."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def plain(self, status: int, body: object, **headers: str) -> None:
        """One JSON answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def _pass(handler: _Handler, body: bytes) -> None:
    handler.answer(*handler.upstream(body))


def _reset(handler: _Handler, _body: bytes) -> None:
    """Nobody listens any more: the connection is cut with a reset."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    handler.connection.close()


def _hang(handler: _Handler, _body: bytes) -> None:
    handler.close_connection = True
    handler.line.closing.wait(LONGEST)


def _drip(handler: _Handler, body: bytes) -> None:
    """The healthy answer, its first line included, byte by byte."""
    status, said, headers = handler.upstream(body)
    handler.close_connection = True
    head = [f"HTTP/1.1 {status} Slow", *(f"{name}: {value}" for name, value in headers.items())]
    whole = "\r\n".join([*head, f"Content-Length: {len(said)}", "", ""]).encode() + said
    until = time.monotonic() + handler.line.longest
    for at in range(len(whole)):
        if handler.line.closing.wait(handler.line.drop) or time.monotonic() > until:
            return
        handler.wfile.write(whole[at : at + 1])


def _too_many(handler: _Handler, _body: bytes) -> None:
    handler.plain(429, {"message": "Too Many Requests"}, Retry_After=str(handler.line.dialect.retry_after))


def _failing(handler: _Handler, _body: bytes) -> None:
    handler.plain((500, 503)[len(handler.line.calls) % 2], {"message": "it broke at 10.20.30.40"})


def _bad_gateway(handler: _Handler, _body: bytes) -> None:
    handler.answer(502, PAGE, {"Content-Type": "text/html"})


def _cut(handler: _Handler, body: bytes) -> None:
    status, said, headers = handler.upstream(body)
    kept = said[: len(said) // 2] if handler.line.dialect.cut(said) else said
    handler.answer(status, kept, headers)


def _another_shape(handler: _Handler, _body: bytes) -> None:
    handler.answer(200, *handler.line.dialect.wrong)


def _unauthorised(handler: _Handler, _body: bytes) -> None:
    handler.answer(401, *handler.line.dialect.unauthorised)


def _forbidden(handler: _Handler, _body: bytes) -> None:
    handler.answer(403, *handler.line.dialect.forbidden)


ANSWERS: dict[Mode, Callable[[_Handler, bytes], None]] = {
    "refused": _reset,
    "timeout": _hang,
    "drip": _drip,
    "429": _too_many,
    "500": _failing,
    "502-html": _bad_gateway,
    "truncated": _cut,
    "wrong-schema": _another_shape,
    "tls": _pass,
    "credential": _unauthorised,
    "403": _forbidden,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    line: Line

    def get_request(self) -> tuple[Any, Any]:
        self.line.connections += 1
        connection, address = super().get_request()
        self.line.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.line.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests want."""

    def hang_up(self) -> None:
        """End every connection that a client kept alive."""
        for connection in tuple(self.line.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(upstream: str, dialect: Dialect, **facts: Any) -> Iterator[Line]:
    """A line to a healthy system. ``refused`` from the first call on is a port on which nobody listens."""
    line = Line(upstream, dialect, **facts)
    if line.mode == "refused" and not line.only and not line.beyond:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            line.url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            yield line
        return
    with _serving(line):
        yield line


@contextmanager
def _serving(line: Line) -> Iterator[None]:
    server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"line": line}))
    server.line = line
    if line.mode == "tls":
        server.socket = _self_signed().wrap_socket(server.socket, server_side=True)
    line.url = f"{'https' if line.mode == 'tls' else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="proxy")
    thread.start()
    try:
        yield
    finally:
        line.closing.set()
        server.shutdown()
        server.hang_up()
        thread.join()
        server.server_close()


@cache
def _self_signed() -> ssl.SSLContext:
    """The TLS side of a server whose certificate nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(self_signed(Path(folder)).chain)
    return context
