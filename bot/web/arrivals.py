"""Brings receipts from the ledger's thread to the event loop, many with one wake-up.

In: futures of the ledger. Out: their results, awaited. Never: one wake-up for each of a group that was stored together
(at thousands of deliveries a second those cost more than the signatures).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Future
from functools import partial

from bot.errors import Code, Unavailable
from bot.records import Receipt


class Arrivals:
    """Waiters of one event loop at a time."""

    def __init__(self) -> None:
        self._landing: _Landing | None = None

    def of(self, stored: Future[Receipt]) -> asyncio.Future[Receipt]:
        """The receipt, to be awaited on this loop; it raises what the ledger raised."""
        loop = asyncio.get_running_loop()
        landing = self._landing
        if landing is None or landing.loop is not loop:
            landing = self._landing = _Landing(loop)
        waiter: asyncio.Future[Receipt] = loop.create_future()
        stored.add_done_callback(partial(landing.landed, waiter))
        return waiter


class _Landing:
    """Where the ledger's thread and the loop meet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._done: deque[tuple[asyncio.Future[Receipt], Future[Receipt]]] = deque()
        self._called = False

    def landed(self, waiter: asyncio.Future[Receipt], stored: Future[Receipt]) -> None:
        """Called by the ledger's thread, once for each event."""
        self._done.append((waiter, stored))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._called = False  # before the first look, so that what lands from now on calls again
        while self._done:
            waiter, stored = self._done.popleft()
            if not waiter.done():
                _settle(waiter, stored)


def _settle(waiter: asyncio.Future[Receipt], stored: Future[Receipt]) -> None:
    if stored.cancelled():
        waiter.set_exception(Unavailable(Code.INTERNAL, "the ledger stopped", remedy="Redeliver later."))
    elif (problem := stored.exception()) is not None:
        waiter.set_exception(problem)
    else:
        waiter.set_result(stored.result())
