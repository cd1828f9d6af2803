"""The runner of steps for a command that lives in one process: the Action and the tests.

In: a step. Out: its result. Never: memory of it; the durable runner is ``bot.edges.durable``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter

from bot.checkpoint import attempt, opened
from bot.errors import Code
from bot.ports import Clock

T = TypeVar("T")


def nobody() -> None:
    """Nobody asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Straight:
    """Runs each step at once. ``patience`` is how long, in seconds, all tries and waits of one step may last."""

    clock: Clock
    patience: float = 120.0
    cancelled: Callable[[], str | None] = nobody

    def run(self, name: str, work: Callable[[], T], form: TypeAdapter[T], *, always: bool = False) -> T:
        """See ``bot.ports.Steps``."""
        del name
        began, waited = self.clock.now(), 0.0
        while True:
            checkpoint = attempt(work, form, cancelled=nobody if always else self.cancelled)
            outage = checkpoint.outage
            if outage is None or outage.code is not Code.RATE:
                return opened(checkpoint, form)
            # the waits alone where somebody set the clock back
            spent = max(waited, (self.clock.now() - began).total_seconds())
            if spent + outage.retry_after > self.patience:
                return opened(checkpoint, form)
            waited += outage.retry_after
            self.clock.sleep(outage.retry_after)
