"""The emulated GitHub as an ASGI application: credentials, limits, faults, pages and tags around the operations.

In: HTTP. Out: HTTP as GitHub answers. Never: an answer to a route that it does not know (404, and recorded).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.emulators.github import apps, githttp
from bot.emulators.github.answers import ApiError, CallRecord, Reply
from bot.emulators.github.appcalls import APP_OPERATIONS, AS_APP
from bot.emulators.github.faults import Fault
from bot.emulators.github.operations import OPERATIONS, Call, Operation
from bot.emulators.github.site import Site
from bot.emulators.github.state import Token

_JSON = "application/json; charset=utf-8"
_BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")

Answer = Callable[[Request], Awaitable[Response]]


def application(site: Site, lock: threading.RLock, send: Callable[[], None]) -> ASGIApp:
    """The whole of it. ``lock`` guards the state against the threads that change it directly; ``send`` empties the
    outbox of webhooks after each call.
    """
    git = "/{owner}/{name}.git"
    pushed = githttp.Pushes(site, lock, send)
    routes = [
        *(_rest(site, operation, lock, send) for operation in (*OPERATIONS, *APP_OPERATIONS)),
        Route(git + "/info/refs", _watched(site, _bound(githttp.advertise, site)), methods=["GET"]),
        Route(git + "/git-upload-pack", _watched(site, _bound(githttp.serve, site)), methods=["POST"]),
        Route(git + "/git-receive-pack", _watched(site, pushed.serve), methods=["POST"]),
        Route(
            "/{rest:path}", _watched(site, _bound(_unknown, site)), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
        ),
    ]
    return _ById(Starlette(routes=routes), site)


class _ById:
    """``/repositories/{id}/…`` is where GitHub redirects calls of renamed repositories to."""

    def __init__(self, inner: ASGIApp, site: Site) -> None:
        self._inner = inner
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _BY_ID.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if match:
            names = (repo.full_name for repo in self._site.world.repositories.values() if repo.id == int(match[1]))
            scope = {**scope, "path": f"/repos/{next(names, 'nobody/nothing')}{match[2] or ''}"}
        await self._inner(scope, receive, send)


def _bound(answer: Callable[[Site, Request], Awaitable[Response]], site: Site) -> Answer:
    async def act(request: Request) -> Response:
        return await answer(site, request)

    return act


def _rest(site: Site, operation: Operation, lock: threading.RLock, send: Callable[[], None]) -> Route:
    async def act(request: Request) -> Response:
        body = await request.body()
        response = await run_in_threadpool(_answer, site, operation, request, body, lock)
        await run_in_threadpool(send)
        return response

    watched = _watched(site, act, creates=operation.creates)
    return Route(operation.path, watched, methods=[operation.method])


def _watched(site: Site, answer: Answer, *, creates: bool = False) -> Answer:
    """Record the call and let the planned faults happen."""

    async def act(request: Request) -> Response:
        fault = site.faults.due(request.method, request.url.path)
        if fault is None:
            response = await answer(request)
            _record(site, request, response.status_code, creates=creates)
            return _dated(site, response)
        if fault.after_processing:
            await answer(request)
        _record(site, request, fault.status or 500, creates=creates)
        return _dated(site, await _happen(fault))

    return act


def _dated(site: Site, response: Response) -> Response:
    response.headers.setdefault("date", format_datetime(site.clock.now(), usegmt=True))
    return response


def _record(site: Site, request: Request, status: int, *, creates: bool) -> None:
    number = len(site.calls) + 1
    site.calls.append(CallRecord(number, request.method, request.url.path, request.url.query, status, creates))


async def _happen(fault: Fault) -> Response:
    await asyncio.sleep(fault.hang)
    body = fault.body if fault.body is not None else {"message": "Server Error"}
    if isinstance(body, str):
        return Response(body, fault.status or 500, dict(fault.headers), media_type="text/html")
    return Response(json.dumps(body), fault.status or 500, dict(fault.headers), media_type=_JSON)


async def _unknown(site: Site, request: Request) -> Response:
    site.unknown.append(f"{request.method} {request.url.path}")
    return Response(json.dumps(ApiError(404, "Not Found").body()), 404, media_type=_JSON)


def _answer(site: Site, operation: Operation, request: Request, body: bytes, lock: threading.RLock) -> Response:
    with lock:
        now = site.clock.now()
        who = request.client.host if request.client else "nobody"
        try:
            token = _authenticate(site, operation, request)
            who = token.spender
            moved = _moved(site, request)
            if moved is not None:
                return moved
            site.limits.charge(who, request.method, creates=operation.creates, now=now)
            reply = operation.act(_call(site, operation, token, request, body))
        except ApiError as error:
            headers = {**site.limits.headers(who, now), **error.headers}
            return Response(json.dumps(error.body()), error.status, headers, media_type=_JSON)
        response = _finish(reply, request)
        if response.status_code == 304:
            site.limits.refund(who)
        response.headers.update(site.limits.headers(who, now))
        return response


def _authenticate(site: Site, operation: Operation, request: Request) -> Token:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise ApiError(401, "Requires authentication")
    if operation.permission[0] == AS_APP:
        return apps.signed(site, value)
    token = site.token(value)
    if token is None or scheme.lower() not in {"bearer", "token"}:
        raise ApiError(401, "Bad credentials")
    return token


def _moved(site: Site, request: Request) -> Response | None:
    """A renamed repository: 301 for reads, 307 for writes."""
    old = f"{request.path_params.get('owner')}/{request.path_params.get('name')}"
    repo = site.world.repository(site.world.renamed.get(old.lower(), ""))
    if repo is None or site.world.repository(old) is not None:
        return None
    rest = request.url.path.removeprefix(f"/repos/{old}")
    query = f"?{request.url.query}" if request.url.query else ""
    target = f"{_base(request)}/repositories/{repo.id}{rest}{query}"
    body = {"message": "Moved Permanently", "url": target, "documentation_url": "https://docs.github.com/rest"}
    return Response(json.dumps(body), 301 if request.method == "GET" else 307, {"location": target}, media_type=_JSON)


def _call(site: Site, operation: Operation, token: Token, request: Request, body: bytes) -> Call:
    params = {name: str(value) for name, value in request.path_params.items()}
    call = Call(
        site=site,
        token=token,
        params={"path": "", **params},
        query=dict(request.query_params),
        data=_data(body or b"{}", operation.bare) if request.method not in {"GET", "DELETE"} else {},
        accept=request.headers.get("accept", ""),
        base=_base(request),
    )
    if "owner" in params:
        call.repo()
    elsewhere = operation.permission[1] == "write" and "owner" in params and not site.covers(call.repo(), token)
    if elsewhere or not any(token.allows(*needed) for needed in (operation.permission, *operation.also)):
        kind = "integration" if token.account.kind == "Bot" else "personal access token"
        needed = {"x-accepted-github-permissions": operation.needs()}
        raise ApiError(403, f"Resource not accessible by {kind}", headers=needed)
    return call


def _data(body: bytes, bare: str) -> Mapping[str, Any]:
    """The JSON object of a request (a list is the field ``bare``); lone surrogates are no text."""
    try:
        data = json.loads(body)
        json.dumps(data, ensure_ascii=False).encode()
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if isinstance(data, list) and bare:
        return {bare: data}
    if not isinstance(data, dict):
        raise ApiError(400, "Body should be a JSON object")
    return data


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _finish(reply: Reply, request: Request) -> Response:
    """Pages, the tag, and 304 when the caller already has it."""
    if reply.status == 204:
        return Response(None, 204, dict(reply.headers))
    if reply.text is not None:
        return Response(reply.text, reply.status, dict(reply.headers), media_type=reply.media)
    data, headers = reply.data, dict(reply.headers)
    if isinstance(data, list):
        data, links = _page(data, request)
        headers.update({"link": links} if links else {})
    if reply.pages:
        rows, links = _page(data[reply.pages], request)
        data = {**data, reply.pages: rows}
        headers.update({"link": links} if links else {})
    body = json.dumps(data).encode()
    headers["etag"] = f'W/"{hashlib.sha256(body).hexdigest()}"'
    if request.method == "GET" and request.headers.get("if-none-match") == headers["etag"]:
        return Response(None, 304, headers)
    return Response(body, reply.status, headers, media_type=reply.media)


def _page(items: list[Any], request: Request) -> tuple[list[Any], str]:
    size = min(100, max(1, _whole(request.query_params.get("per_page"), 30)))
    page = max(1, _whole(request.query_params.get("page"), 1))
    last = max(1, -(-len(items) // size))
    targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = [
        name
        for name in targets
        if (name in {"prev", "first"} and page > 1) or (name in {"next", "last"} and page < last)
    ]
    links = [f'<{_page_url(request, targets[name])}>; rel="{name}"' for name in wanted]
    return items[(page - 1) * size : page * size], ", ".join(links)


def _page_url(request: Request, page: int) -> str:
    query = {**request.query_params, "page": str(page)}
    return f"{_base(request)}{request.url.path}?{urlencode(query)}"


def _whole(value: str | None, default: int) -> int:
    return int(value) if value and value.isdecimal() else default
