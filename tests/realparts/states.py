"""A Terraform state backend over HTTP for many stacks, as a small server of one's own would be.

In: GET, POST, LOCK, UNLOCK, DELETE of any path. Out: states and locks by path. Never: a disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response

from bot.emulators.loopback import Loopback

_METHODS = ["GET", "POST", "DELETE", "LOCK", "UNLOCK"]


@dataclass
class States:
    """Documents and locks by path; ``log`` holds ``METHOD path status``."""

    url: str = ""
    documents: dict[str, bytes] = field(default_factory=dict)
    locks: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def resources(self, stack: str) -> list[str]:
        """Addresses of what the state of a stack (``apps-shop``) holds."""
        raw = self.documents.get(f"/{stack}")
        document = json.loads(raw) if raw else {"resources": []}
        managed = [row for row in document["resources"] if row["mode"] == "managed"]
        return [f"{row['type']}.{row['name']}" for row in managed for _ in row["instances"]]

    async def serve(self, request: Request) -> Response:
        body = await request.body()
        answer = self._answered(request.method, request.url.path, body)
        self.log.append(f"{request.method} {request.url.path} {answer.status_code}")
        return answer

    def _answered(self, method: str, path: str, body: bytes) -> Response:
        if method in {"LOCK", "UNLOCK"}:
            return self._lock(path, json.loads(body or b"{}"), wanted=method == "LOCK")
        if method == "GET":
            found = self.documents.get(path)
            return Response(status_code=404) if found is None else Response(found)
        if method == "DELETE":
            self.documents.pop(path, None)
        else:
            self.documents[path] = body
        return Response()

    def _lock(self, path: str, info: dict[str, Any], *, wanted: bool) -> Response:
        held = self.locks.get(path)
        if wanted and held is not None:
            return Response(json.dumps(held), status_code=423)
        if wanted:
            self.locks[path] = info
        elif held is not None and info and info.get("ID") != held["ID"]:
            return Response(status_code=409)
        else:
            self.locks.pop(path, None)
        return Response()


@contextmanager
def states() -> Iterator[States]:
    """A backend on loopback; its address is ``url/<stack>``."""
    kept = States()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/{path:path}", kept.serve, methods=_METHODS, response_model=None)
    with Loopback(app) as server:
        kept.url = server.url
        yield kept
