"""What was done so far in one apply: each part timed, each failure kept with its remedy.

In: parts of the work. Out: ``Done`` rows. Never: a failure that is swallowed; the first one ends the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bot.errors import Refusal, Refused, Unavailable
from bot.model.applied import Done, StepName
from bot.ports import Clock, Progress

T = TypeVar("T")


@dataclass
class Log:
    """The parts of one stack's apply, in order."""

    clock: Clock
    progress: Progress
    rows: list[Done] = field(default_factory=list)

    def part(self, name: StepName, work: Callable[[], T], *, told: Callable[[T], str] = lambda _: "") -> T:
        """Do it, time it, keep it. Raises what the work raises, after it was kept as failed."""
        self.progress(name)
        begun = self.clock.now()
        try:
            made = work()
        except (Refused, Unavailable) as stop:
            self.rows.append(Done(name=name, state="failed", seconds=self._since(begun), detail=stop.refusal.message))
            raise
        self.rows.append(Done(name=name, state="done", seconds=self._since(begun), detail=told(made)))
        return made

    def stop(self, name: StepName, refusal: Refusal) -> Refusal:
        """The part was done and says no: it stands as failed, with why."""
        self.fail(name, refusal.message)
        return refusal

    def fail(self, name: StepName, why: str) -> None:
        """The part that was just done did not end well."""
        seconds = self.rows.pop().seconds if self.rows and self.rows[-1].name == name else 0.0
        self.rows.append(Done(name=name, state="failed", seconds=seconds, detail=why))

    def skip(self, name: StepName, why: str) -> None:
        """It was not needed, or cannot be done here."""
        self.rows.append(Done(name=name, state="skipped", detail=why))

    def _since(self, begun: datetime) -> float:
        return round((self.clock.now() - begun).total_seconds(), 1)
