"""The one path that GitHub knocks at: count the bytes, check the signature, store, 202.

In: a delivery over HTTP. Out: a raw event on disk, and then the answer. Never: JSON parsing, an outside call, a 202
before the event is stored, a route table in between (this path is measured in ``benchmarks/webhook_ack.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import queue
import re
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

from bot.errors import Code, Unavailable
from bot.meters import Meters, Result
from bot.model.command import RawEvent
from bot.records import Inbox, Receipt
from bot.web.arrivals import Arrivals
from bot.web.replies import SAFE, error_document, refusal

PATH: Final = "/webhooks/github"
BODY_CAP: Final = 2 * 1024 * 1024
"""Bytes; GitHub itself sends at most 25 MB, a comment is far below this."""
SECONDS: Final = 8.0
"""GitHub gives up after ten: what drips longer is not from GitHub (408), and a ledger that is slower is answered for
(503) while GitHub still listens; the redelivery is then ``seen``."""
COMMANDS: Final = frozenset(
    {b"issue_comment", b"issues", b"pull_request", b"pull_request_review", b"pull_request_review_comment"}
)
"""Events in which a command may stand."""
NOTICES: Final = frozenset({b"installation", b"installation_repositories", b"push", b"workflow_run"})
"""Events that change what the bot knows."""
_EVENTS: Final = COMMANDS | NOTICES
_QUIET: Final = frozenset({b"installation", b"installation_repositories"})
"""Stored like the rest and answered 204: no answer in a thread will follow."""
_DELIVERY: Final = re.compile(rb"[0-9A-Za-z._-]{1,100}")
HELD_CAP: Final = 256 * 1024 * 1024
"""Bytes of all bodies together that are in memory; more is answered 503, so that no crowd can fill it."""
_LINGER: Final = 5.0
"""Seconds in which a refused sender may finish."""
_SWALLOWED: Final = 64 * 1024 * 1024
"""Bytes read and thrown away after a refusal, so that the sender reads the answer and not a reset connection."""


class Answer(NamedTuple):
    """A prepared answer; ``result`` is how it is counted, ``last``: the connection ends with it."""

    result: Result
    status: int
    body: bytes = b""
    extra: tuple[tuple[bytes, bytes], ...] = ()
    last: bool = False

    def headers(self) -> list[tuple[bytes, bytes]]:
        """A list of its own for every answer, because the layers around may add to it."""
        fixed = _SAFE if self.status == 204 else [*_SAFE, (b"content-length", b"%d" % len(self.body))]
        return [*fixed, *self.extra, *(_CLOSE if self.last else ())]


def _told(code: Code, message: str, remedy: str) -> bytes:
    return error_document(refusal(code, message, remedy)).model_dump_json().encode()


_SAFE: Final = [(name.encode(), value.encode()) for name, value in SAFE.items()]
_CLOSE: Final = ((b"connection", b"close"),)
_JSON: Final = (b"content-type", b"application/json")
_LATER: Final = (b"retry-after", b"60")

_IGNORED: Final = Answer("ignored", 204)
_UNSIGNED: Final = Answer("unsigned", 401)
_GONE: Final = Answer("gone", 400, last=True)
_NAMELESS: Final = Answer(
    "nameless",
    400,
    _told(Code.SYNTAX, "X-GitHub-Delivery is missing or malformed.", "Send the header as GitHub does."),
    (_JSON,),
)
_SLOW: Final = Answer(
    "slow", 408, _told(Code.SIZE, "The body came too slowly.", "Send it faster."), (_JSON,), last=True
)
_ALTERED: Final = Answer(
    "altered",
    409,
    _told(Code.DUP, "This delivery id was stored before with another body.", "Look for who replays deliveries."),
    (_JSON,),
)
_TOO_BIG: Final = Answer(
    "too-big", 413, _told(Code.SIZE, "The body is over 2 MB.", "Send the events of the manifest."), (_JSON,), last=True
)
_WRONG_TYPE: Final = Answer(
    "wrong-type",
    415,
    _told(Code.TYPE, "The body is not plain JSON.", "Set the webhook's content type to application/json."),
    (_JSON,),
    last=True,
)
_FULL: Final = Answer(
    "full",
    503,
    _told(Code.RATE, "Too many deliveries wait to be stored.", "Redeliver later."),
    (_JSON, _LATER),
    last=True,
)
_DOWN: Final = Answer(
    "down", 503, _told(Code.INTERNAL, "The delivery could not be stored.", "Redeliver later."), (_JSON, _LATER)
)
_RECEIPTS: Final[dict[Receipt, Answer]] = {
    "stored": Answer("stored", 202),
    "seen": Answer("seen", 202),
    "altered": _ALTERED,
}
_NOTED: Final[dict[Receipt, Answer]] = {
    "stored": Answer("stored", 204),
    "seen": Answer("seen", 204),
    "altered": _ALTERED,
}


class Door:
    """A raw ASGI application for ``POST /webhooks/github``. ``seconds``: within these an answer is due."""

    def __init__(self, inbox: Inbox, *, keys: Sequence[bytes], meters: Meters, seconds: float = SECONDS) -> None:
        self._keys = tuple(keys)
        self._meters = meters
        self._seconds = seconds
        self._arrivals = Arrivals(inbox)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery."""
        began = time.perf_counter()
        body = _Body(receive)
        try:
            answer = await self._in_time(dict(scope["headers"]), body)
        finally:
            self._held -= body.size
        await _send(answer, body, send)
        self._meters.webhook(answer.result)
        if answer.status == 202:
            self._meters.ack(time.perf_counter() - began)

    async def _in_time(self, headers: dict[bytes, bytes], body: _Body) -> Answer:
        """One deadline for the sender and for the ledger: GitHub counts both together."""
        try:
            async with asyncio.timeout(self._seconds):
                return _at_first_sight(headers) or await self._read(body) or await self._take(headers, body.whole())
        except TimeoutError:
            return _SLOW if body.more else _down(headers, "TimeoutError")
        except queue.Full:
            return _FULL
        except Unavailable as stop:
            return _down(headers, str(stop.code))

    async def _read(self, body: _Body) -> Answer | None:
        """Take the body in, counted while it comes."""
        while body.more:
            taken = await body.take()  # apart from the addition, which must not span a wait
            self._held += taken
            if body.size > BODY_CAP:
                return _TOO_BIG
            if self._held > HELD_CAP:
                return _FULL
        return _GONE if body.gone else None

    async def _take(self, headers: dict[bytes, bytes], raw: bytes) -> Answer:
        """Check the signature and store."""
        if not _signed(raw, headers.get(b"x-hub-signature-256", b""), self._keys):
            return _UNSIGNED
        event, delivery = headers.get(b"x-github-event", b""), headers.get(b"x-github-delivery", b"")
        if event not in _EVENTS:
            return _IGNORED
        if not _DELIVERY.fullmatch(delivery):
            return _NAMELESS
        seen = RawEvent(delivery_id=delivery.decode(), event=event.decode(), body=raw)
        receipt = await self._arrivals.stored(seen)
        if receipt == "altered":
            _log().warning("altered-delivery", delivery=seen.delivery_id, github_event=seen.event)
        return (_NOTED if event in _QUIET else _RECEIPTS)[receipt]


