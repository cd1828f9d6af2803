"""The ASGI application of the Proxmox VE emulator.

In: HTTP requests to ``/api2/json/...``. Out: Proxmox VE's envelope, in its order of checks: authentication, does the
call exist, permission, node reachable, parameters, answer. Never: state changed by a read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from bot.emulators.proxmox.access import Access
from bot.emulators.proxmox.answers import ApiError, Json
from bot.emulators.proxmox.faults import Fault, Faults, login_page, spoil
from bot.emulators.proxmox.reads import Call, read
from bot.emulators.proxmox.schema import Schema

PREFIX: Final = "/api2/json"
_VERBS: Final = ["GET", "POST", "PUT", "DELETE"]


class ProxmoxEmulator:
    """A Proxmox VE cluster in memory. ``app`` is the ASGI application, ``calls`` the log of ``VERB path``.

    ``state`` maps API paths (no leading slash) to the value of ``data``; keys that begin with ``_`` are remarks.
    ``tokens`` maps ``user@realm!id`` to its secret. ``version`` replaces the state's own; below 9 the emulator has HA
    groups instead of rules, VM.Monitor instead of VM.GuestAgent.Audit and fewer columns.
    """

    def __init__(self, state: Mapping[str, Json], *, tokens: Mapping[str, str], version: str | None = None) -> None:
        self.state = {key.strip("/"): value for key, value in state.items() if not key.startswith("_")}
        if version is not None:
            self.state["version"] = self.state.get("version", {}) | {
                "version": version,
                "release": ".".join(version.split(".")[:2]),
            }
        self.major = int(str(self.state["version"]["version"]).split(".", 1)[0])
        self.schema = Schema.load() if self.major >= 9 else Schema.load().before_nine()
        self.access = Access.of(self.state, secrets=tokens)
        self.faults = Faults()
        self.offline: set[str] = set()
        self.calls: list[str] = []
        self.app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        self.app.add_api_route("/{path:path}", self._serve, methods=_VERBS, response_model=None)

    @classmethod
    def from_file(cls, file: Path, *, tokens: Mapping[str, str], version: str | None = None) -> Self:
        """The same from a JSON file such as ``examples/proxmox-api.json``."""
        return cls(json.loads(file.read_text(encoding="utf-8")), tokens=tokens, version=version)

    def inject(self, fault: Fault) -> None:
        """Let a fault hit the calls that its pattern names."""
        self.faults.add(fault)

    async def _serve(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX).rstrip("/") or "/"
        self.calls.append(f"{request.method} {path}")
        if not request.url.path.startswith(PREFIX):
            return login_page()
        fault = self.faults.next(path)
        if fault is not None and (spoilt := await spoil(fault, request)) is not None:
            return spoilt
        try:
            auth = self.access.authenticate(request.headers.get("authorization"))
            if request.method != "GET":
                return PlainTextResponse(
                    f"{request.method} {path}: not in this version, it only reads", status_code=501
                )
            body = {"data": self._answer(request, path, auth)}
        except ApiError as error:
            return JSONResponse(error.body(), status_code=error.status)
        if fault is not None and fault.kind == "truncated":
            text = json.dumps(body)
            return Response(text[: len(text) // 2], media_type="application/json;charset=UTF-8")
        return JSONResponse(body, media_type="application/json;charset=UTF-8")

    def _answer(self, request: Request, path: str, auth: str) -> Json:
        method, variables = self.schema.find(request.method, path)
        given = _parameters(request, variables)
        if method.user is None and method.check is not None:
            self.access.judge(auth, method.check, given)
        self._reach(variables.get("node"))
        call = Call(
            path=path,
            values=method.verify(given),
            auth=auth,
            access=self.access,
            state=self.state,
            offline=frozenset(self.offline),
            major=self.major,
        )
        return read(call, template=method.template, returns=method.returns)

    def _reach(self, node: str | None) -> None:
        if node is None:
            return
        known = {row["node"] for row in self.state["cluster/resources"] if row["type"] == "node"}
        if node not in known:
            raise ApiError(500, f"hostname lookup '{node}' failed - failed to get address info for: {node}")
        if node in self.offline:
            raise ApiError(595, "No route to host")


def _parameters(request: Request, variables: Mapping[str, str]) -> dict[str, str]:
    given = dict(request.query_params)
    for name, value in variables.items():
        if name in given and given[name] != value:
            raise ApiError(400, f"Parameter verification failed - duplicate parameter '{name}'")
    return given | dict(variables)
