"""Between the event loop and the ledger's thread: events over in bursts, receipts back many with one wake-up.

In: events, one at a time. Out: their receipts, awaited. Never: a hand-over or a wake-up for each event alone (at
thousands of deliveries a second those cost more than the signatures, and the ledger would write groups of one).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Future
from functools import partial

from bot.errors import Code, Unavailable
from bot.model.command import RawEvent
from bot.records import Inbox, Receipt

Waiter = asyncio.Future[Receipt]


class Arrivals:
    """Serves one event loop at a time."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._bridge: _Bridge | None = None

    def stored(self, event: RawEvent) -> Waiter:
        """The receipt, to be awaited on this loop; it raises what the ledger raised, queue.Full included."""
        loop = asyncio.get_running_loop()
        bridge = self._bridge
        if bridge is None or bridge.loop is not loop:
            bridge = self._bridge = _Bridge(self._inbox, loop)
        return bridge.send(event)


class _Bridge:
    """The two directions of one loop."""

    def __init__(self, inbox: Inbox, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._inbox = inbox
        self._burst: list[tuple[RawEvent, Waiter]] = []
        self._done: deque[tuple[Waiter, Future[Receipt]]] = deque()
        self._called = False

    def send(self, event: RawEvent) -> Waiter:
        """Take the event along with the others of this turn of the loop."""
        waiter: Waiter = self.loop.create_future()
        if not self._burst:
            self.loop.call_soon(self._submit)
        self._burst.append((event, waiter))
        return waiter

    def _submit(self) -> None:
        burst, self._burst = self._burst, []
        for event, waiter in burst:
            try:
                future = self._inbox.submit(event)
            except Exception as problem:  # noqa: BLE001 - the waiter raises it
                _fail(waiter, problem)
            else:
                future.add_done_callback(partial(self._landed, waiter))

    def _landed(self, waiter: Waiter, stored: Future[Receipt]) -> None:
        """Called by the ledger's thread, once for each event."""
        self._done.append((waiter, stored))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._called = False  # before the first look, so that what lands from now on calls again
        while self._done:
            _settle(*self._done.popleft())


def _settle(waiter: Waiter, stored: Future[Receipt]) -> None:
    if stored.cancelled():
        _fail(waiter, Unavailable(Code.INTERNAL, "the ledger stopped", remedy="Redeliver later."))
    elif (problem := stored.exception()) is not None:
        _fail(waiter, problem)
    elif not waiter.done():
        waiter.set_result(stored.result())


def _fail(waiter: Waiter, problem: BaseException) -> None:
    if not waiter.done():
        waiter.set_exception(problem)
