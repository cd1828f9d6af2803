"""The web server: GitHub's door, and pages about what happened behind it.

In: HTTP. Out: accepted events in the ledger, documents about commands. Never: a start without a secret, a heavy import,
an outside call.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.meters import Meters
from bot.web.door import BODY_CAP, PATH, SECONDS, Door
from bot.web.pages import Books, Now, pages, utc_now
from bot.web.recommendations import Recommend
from bot.web.replies import SAFE

__all__ = ["BODY_CAP", "SECONDS", "Books", "Recommend", "tune_process", "web_app"]

_SWITCH = 0.0005
"""Seconds."""


def web_app(
    ledger: Books,
    *,
    secrets: Sequence[str],
    meters: Meters,
    api_token: str | None,
    body_seconds: float = SECONDS,
    now: Now = utc_now,
    recommend: Recommend | None = None,
) -> ASGIApp:
    """The ASGI application. ``secrets`` are the current webhook secret and, during rotation, the old one.

    ``body_seconds``: within these a delivery has to be there and stored. ``api_token`` opens ``/jobs`` and ``/audit``;
    without one they stay shut. ``recommend`` answers ``/v1/recommendations``, which does not exist without it. Raises
    ValueError without a secret.
    """
    keys = tuple(secret.encode() for secret in secrets if secret)
    if not keys:
        raise ValueError("a webhook secret is required: set AI_PROVISION_WEBHOOK_SECRET")
    door = Door(ledger, keys=keys, meters=meters, seconds=body_seconds)
    rest = pages(ledger, door=door, meters=meters, api_token=api_token, now=now, recommend=recommend)
    return _House(door, rest)


def tune_process() -> None:
    """Set the interpreter up for a process that serves nothing but this; call it once, when everything is imported.

    The ledger's thread gets the interpreter back after half a millisecond instead of five while deliveries pour in, and
    the garbage collector stops looking through what was imported.
    """
    sys.setswitchinterval(_SWITCH)
    gc.collect()
    gc.freeze()


class _House:
    """GitHub's path goes straight to the door; everything else through the routes."""

    def __init__(self, door: Door, rest: ASGIApp) -> None:
        self._door = door
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._door(scope, receive, send)
        elif scope["type"] == "http":
            await self._rest(scope, receive, _safely(send))
        else:
            await self._rest(scope, receive, send)


def _safely(send: Send) -> Send:
    """Adds the headers that every answer carries."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name for name, _ in message.get("headers", [])}
            added = [(name.encode(), value.encode()) for name, value in SAFE.items() if name.encode() not in there]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return sending
