"""The ASGI application of the Proxmox VE emulator.

In: HTTP requests to ``/api2/json/...``. Out: Proxmox VE's envelope, in its order of checks: authentication, does the
call exist, permission, node reachable, parameters, answer. Never: state changed by a read, nor the caller's own copy
of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from bot.emulators.proxmox import addresses, moving, power
from bot.emulators.proxmox.access import Access
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json
from bot.emulators.proxmox.calls import ACTS
from bot.emulators.proxmox.faults import Fault, Faults, login_page, spoil
from bot.emulators.proxmox.login import Login
from bot.emulators.proxmox.reads import Call, read
from bot.emulators.proxmox.schema import Method, Schema
from bot.emulators.proxmox.site import Site
from bot.emulators.proxmox.tasks import Tasks

PREFIX: Final = "/api2/json"
_VERBS: Final = ["GET", "POST", "PUT", "DELETE"]


Given = dict[str, str | list[str]]


class ProxmoxEmulator:
    """A Proxmox VE cluster in memory. ``app`` is the ASGI application, ``calls`` the log of ``VERB path``.

    ``state`` maps API paths (no leading slash) to the value of ``data``; keys that begin with ``_`` are remarks. Writes
    change ``self.state`` alone, so every read and snapshot sees them. ``tokens`` maps ``user@realm!id`` to its secret,
    ``passwords`` users to theirs. ``version`` replaces the state's own; below 9 the emulator has HA groups instead of
    rules, VM.Monitor instead of VM.GuestAgent.Audit and fewer columns. ``clock`` gives seconds, by which tasks end.
    ``site`` holds what a test may set: durations of tasks, lock timeouts of clones, agents, sizes of images and
    downloads, hanging stores. ``writes`` is the log of what writes asked for.
    """

    def __init__(
        self,
        state: Mapping[str, Json],
        *,
        tokens: Mapping[str, str],
        version: str | None = None,
        passwords: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = {key.strip("/"): value for key, value in state.items() if not key.startswith("_")}
        if version is not None:
            self.state["version"] = self.state.get("version", {}) | {
                "version": version,
                "release": ".".join(version.split(".")[:2]),
            }
        self.major = int(str(self.state["version"]["version"]).split(".", 1)[0])
        self.schema = Schema.of(self.major)
        self.tokens = tokens
        self.access = Access.of(self.state, secrets=tokens)
        self.login = Login(passwords or {})
        self.faults = Faults()
        self.offline: set[str] = set()
        self.site = Site(self.state, self.major, Tasks(clock), self.offline, agents=_with_agent(self.state))
        self.calls: list[str] = []
        self.writes: list[tuple[str, str, Given]] = []
        self.frozen: dict[str, Json] = {}
        self.app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        self.app.add_api_route("/{path:path}", self._serve, methods=_VERBS, response_model=None)

    @classmethod
    def from_file(cls, file: Path, *, tokens: Mapping[str, str], version: str | None = None) -> Self:
        """The same from a JSON file such as ``examples/proxmox-api.json``."""
        return cls(json.loads(file.read_text(encoding="utf-8")), tokens=tokens, version=version)

    def inject(self, fault: Fault) -> None:
        """Let a fault hit the calls that its pattern names."""
        if fault.kind == "stale":
            self.frozen = deepcopy(self.state)
        self.faults.add(fault)

    def settle(self) -> None:
        """Do what is due: the work of tasks whose time has come."""
        if self.site.tasks.settle():
            self.access = Access.of(self.state, secrets=self.tokens)

    def move(self, vm_id: int, node: str) -> None:
        """High availability moves a guest behind everybody's back. Raises KeyError for one that is not there."""
        self.site.own()
        guest = self.site.guest(vm_id)
        if guest is None or node not in self.site.nodes():
            raise KeyError(vm_id if guest is None else node)
        moving.carry(self.site, guest, node, None)

    def lose_agent(self, vm_id: int, seconds: float) -> None:
        """The agent of a guest restarts and is silent for so many seconds. Raises KeyError for an unknown guest."""
        self.site.own()
        power.lost_agent(self.site, vm_id, seconds)

    async def _serve(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX).rstrip("/") or "/"
        self.calls.append(f"{request.method} {path}")
        if not request.url.path.startswith(PREFIX):
            return login_page()
        fault = self.faults.next(path, request.method)
        if fault is not None and (spoilt := await spoil(fault, request)) is not None:
            return spoilt
        try:
            body = {"data": self._answer(request, path, await _sent(request), fault)}
        except ApiError as error:
            return JSONResponse(error.body(), status_code=error.status)
        if fault is not None and fault.kind == "lost":
            return JSONResponse(ApiError(596, "Broken pipe").body(), status_code=596)
        if fault is not None and fault.kind == "truncated":
            text = json.dumps(body)
            return Response(text[: len(text) // 2], media_type="application/json;charset=UTF-8")
        return JSONResponse(body, media_type="application/json;charset=UTF-8")

    def _answer(self, request: Request, path: str, sent: Given, fault: Fault | None) -> Json:
        verb = request.method
        method, variables = self.schema.find(verb, path)
        if method.template == "/access/ticket":
            return self.login.ticket({name: str(value) for name, value in sent.items()})
        auth = self.login.who(self.access, verb, request.headers, request.cookies)
        self.settle()
        given = _parameters(request, variables, sent)
        if method.user is None and method.check is not None:
            self.access.judge(auth, method.check, {name: str(value) for name, value in given.items()})
        self._reach(variables.get("node"))
        values = method.verify(given)
        stale = fault is not None and fault.kind == "stale"
        seen = self.frozen if stale else self.state
        call = Call(
            path=path, values=values, auth=auth, access=self.access, state=seen,
            offline=frozenset(self.offline), major=self.major,
        )  # fmt: skip
        act = ACTS.get((verb, method.template))
        if act is None:
            return read(call, template=method.template, returns=method.returns)
        return self._act(
            verb, method, Action(**vars(call), site=self._site(seen), variables=frozenset(variables)), fault
        )

    def _site(self, seen: dict[str, Json]) -> Site:
        return self.site if seen is self.state else Site(seen, self.major, self.site.tasks, self.offline)

    def _act(self, verb: str, method: Method, action: Action, fault: Fault | None) -> Json:
        act = ACTS[verb, method.template]
        if verb == "GET":
            return act(action)
        self.site.own()
        self.writes.append((verb, action.path, {name: str(value) for name, value in action.options().items()}))
        if fault is not None and fault.kind == "task":
            self.site.tasks.doom = fault.message or "got timeout"
        try:
            return act(action)
        finally:
            self.site.tasks.doom = None
            self.access = Access.of(self.state, secrets=self.tokens)

    def _reach(self, node: str | None) -> None:
        if node is None:
            return
        known = {row["node"] for row in self.state["cluster/resources"] if row["type"] == "node"}
        if node not in known:
            raise ApiError(500, f"hostname lookup '{node}' failed - failed to get address info for: {node}")
        if node in self.offline:
            raise ApiError(595, "No route to host")


def _with_agent(state: Mapping[str, Json]) -> set[int]:
    """The guests whose configuration asks for an agent: it is taken to be inside."""
    found: set[int] = set()
    for row in state.get("cluster/resources", []):
        config: dict[str, Any] = state.get(f"nodes/{row.get('node')}/qemu/{row.get('vmid')}/config", {})
        if row["type"] == "qemu" and addresses.agent_enabled(config):
            found.add(row["vmid"])
    return found


async def _sent(request: Request) -> Given:
    """The parameters of a body, form-encoded (with or without a Content-Type) or JSON."""
    if request.method == "GET":
        return {}
    raw = await request.body()
    if not raw:
        return {}
    if "application/json" in request.headers.get("content-type", ""):
        return _of_json(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ApiError(400, "unable to decode the request body") from None
    return _grouped(parse_qsl(text, keep_blank_values=True))


def _of_json(raw: bytes) -> Given:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise ApiError(400, f"unable to parse json: {error}") from None
    if not isinstance(found, dict):
        raise ApiError(400, "unable to parse json: not an object")
    return {str(name): _text(value) for name, value in found.items() if value is not None}


def _text(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return str(int(value)) if isinstance(value, bool) else str(value)


def _grouped(pairs: list[tuple[str, str]]) -> Given:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _parameters(request: Request, variables: Mapping[str, str], sent: Given) -> Given:
    given = dict(request.query_params) | sent
    for name, value in variables.items():
        if name in given and given[name] != value:
            raise ApiError(400, f"Parameter verification failed - duplicate parameter '{name}'")
    return given | dict(variables)
