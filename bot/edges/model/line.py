"""The line to a model's server: every byte of a question and its answer passes here, and every limit is kept here.

In: requests of the client libraries. Out: a whole answer of at most 1 MB that is a JSON object, or ``Trouble``. Never:
a header that nobody here wrote (the libraries read some from the environment), another host, a redirect, compressed
bytes that grow, an answer that is held when it is too large.

The libraries hold no key: it is added here. Their own repeats are off; those of the fault matrix are made here, so that
a question with tools is not begun anew because one of its calls failed.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx2

from bot.edges.model.faults import Trouble, judge, tokens
from bot.edges.model.party import is_local
from bot.edges.model.tally import Tally
from bot.ports import Clock

MOST_BYTES: Final = 1_000_000
_BACKOFF: Final = 30.0
_KEPT: Final = frozenset({"host", "accept", "content-type", "content-length", "user-agent"})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Waiting and its limits, in seconds.

    ``connect``: for the connection; ``idle``: between two pieces of an answer; ``share``: how much of what is left the
    first try may wait for the beginning of an answer; ``rate``: the longest wait that a server may ask for;
    ``outside``: for one tool server of other people. ``sleep`` waits, ``chance`` gives a number from 0 to 1.
    """

    connect: float = 5.0
    idle: float = 15.0
    share: float = 2 / 3
    rate: float = 30.0
    outside: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


PACE: Final = Pace()


class Line(httpx2.AsyncBaseTransport):
    """The transport of one question."""

    def __init__(self, *, tally: Tally, clock: Clock, trust: ssl.SSLContext, pace: Pace) -> None:
        self._tally = tally
        self._party = tally.party
        self._clock = clock
        self._pace = pace
        self._home = httpx2.URL(self._party.base_url)
        self._inner = httpx2.AsyncHTTPTransport(verify=trust, trust_env=False, proxy=proxy_for(self._party.base_url))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One answer, after as many tries as the fault matrix allows. Raises Trouble, and notes it in the tally."""
        try:
            return await self._tried(self._dressed(request), await request.aread())
        except Trouble as trouble:
            self._tally.stopped = trouble.kind
            self._tally.form_refused = trouble.form
            raise

    def _dressed(self, request: httpx2.Request) -> httpx2.Request:
        if (request.url.scheme, request.url.host, request.url.port) != (
            self._home.scheme,
            self._home.host,
            self._home.port,
        ):
            raise Trouble("unreachable", again=False)
        headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT}
        request.headers = httpx2.Headers(headers | {"accept-encoding": "identity"} | self._party.headers)
        limit = self._pace.connect
        request.extensions = {"timeout": {"connect": limit, "write": limit, "pool": limit, "read": None}}
        return request

    async def _tried(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        waited = 0.0
        failed: dict[str, int] = {}
        while True:
            self._tally.admit(len(body))
            try:
                return await self._once(request, first="timeout" not in failed)
            except Trouble as trouble:
                failed[trouble.kind] = failed.get(trouble.kind, 0) + 1
                wait = self._wait(trouble, sum(failed.values()))
                waited += wait
                over = trouble.kind == "rate" and waited > self._pace.rate
                if failed[trouble.kind] > trouble.retries or over or wait >= self._tally.left():
                    raise
            await self._pace.sleep(wait)

    def _wait(self, trouble: Trouble, tries: int) -> float:
        if trouble.wait is not None:
            return trouble.wait
        return self._pace.chance() * min(_BACKOFF, 2.0 ** (tries - 1))

    async def _once(self, request: httpx2.Request, *, first: bool) -> httpx2.Response:
        answer = await self._begun(request, first=first)
        try:
            body = await self._whole(answer)
        finally:
            await answer.aclose()
        trouble = judge(answer.status_code, answer.headers, body, now=self._clock.now())
        if trouble is not None:
            raise trouble
        counted = tokens(body)
        if counted is None:
            raise Trouble("malformed")
        self._tally.count(counted)
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=body, request=request)

    async def _begun(self, request: httpx2.Request, *, first: bool) -> httpx2.Response:
        """The first byte of an answer: a model that thinks sends none for long, so ``idle`` does not hold yet."""
        patience = self._tally.left() * (self._pace.share if first else 1.0)
        try:
            async with asyncio.timeout(patience):
                return await self._inner.handle_async_request(request)
        except (TimeoutError, httpx2.TimeoutException) as slow:
            raise Trouble("timeout") from slow
        except httpx2.TransportError as broken:
            raise Trouble("tls" if _distrusted(broken) else "unreachable") from broken

    async def _whole(self, answer: httpx2.Response) -> bytes:
        """The body as it was sent, in pieces that come in time and stay below the limit together."""
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise Trouble("malformed", again=False)
        body = bytearray()
        pieces = answer.aiter_raw()
        while piece := await self._piece(pieces):
            body += piece
            if len(body) > MOST_BYTES:
                raise Trouble("malformed", again=False)
        return bytes(body)

    async def _piece(self, pieces: AsyncIterator[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._pace.idle):
                return await anext(pieces, b"")
        except (TimeoutError, httpx2.TimeoutException) as slow:
            raise Trouble("timeout", again=False) from slow
        except httpx2.TransportError as broken:
            raise Trouble("malformed") from broken


def _distrusted(error: BaseException) -> bool:
    """Whether a certificate or the handshake stands behind it; a connection that was cut off is none of these."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def proxy_for(url: str) -> str | None:
    """The computer's own proxy for this address, as the other edges use it; none for this computer."""
    host = httpx2.URL(url).host
    if is_local(url) or proxy_bypass(host):
        return None
    return getproxies().get(httpx2.URL(url).scheme)
