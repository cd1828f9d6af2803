"""The desk of the simple server: takes events, works them one after the other, forgets none while it lives.

In: raw events, signature verified. Out: log lines; answers go through the forge. Never: parsing before the 202.

One process, in memory: a restart loses what is queued. The durable queue takes this place later, behind the same verbs.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from bot.errors import Refused, Unavailable
from bot.flow.house import Office
from bot.handlers.delivery import read_delivery
from bot.handlers.dispatch import handle, order_of
from bot.model.command import Delivery, RawEvent
from bot.model.outcome import Published
from bot.ports import Progress
from bot.rendering import status

_REMEMBERED: Final = 100_000
_LOG: Final = structlog.get_logger("ai_provision.desk")


class Desk:
    """Accepts events at once and works them on one thread."""

    def __init__(
        self,
        office: Office,
        *,
        done: Callable[[Delivery, Published], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._office = office
        self._progress = progress
        self._done = done
        self._queue: queue.Queue[RawEvent | None] = queue.Queue(maxsize=10_000)
        self._seen: dict[str, None] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, *, seconds: float = 30.0) -> None:
        """Finish what is queued, at most this long."""
        self._queue.put(None)
        self._thread.join(timeout=seconds)

    @property
    def waiting(self) -> int:
        """Events not yet begun."""
        return self._queue.qsize()

    def accept(self, event: RawEvent) -> bool:
        """Queue an event; False when its delivery id was seen before. Raises queue.Full when 10,000 wait."""
        with self._lock:
            if event.delivery_id in self._seen:
                return False
            self._queue.put_nowait(event)
            self._seen[event.delivery_id] = None
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return True

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            delivery = _read(event)
            if delivery is not None:
                self._run(delivery)

    def _run(self, delivery: Delivery) -> None:
        log = _LOG.bind(job=order_of(delivery).job, thread=f"{delivery.thread.full_name}#{delivery.thread.number}")
        try:
            published = handle(delivery, self._office, progress=self._progress or partial(_logged, log))
        except (Refused, Unavailable) as stop:  # GitHub itself refused our words: there is nowhere to say it but here
            log.warning("unsaid", code=stop.refusal.code, reason=stop.refusal.message)
            published = Published(kind="failed", code=stop.refusal.code)
        except Exception as defect:
            log.exception("defect", kind=type(defect).__name__)
            published = self._apologise(delivery)
        if published is not None:
            log.info("done", kind=published.kind, code=published.code)
            if self._done is not None:
                self._done(delivery, published)

    def _apologise(self, delivery: Delivery) -> Published:
        order = order_of(delivery)
        try:
            body = status.apology(job=order.job)
            url = self._office.forge.say(delivery.thread, marker=order.job, body=body)
        except Exception as defect:  # noqa: BLE001 - the apology failed too; the log is all that is left
            _LOG.exception("apology failed", job=order.job, kind=type(defect).__name__)
            return Published(kind="failed", code="internal")
        return Published(kind="failed", code="internal", comment_url=url)


def _logged(log: structlog.typing.FilteringBoundLogger, step: str) -> None:
    log.info("step", step=step)


def _read(event: RawEvent) -> Delivery | None:
    try:
        payload = json.loads(event.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        _LOG.warning("unreadable payload", delivery=event.delivery_id)
        return None
    return read_delivery(event.event, event.delivery_id, payload)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
