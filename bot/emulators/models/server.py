"""The HTTP server of the scripted models.

In: a script. Out: answers in each provider's protocol, and a record of what was asked. Never: an answer that the script
does not hold.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bot.emulators.models.script import Asked, Call, Failure, Script, Step
from bot.emulators.models.shapes import answer, asked, blocked, error, place, vectors

SMALLEST: Final = '{"confidence": 0.5}'
"""Fits the form of every agent."""

_TEXTS: Final = {
    "prose": "Two replicas are enough, I think.",
    "fence": f"```json\n{SMALLEST}\n```",
    "two": SMALLEST + "\n" + SMALLEST,
    "truncated": SMALLEST[:-4],
    "empty": "",
    "wrong": '{"confidence": "very", "shell": "rm -rf /"}',
}
_PAGE: Final = b"<!doctype html><title>Welcome</title><p>Sign in at http://10.9.8.7/login"
_LARGE: Final = 10_000_000


class ModelServer:
    """A context manager. ``asked`` are the requests in order; ``key``, where set, is the only one that is taken.

    ``certificate``: a PEM file with its key, for https.
    """

    def __init__(
        self, script: Script | None = None, *, key: str | None = None, certificate: Path | None = None
    ) -> None:
        self.script: dict[str, list[Step]] = {agent: list(steps) for agent, steps in (script or {}).items()}
        self.asked: list[Asked] = []
        self.embedded: list[str] = []
        self.key = key
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.models = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="models", daemon=True)
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'' if certificate is None else 's'}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def google_url(self) -> str:
        """For ``GOOGLE_GEMINI_BASE_URL``."""
        return self.url

    @property
    def openai_url(self) -> str:
        """For ``OPENAI_BASE_URL``."""
        return f"{self.url}/v1"

    @property
    def ollama_url(self) -> str:
        """For ``OLLAMA_BASE_URL``."""
        return f"{self.url}/ollama/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def next_step(self, request: Asked) -> dict[str, Any] | str | Failure | Call:
        """What the script says to this request, which is noted."""
        with self._lock:
            self.asked.append(request)
            steps = self.script.get(request.agent) or self.script.get("*") or [Failure("500")]
            step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(request) if callable(step) else step


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64
    models: ModelServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not trust the certificate, is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        """Silence."""

    def do_POST(self) -> None:
        """Every call of a model."""
        self.close_connection = True
        text = self.rfile.read(int(self.headers.get("content-length", "0"))).decode("utf-8", "replace")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._answer(text)

    def _answer(self, text: str) -> None:
        models, found = self.server.models, place(self.path)
        if found is None:
            self._send(404, b"404 page not found", kind="text/plain")
            return
        provider, verb = found
        headers = {name.lower(): value for name, value in self.headers.items()}
        if models.key is not None and models.key not in {
            headers.get("x-goog-api-key"),
            headers.get("authorization", "").removeprefix("Bearer "),
        }:
            self._fail(asked(provider, self.path, headers, text), Failure("key"))
        elif verb == "embed":
            models.embedded.append(text)
            self._json(200, vectors(provider, json.loads(text)))
        else:
            request = asked(provider, self.path, headers, text)
            self._step(request, models.next_step(request))

    def _step(self, request: Asked, step: dict[str, Any] | str | Failure | Call) -> None:
        if isinstance(step, Failure):
            self._fail(request, step)
        else:
            self._json(200, answer(request, json.dumps(step) if isinstance(step, dict) else step))

    def _fail(self, request: Asked, failure: Failure) -> None:
        if failure.mode in _TEXTS:
            self._json(200, answer(request, _TEXTS[failure.mode]))
        elif failure.mode in {"refuse", "hang", "drip", "cut", "large"}:
            self._connection(request, failure)
        elif failure.mode == "blocked":
            self._json(200, blocked(request))
        else:
            self._status(request, failure)

    def _connection(self, request: Asked, failure: Failure) -> None:
        """Failures of the connection itself."""
        whole = json.dumps(answer(request, SMALLEST)).encode()
        if failure.mode == "hang":
            self.server.models.closing.wait()
        elif failure.mode == "drip":
            self._head(200, len(whole))
            for byte in whole:
                self.wfile.write(bytes([byte]))
                if self.server.models.closing.wait(1.0 if failure.seconds is None else failure.seconds):
                    return
        elif failure.mode == "cut":
            self._head(200, len(whole))
            self.wfile.write(whole[: len(whole) // 2])
        elif failure.mode == "large":
            self._head(200, _LARGE)
            for _ in range(_LARGE // 10_000):
                self.wfile.write(b" " * 10_000)

    def _status(self, request: Asked, failure: Failure) -> None:
        """Failures that the server names by a status, with words of its own that nobody should repeat."""
        google = request.provider == "google"
        said = f"The server 10.9.8.7 says no to key {request.headers.get('authorization', '')}"
        if failure.mode in {"html", "page"}:
            self._send(502 if failure.mode == "html" else 200, _PAGE, kind="text/html")
        elif failure.mode == "gzip":
            packed = gzip.compress(json.dumps(answer(request, SMALLEST)).encode())
            self._send(200, packed, kind="application/json", headers={"Content-Encoding": "gzip"})
        elif failure.mode == "redirect":
            self._send(302, b"", kind="text/html", headers={"Location": "http://10.9.8.7/"})
        elif failure.mode == "rate":
            self._rate(request, failure)
        elif failure.mode == "key" and google:
            reason = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            self._json(400, error("google", 400, "invalid_argument", said, details=reason))
        else:
            status, code = {
                "key": (401, "invalid_api_key"),
                "quota": (402, "insufficient_funds"),
                "form": (400, "unsupported_parameter"),
                "model": (404, "not_found" if google else "model_not_found"),
            }.get(failure.mode, (0, "unavailable"))
            self._json(status or int(failure.mode), error(request.provider, status, code, said))

    def _rate(self, request: Asked, failure: Failure) -> None:
        """Gemini says inside how long to wait, the others in a header."""
        more: dict[str, Any] = {}
        headers: dict[str, str] = {}
        if failure.seconds is not None and request.provider == "google":
            delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{failure.seconds:g}s"}
            more = {"details": [delay]}
        elif failure.seconds is not None:
            headers = {"Retry-After": f"{failure.seconds:g}"}
        body = error(request.provider, 429, "resource_exhausted", "slow down", **more)
        self._send(429, json.dumps(body).encode(), kind="application/json", headers=headers)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), kind="application/json")

    def _send(self, status: int, body: bytes, *, kind: str, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(body), kind=kind, headers=headers)
        self.wfile.write(body)

    def _head(
        self, status: int, length: int, *, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
