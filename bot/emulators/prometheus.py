"""A Prometheus that only knows range queries and reads from a script: for the demo, and for faults that a real one has
not got.

In: curves by metric name, faults. Out: an ASGI application and the list of what it was asked. Never: PromQL: an answer
is every curve whose metric the query names, at the moments of its grid.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

Fault = Literal[
    "400", "401", "403", "404", "422", "429", "500", "502", "503", "hang", "drip", "html", "truncated", "cut",
    "schema", "error", "redirect", "endless", "million", "many",
]  # fmt: skip
Curve = Callable[[float], float | str | None]

_PATH: Final = "/api/v1/query_range"
_MILLION: Final = 1_000_000
_MANY: Final = 3_000
_KINDS: Final = {"400": "bad_data", "422": "execution", "503": "timeout"}
_GOSSIP: Final = "at http://10.20.30.40:9090 for token emulated-secret"
"""What a careless server says about an error; it must never reach a message."""


@dataclass(frozen=True)
class Line:
    """One series: its labels, and its value at a moment (Unix time); None is no sample. Text goes out as it is."""

    labels: Mapping[str, str]
    curve: Curve


@dataclass
class PrometheusEmulator:
    """``faults`` are used up from the front, one per request, None for a whole answer; ``always`` comes after
    them. ``authorization``: what that header has to hold.
    """

    lines: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    warnings: Sequence[Any] = ()
    authorization: str | None = None
    hang_seconds: float = 5.0
    retry_after: str = "1"
    queries: list[dict[str, str]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """The application to serve."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.queries.append(form)
        fault = self.faults.pop(0) if self.faults else self.always
        if fault is not None:
            return await self._broken(fault, form)
        if self.authorization is not None and request.headers.get("Authorization") != self.authorization:
            return _error(401)
        if request.method != "POST" or not request.url.path.endswith(_PATH):
            return _error(404)
        return JSONResponse(self._envelope(form))

    def _envelope(self, form: Mapping[str, str]) -> dict[str, Any]:
        moments = _moments(form)
        found = [line for name, lines in self.lines.items() if name in form.get("query", "") for line in lines]
        rows = [_row(line, moments) for line in found]
        data = {"resultType": "matrix", "result": [row for row in rows if row["values"]]}
        return {"status": "success", "data": data, **({"warnings": list(self.warnings)} if self.warnings else {})}

    async def _broken(self, fault: Fault, form: Mapping[str, str]) -> Response:
        if fault == "hang":
            await asyncio.sleep(self.hang_seconds)
            return _error(503)
        if fault.isdecimal() and fault != "502":
            return _error(int(fault), {"Retry-After": self.retry_after} if fault == "429" else {})
        whole = json.dumps(self._envelope(form)).encode()
        streams: dict[str, AsyncIterator[bytes]] = {
            "drip": _drops(whole), "endless": _endless(), "million": _series(_MILLION), "many": _series(_MANY),
        }  # fmt: skip
        if fault in streams:
            return StreamingResponse(streams[fault], media_type="application/json")
        return _odd(fault, whole)


def _odd(fault: Fault, whole: bytes) -> Response:
    if fault in {"html", "502"}:
        return HTMLResponse(f"<html><h1>Bad Gateway {_GOSSIP}</h1></html>", status_code=502 if fault == "502" else 200)
    if fault == "truncated":
        return Response(whole[: len(whole) // 2], media_type="application/json")
    if fault == "cut":
        return Response(whole[:20], media_type="application/json", headers={"Content-Length": str(len(whole))})
    if fault == "schema":
        return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": {"surprise": 1}}})
    if fault == "redirect":
        return RedirectResponse("http://127.0.0.1:1/elsewhere")
    return JSONResponse({"status": "error", "errorType": "internal", "error": _GOSSIP})


def _error(code: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"status": "error", "errorType": _KINDS.get(str(code), "internal"), "error": _GOSSIP}
    return JSONResponse(body, status_code=code, headers=dict(headers or {}))


def _moments(form: Mapping[str, str]) -> list[int]:
    try:
        start, end, step = (int(float(form[name])) for name in ("start", "end", "step"))
    except (KeyError, ValueError):
        return []
    return list(range(start, end + 1, step)) if step > 0 else []


def _row(line: Line, moments: Sequence[int]) -> dict[str, Any]:
    values = [[at, str(value)] for at in moments if (value := line.curve(at)) is not None]
    return {"metric": dict(line.labels), "values": values}


async def _drops(whole: bytes) -> AsyncIterator[bytes]:
    for at in range(len(whole)):
        yield whole[at : at + 1]
        await asyncio.sleep(0.05)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"status":"success","data":{"resultType":"matrix","result":["'
    while True:
        yield b"x" * 1_000_000
        await asyncio.sleep(0)


async def _series(count: int) -> AsyncIterator[bytes]:
    yield b'{"status":"success","data":{"resultType":"matrix","result":['
    for start in range(0, count, 1_000):
        rows = (f'{{"metric":{{"pod":"shop-{at}"}},"values":[[1,"1"]]}}' for at in range(start, start + 1_000))
        yield (",".join(rows) + ("," if start + 1_000 < count else "")).encode()
        await asyncio.sleep(0)
    yield b"]}}"