class _Body:
    """A request's body as it comes in; ``size`` in bytes, ``gone``: the sender hung up."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._chunks: list[bytes] = []
        self.size = 0
        self.more = True
        self.gone = False

    async def take(self, *, keep: bool = True) -> int:
        """Wait for the next piece; returns its length."""
        message = await self._receive()
        self.gone = message["type"] != "http.request"
        self.more = message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        if keep:
            self._chunks.append(chunk)
            self.size += len(chunk)
        return len(chunk)

    def whole(self) -> bytes:
        """Everything that was kept."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def swallow(self) -> None:
        """Read what the sender still sends, within limits: closing at once would reset the connection and could take
        the answer with it.
        """
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while self.more and size < _SWALLOWED:
                    size += await self.take(keep=False)


async def _send(answer: Answer, body: _Body, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers()})
    if answer.last and answer is not _SLOW:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await body.swallow()
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": answer.body})


def _at_first_sight(headers: dict[bytes, bytes]) -> Answer | None:
    """What the headers alone rule out."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" or b"content-encoding" in headers:
        return _WRONG_TYPE
    length = headers.get(b"content-length", b"0")
    return None if length.isdigit() and len(length) <= 12 and int(length) <= BODY_CAP else _TOO_BIG


def _down(headers: dict[bytes, bytes], reason: str) -> Answer:
    delivery = headers.get(b"x-github-delivery", b"").decode("latin-1")
    _log().error("not-stored", delivery=delivery, reason=reason)
    return _DOWN


def _log() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("ai_provision.webhook")
    return logger


def _signed(body: bytes, given: bytes, keys: Sequence[bytes]) -> bool:
    """HMAC-SHA-256 over the raw bytes, compared in constant time with every key."""
    expected = [b"sha256=" + hmac.digest(key, body, "sha256").hex().encode() for key in keys]
    return sum(hmac.compare_digest(one, given) for one in expected) > 0
