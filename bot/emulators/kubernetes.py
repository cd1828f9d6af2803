"""A Kubernetes API server in memory that can only be read: for the demo, for tests, for trying without a cluster.

In: objects by API path (``{"/api/v1/nodes": [...]}``), a bearer token, denied rights, faults. Out: an ASGI application
and the list of what it was asked. Never: a write; every verb but GET is answered 405.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Fault = Literal["401", "410", "429", "500", "503", "hang", "html", "truncated", "endless"]
Resource = dict[str, Any]

VERSION: Final = {"major": "1", "minor": "34", "gitVersion": "v1.34.2", "platform": "linux/amd64"}
_REASONS: Final = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 410: "Expired",
    429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable",
}  # fmt: skip


@dataclass
class KubernetesEmulator:
    """One cluster. ``denied`` holds (verb, resource) pairs; ``faults`` are used up from the front, one per request."""

    resources: Mapping[str, Sequence[Resource]]
    token: str = "emulated-token"  # noqa: S105 -- the token of an emulator
    denied: frozenset[tuple[str, str]] = frozenset()
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    page: int = 500
    hang_seconds: float = 5.0
    groups: tuple[str, ...] = ("apps", "networking.k8s.io", "storage.k8s.io", "metrics.k8s.io")
    requests: list[str] = field(default_factory=list)

    @classmethod
    def from_file(cls, path: Path, **fields: Any) -> Self:
        """An emulator of the objects in a JSON file. Raises OSError or ValueError for a file that cannot be read."""
        return cls(json.loads(path.read_text(encoding="utf-8")), **fields)

    @property
    def app(self) -> Starlette:
        """The application to serve."""
        return Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]
        )

    def kubeconfig(self, url: str) -> str:
        """A kubeconfig for the served emulator, as text (JSON is YAML)."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "emulated",
            "contexts": [{"name": "emulated", "context": {"cluster": "emulated", "user": "reader"}}],
            "clusters": [{"name": "emulated", "cluster": {"server": url}}],
            "users": [{"name": "reader", "user": {"token": self.token}}],
        }
        return json.dumps(document, indent=2)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path.rstrip("/")
        self.requests.append(f"{request.method} {path}?{request.url.query}".rstrip("?"))
        fault = self._fault(path)
        if fault is not None:
            return await self._broken(fault, path)
        if request.method != "GET":
            return _status(405, "this API server can only be read")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _status(401, "Unauthorized")
        resource = path.rpartition("/")[2]
        verb = "list" if path in self.resources else "get"
        if (verb, resource) in self.denied:
            return _status(403, f'{resource} is forbidden: User "reader" cannot {verb} resource "{resource}"')
        return self._document(path, request)

    def _document(self, path: str, request: Request) -> Response:
        if path == "/version":
            return JSONResponse(VERSION)
        if path == "/apis":
            return JSONResponse({"kind": "APIGroupList", "groups": [{"name": name} for name in self.groups]})
        if path not in self.resources:
            return _status(404, "the server could not find the requested resource")
        return self._list(self.resources[path], request)

    def _list(self, found: Sequence[Resource], request: Request) -> Response:
        start = _offset(request.query_params.get("continue"))
        if start is None:
            return _status(400, "continue key is not valid")
        limit = min(_number(request.query_params.get("limit")) or self.page, self.page)
        matching = [item for item in found if _matches(item, request.query_params.get("fieldSelector", ""))]
        rest = matching[start : start + limit]
        more = start + limit < len(matching)
        metadata = {"resourceVersion": "1", **({"continue": _token(start + limit)} if more else {})}
        return JSONResponse({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": rest})

    def _fault(self, path: str) -> Fault | None:
        waiting = self.faults.get(path) or self.faults.get("*")
        return waiting.pop(0) if waiting else None

    async def _broken(self, fault: Fault, path: str) -> Response:
        if fault == "hang":
            await asyncio.sleep(self.hang_seconds)
            return _status(503, "late")
        if fault == "html":
            return HTMLResponse("<html><body>please log in</body></html>")
        if fault == "truncated":
            return Response(b'{"kind": "List", "items": [{"metadata": {"na', media_type="application/json")
        if fault == "endless":
            return StreamingResponse(_endless(), media_type="application/json")
        headers = {"Retry-After": "1"} if fault == "429" else {}
        return _status(int(fault), f"injected fault on {path}", headers)


def _status(code: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": _REASONS.get(code, "Unknown"), "message": message,
    }  # fmt: skip
    return JSONResponse(body, status_code=code, headers=dict(headers or {}))


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"items": ["'
    while True:
        yield b"x" * 1_000_000
        await asyncio.sleep(0)


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"start": offset}).encode()).decode()


def _offset(token: str | None) -> int | None:
    if not token:
        return 0
    try:
        start = json.loads(base64.urlsafe_b64decode(token))["start"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    return start if isinstance(start, int) and start >= 0 else None


def _number(value: str | None) -> int:
    return int(value) if value is not None and value.isdecimal() else 0


def _matches(item: Resource, selector: str) -> bool:
    return all(_holds(item, part) for part in selector.split(",") if part)


def _holds(item: Resource, part: str) -> bool:
    path, sign, wanted = part.partition("!=" if "!=" in part else "=")
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return (str(value or "") == wanted) is (sign == "=")
