"""A small git host on 127.0.0.1 for tests: smart HTTP by ``git upload-pack``, and every way such a host can misbehave.

In: repositories in a folder and a mode. Out: a URL and the list of requests. Never: an address but loopback.
"""

from __future__ import annotations

import gzip
import os
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GIT_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.test",
    "GIT_AUTHOR_DATE": "2025-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.test",
    "GIT_COMMITTER_DATE": "2025-01-01T00:00:00Z",
}


def run_git(*arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["git", *arguments], cwd=cwd, env=GIT_ENV, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass
class Host:
    """What the server serves and what it saw."""

    root: Path
    mode: str = "plain"
    trap: str = ""
    token: str = ""
    url: str = ""
    requests: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    failures_left: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    host: Host

    def log_message(self, *_args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self.host.requests.append(f"GET {self.path}")
        self.host.authorizations.append(self.headers.get("Authorization"))
        MODES[self.host.mode](self, b"")

    def do_POST(self) -> None:
        self.host.requests.append(f"POST {self.path}")
        self.host.authorizations.append(self.headers.get("Authorization"))
        MODES[self.host.mode](self, self.body())

    def body(self) -> bytes:
        raw = self.chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self.sized()
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def sized(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def chunked(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def git_answer(self, body: bytes) -> bytes | None:
        path, _, _query = self.path.partition("?")
        owner_name, _, service = path.strip("/").removesuffix("/info/refs").partition("/git-upload-pack")
        folder = self.host.root / owner_name
        if not folder.is_dir() or service:
            return None
        advertise = ["--advertise-refs"] if self.command == "GET" else []
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc", *advertise, str(folder)],
            input=body,
            capture_output=True,
            check=False,
            env={**GIT_ENV, "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")},
        )
        return done.stdout

    @property
    def content_type(self) -> str:
        return f"application/x-git-upload-pack-{'advertisement' if self.command == 'GET' else 'result'}"


def plain(handler: Handler, body: bytes) -> None:
    out = handler.git_answer(body)
    if out is None:
        handler.answer(404, b"no such repository")
    else:
        handler.answer(200, _preamble(handler) + out, Content_Type=handler.content_type)


def _preamble(handler: Handler) -> bytes:
    if handler.command != "GET" or "version=2" in handler.headers.get("Git-Protocol", ""):
        return b""
    return b"001e# service=git-upload-pack\n0000"


def private(handler: Handler, body: bytes) -> None:
    if handler.host.token and handler.headers.get("Authorization") == handler.host.token:
        plain(handler, body)
    else:
        handler.answer(401, b"", WWW_Authenticate='Basic realm="git"')


def redirect(handler: Handler, _body: bytes) -> None:
    handler.answer(302, b"", Location=handler.host.trap + handler.path)


def drip(handler: Handler, body: bytes) -> None:
    """The listing comes, the pack a byte a second."""
    out = handler.git_answer(body)
    if handler.command == "GET" or out is None or b"packfile" not in out:
        plain(handler, body)
        return
    handler.send_response(200)
    handler.send_header("Content-Type", handler.content_type)
    handler.end_headers()
    for byte in out:
        if handler.host.stop.wait(0.2):
            return
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()


def endless(handler: Handler, body: bytes) -> None:
    """Pack data without an end, as fast as it goes."""
    out = handler.git_answer(body)
    if handler.command == "GET" or out is None or b"packfile" not in out:
        plain(handler, body)
        return
    handler.send_response(200)
    handler.send_header("Content-Type", handler.content_type)
    handler.end_headers()
    at = out.index(b"packfile\n") - 4
    start = at + int(out[at : at + 4], 16)
    handler.wfile.write(out[:start] + _band(b"PACK\x00\x00\x00\x02\x00\x0f\xff\xff"))
    while not handler.host.stop.is_set():
        handler.wfile.write(_band(_stored_blob(60_000)))


def _band(data: bytes) -> bytes:
    return f"{len(data) + 5:04x}".encode() + b"\x01" + data


def _stored_blob(size: int) -> bytes:
    """A pack entry whose zlib stream is stored, so that the pack grows as fast as the line."""
    head = bytearray()
    low, rest = size & 15, size >> 4
    head.append(0x30 | low | (0x80 if rest else 0))
    while rest:
        head.append((rest & 0x7F) | (0x80 if rest >> 7 else 0))
        rest >>= 7
    return bytes(head) + zlib.compress(os.urandom(size), 0)


def silent(handler: Handler, _body: bytes) -> None:
    handler.host.stop.wait(60)


def refuse(code: int) -> Callable[[Handler, bytes], None]:
    return lambda handler, _body: handler.answer(code, b"<html>sorry</html>", Content_Type="text/html")


def flaky(handler: Handler, body: bytes) -> None:
    if handler.host.failures_left > 0:
        handler.host.failures_left -= 1
        handler.answer(503)
    else:
        plain(handler, body)


def truncated(handler: Handler, body: bytes) -> None:
    out = handler.git_answer(body) or b""
    cut = len(out) - 40 if b"packfile" in out else len(out)
    handler.answer(200, _preamble(handler) + out[:cut], Content_Type=handler.content_type)


def login_page(handler: Handler, _body: bytes) -> None:
    handler.answer(200, b"<html>please log in</html>", Content_Type="text/html")


MODES: dict[str, Callable[[Handler, bytes], None]] = {
    "plain": plain,
    "private": private,
    "redirect": redirect,
    "drip": drip,
    "endless": endless,
    "silent": silent,
    "flaky": flaky,
    "truncated": truncated,
    "login-page": login_page,
    "403": refuse(403),
    "404": refuse(404),
    "429": refuse(429),
    "500": refuse(500),
    "502": refuse(502),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many of these tests want."""


@contextmanager
def git_host(root: Path, mode: str = "plain", *, tls: ssl.SSLContext | None = None, trap: str = "") -> Iterator[Host]:
    host = Host(root=root, mode=mode, trap=trap)
    handler = type("BoundHandler", (Handler,), {"host": host})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    host.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        host.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()
