"""Group commit: what waits is written together, by one thread.

In: events. Out: futures of receipts, resolved once the events are on disk. Never: a receipt before the commit; a queue
without a bound; an event that fails because of its neighbour.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from bot.edges.ledger.failures import unavailable
from bot.errors import Unavailable
from bot.model.command import RawEvent
from bot.records import Receipt

WAITING: Final = 10_000
WAITING_BYTES: Final = 256 * 1024 * 1024
_GROUP: Final = 1_000
_GROUP_BYTES: Final = 16 * 1024 * 1024

Store = Callable[[Sequence[RawEvent]], Sequence[Receipt]]
_Waiter = tuple[RawEvent, "Future[Receipt]"]


class GroupWriter:
    """``store`` writes a group in one transaction. The thread starts with the first event: a fork before it is safe."""

    def __init__(self, store: Store, *, waiting: int = WAITING) -> None:
        self._store = store
        self._bound = waiting
        self._waiting: deque[_Waiter] = deque()
        self._bytes = 0
        self._asleep = False
        self._closed = False
        self._wake = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None

    def submit(self, event: RawEvent) -> Future[Receipt]:
        """The receipt to come. Raises queue.Full at once when too many wait, Unavailable after ``close``."""
        future: Future[Receipt] = Future()
        with self._wake:
            if self._closed:
                raise unavailable("The ledger is closed.")
            if len(self._waiting) >= self._bound or self._bytes > WAITING_BYTES:
                raise queue.Full
            self._waiting.append((event, future))
            self._bytes += len(event.body)
            if self._asleep:
                self._wake.notify()
            elif self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
                self._thread.start()
        return future

    def close(self) -> None:
        """Write what waits, then end."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            self._write(group)

    def _next(self) -> list[_Waiter]:
        """What waits now, in order; nothing once the ledger is closed and empty."""
        group: list[_Waiter] = []
        size = 0
        with self._wake:
            self._asleep = True
            while not self._waiting and not self._closed:
                self._wake.wait()
            self._asleep = False
            while self._waiting and len(group) < _GROUP and size < _GROUP_BYTES:
                group.append(self._waiting.popleft())
                size += len(group[-1][0].body)
            self._bytes -= size
        return group

    def _write(self, group: Sequence[_Waiter]) -> None:
        try:
            receipts = self._store([event for event, _ in group])
        except Unavailable as stop:
            for _, future in group:
                _fail(future, Unavailable(stop.code, str(stop), remedy=stop.remedy, retry_after=stop.retry_after))
        except Exception as defect:  # noqa: BLE001 - the futures carry it to those who submitted
            self._apart(group, defect)
        else:
            for (_, future), receipt in zip(group, receipts, strict=True):
                if future.set_running_or_notify_cancel():
                    future.set_result(receipt)

    def _apart(self, group: Sequence[_Waiter], defect: Exception) -> None:
        """One event cannot be stored: find it, and store the others."""
        if len(group) == 1:
            _fail(group[0][1], defect)
            return
        for waiter in group:
            self._write([waiter])


def _fail(future: Future[Receipt], problem: Exception) -> None:
    """An exception of its own for each waiter: one that many threads raise would collect all their frames."""
    if future.set_running_or_notify_cancel():
        future.set_exception(problem)
