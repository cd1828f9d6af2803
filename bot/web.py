"""The webhook server: verify, store, 202.

In: HTTP. Out: accepted events in the inbox. Never: JSON parsing, an outside call or a heavy import before the answer; a
start without a secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import queue
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from bot.model.command import RawEvent
from bot.ports import Inbox

BODY_CAP: Final = 2 * 1024 * 1024
"""Bytes; GitHub itself sends at most 25 MB, a comment is far below this."""
BODY_SECONDS: Final = 10.0
"""GitHub gives up after ten seconds, so nothing that drips longer is from GitHub."""
_EVENTS: Final = frozenset({"issue_comment", "issues", "pull_request"})


def web_app(desk: Inbox, *, secrets: Sequence[str], body_seconds: float = BODY_SECONDS) -> FastAPI:
    """The ASGI application. ``secrets`` are the current webhook secret and, during rotation, the old one.

    Raises ValueError without a secret.
    """
    keys = tuple(secret.encode() for secret in secrets if secret)
    if not keys:
        raise ValueError("a webhook secret is required: set AI_PROVISION_WEBHOOK_SECRET")
    app = FastAPI(title="ai-provision", docs_url=None, redoc_url=None)

    @app.post("/webhooks/github", status_code=202, response_class=Response)
    async def webhook(request: Request) -> Response:
        return await _webhook(request, desk, keys=keys, seconds=body_seconds)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, int | str]:
        return {"status": "ok", "waiting": desk.waiting}

    return app


async def _webhook(request: Request, desk: Inbox, *, keys: Sequence[bytes], seconds: float) -> Response:
    headers = request.headers
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json" or headers.get(
        "content-encoding"
    ):
        return Response(status_code=415)
    body = await _read(request, seconds)
    if isinstance(body, Response):
        return body
    if not _signed(body, headers.get("x-hub-signature-256", ""), keys):
        return Response(status_code=401)
    event, delivery = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
    if event not in _EVENTS or not 0 < len(delivery) <= 100:
        return Response(status_code=204)
    try:
        desk.accept(RawEvent(delivery_id=delivery, event=event, body=body))
    except queue.Full:
        return Response(status_code=503, headers={"retry-after": "60"})
    return Response(status_code=202)


async def _read(request: Request, seconds: float) -> bytes | Response:
    """The body, counted while it comes in."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_CAP:
        return Response(status_code=413)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > BODY_CAP:
                    return Response(status_code=413, headers={"connection": "close"})
                chunks.append(chunk)
    except TimeoutError:
        return Response(status_code=408, headers={"connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)
    return b"".join(chunks)


def _signed(body: bytes, header: str, keys: Sequence[bytes]) -> bool:
    """HMAC-SHA-256 over the raw bytes, compared in constant time with every key."""
    given = header.encode("utf-8", "surrogateescape")
    expected = [b"sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest().encode() for key in keys]
    return sum(hmac.compare_digest(one, given) for one in expected) > 0
