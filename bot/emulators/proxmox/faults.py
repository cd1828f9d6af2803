"""Faults on demand: what an API, a proxy or a node does on a bad day.

In: a pattern on paths, a kind, a count. Out: which fault hits a call. Never: a fault that nobody asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse

from bot.emulators.proxmox.answers import ApiError

Kind = Literal[
    "401", "403", "429", "500", "502-html", "503", "595", "596", "hang", "null", "login-page", "truncated", "redirect",
    "drip", "huge", "garbage", "lock", "task", "stale", "lost",
]  # fmt: skip
"""``lock``: the write finds the guest locked. ``task``: the write begins a task that ends with ``message``. ``stale``:
a read answers from the day the fault was injected. ``lost``: the write happens and its answer is lost."""

ERRORS: Final[dict[str, tuple[int, str]]] = {
    "401": (401, "No ticket"),
    "403": (403, "Permission check failed"),
    "429": (429, "Too Many Requests"),
    "500": (500, "got timeout"),
    "503": (503, "Service Unavailable"),
    "595": (595, "No route to host"),
    "596": (596, "Connection timed out"),
}
_OF_WRITES: Final = frozenset({"lock", "task", "lost"})
_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>pve1 - Proxmox Virtual Environment</title></head><body></body></html>"
)
_HUGE_CHUNKS: Final = 1024
_DRIP_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Fault:
    """``path`` is a regular expression on the API path, ``count`` how many calls it hits (None: all).

    ``verb`` spares the calls of other verbs.
    """

    path: str
    kind: Kind
    count: int | None = None
    message: str | None = None
    verb: str | None = None

    def meets(self, path: str, verb: str) -> bool:
        """True when a call is of those that the fault may hit."""
        if (self.kind in _OF_WRITES and verb == "GET") or (self.kind == "stale" and verb != "GET"):
            return False
        return self.verb in {None, verb} and re.search(self.path, path) is not None


@dataclass
class Faults:
    """The faults of one emulator and how often each has hit."""

    planned: list[Fault] = field(default_factory=list)
    hits: dict[Fault, int] = field(default_factory=dict)

    def add(self, fault: Fault) -> None:
        """Let a fault hit from now on."""
        self.planned.append(fault)

    def clear(self) -> None:
        """A good day again."""
        self.planned.clear()
        self.hits.clear()

    def next(self, path: str, verb: str = "GET") -> Fault | None:
        """The first fault that still hits this call; counts it."""
        for fault in self.planned:
            used = self.hits.get(fault, 0)
            if (fault.count is None or used < fault.count) and fault.meets(path, verb):
                self.hits[fault] = used + 1
                return fault
        return None


def login_page() -> Response:
    """The web page that answers 200 where an API was expected."""
    return Response(_PAGE, media_type="text/html; charset=utf-8")


async def spoil(fault: Fault, request: Request) -> Response | None:
    """The whole answer of a fault, or None where the fault spoils the true answer (``truncated``)."""
    if fault.kind in ERRORS:
        status, message = ERRORS[fault.kind]
        return JSONResponse(ApiError(status, fault.message or message).body(), status_code=status)
    if fault.kind == "lock":
        return JSONResponse(ApiError(500, fault.message or _locked(request.url.path)).body(), status_code=500)
    answer = _ANSWERS.get(fault.kind)
    return None if answer is None else await answer(request)


def _locked(path: str) -> str:
    """How Proxmox VE says that a guest's file could not be locked in time."""
    match = re.search(r"/(qemu|lxc)/(\d+)", path)
    folder, number = ("lxc", match[2]) if match and match[1] == "lxc" else ("qemu-server", match[2] if match else "0")
    return f"can't lock file '/var/lock/{folder}/lock-{number}.conf' - got timeout"


async def _login_page(_: Request) -> Response:
    return login_page()


async def _null(_: Request) -> Response:
    return JSONResponse({"data": None})


async def _bad_gateway(_: Request) -> Response:
    return Response(b"<html><h1>502 Bad Gateway</h1></html>", status_code=502, media_type="text/html")


async def _redirect(_: Request) -> Response:
    return RedirectResponse("https://elsewhere.example/api2/json", status_code=301)


async def _garbage(_: Request) -> Response:
    return Response(b"\x00\xff not JSON", media_type="application/json")


async def _hang(request: Request) -> Response:
    message: Mapping[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = await request.receive()
    return PlainTextResponse("gone", status_code=504)


async def _huge(_: Request) -> Response:
    return StreamingResponse(_chunks(), media_type="application/json")


async def _drip(request: Request) -> Response:
    return StreamingResponse(_drops(request), media_type="application/json")


async def _chunks() -> AsyncIterator[bytes]:
    yield b'{"data":"'
    for _ in range(_HUGE_CHUNKS):
        yield b"x" * 65536
    yield b'"}'


async def _drops(request: Request) -> AsyncIterator[bytes]:
    yield b'{"data":['
    while not await request.is_disconnected():
        yield b" "
        await asyncio.sleep(_DRIP_SECONDS)


_ANSWERS: Final[Mapping[str, Callable[[Request], Awaitable[Response]]]] = {
    "login-page": _login_page,
    "null": _null,
    "502-html": _bad_gateway,
    "redirect": _redirect,
    "garbage": _garbage,
    "hang": _hang,
    "huge": _huge,
    "drip": _drip,
}
