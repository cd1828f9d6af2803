"""Five failures in a row, and a model is left alone for a minute: nobody waits for it meanwhile.

In: faults and the time. Out: the last fault while it lasts. Never: a call; a memory that outlives the process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.model.consultation import Fault, FaultKind

IN_A_ROW: Final = 5
PAUSE: Final = timedelta(seconds=60)
DOWN: Final[frozenset[FaultKind]] = frozenset({"unreachable", "timeout", "server"})


@dataclass
class _Run:
    length: int = 0
    fault: Fault | None = None
    until: datetime | None = None


class Breaker:
    """For all models and threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    def open_for(self, model: str, now: datetime) -> Fault | None:
        """The last fault while the model is left alone. Afterwards one more failure is enough to begin anew."""
        with self._lock:
            run = self._runs.get(model, _Run())
            return run.fault if run.until is not None and now < run.until else None

    def note(self, model: str, fault: Fault | None, now: datetime) -> None:
        """What became of a question."""
        with self._lock:
            if fault is None or fault.kind not in DOWN:
                self._runs.pop(model, None)
                return
            run = self._runs.setdefault(model, _Run())
            run.length += 1
            run.fault = fault
            run.until = now + PAUSE if run.length >= IN_A_ROW else None
