"""A worker's desk of fakes: an in-memory ledger and forge, a queue that runs each job where it is handed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.flow.house import Books, House, Office
from bot.flow.steps import Straight
from bot.handlers.dispatch import job_of
from bot.meters import Meters
from bot.model.command import Actor, Delivery, RawEvent, ThreadRef
from bot.model.job import Job
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Steps
from bot.work.intake import Intake
from bot.work.worker import Desk, Worker
from tests.fakes.clock import StoppedClock
from tests.fakes.forge import FakeForge
from tests.fakes.house import DESCRIPTION, INFRA, house, office
from tests.fakes.ledger import MemoryLedger

THREAD = ThreadRef(owner="myorg", repo="infrastructure", number=7)
PROVISION = (
    f'/ai-provision\n\ngit_repo: "https://github.com/myorg/supermarket-inventory"\napp_description: "{DESCRIPTION}"\n'
)


@dataclass
class Bench:
    """Give commands, run jobs, look at the thread."""

    forge: FakeForge = field(default_factory=FakeForge)
    clock: StoppedClock = field(default_factory=StoppedClock)
    inside: House | None = None
    config: str | None = None

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(now=self.clock.now)
        files = {".ai-provision.yaml": self.config} if self.config else None
        rooms = replace(self.inside or house(), clock=self.clock)
        self.office = replace(
            office(self.forge, inside=rooms, files=files), books=Books(jobs=self.ledger, audit=self.ledger)
        )
        desk = Desk(
            ledger=self.ledger,
            offices=self._office_of,
            intake=Intake(ledger=self.ledger, clock=self.clock, hosts=("github.com",)),
            clock=self.clock,
            meters=Meters(),
        )
        self.worker = Worker(desk)
        self._comments = 100

    def _office_of(self, _order: Order, steps: Steps) -> Office:
        return replace(self.office, steps=steps)

    def give(self, text: str, *, login: str = "ada", thread: ThreadRef = THREAD, at: datetime | None = None) -> Job:
        """A comment becomes a queued job."""
        self._comments += 1
        delivery = Delivery(
            id=f"d-{self._comments}",
            event="issue_comment",
            action="created",
            thread=thread,
            actor=Actor(login=login, id=7),
            comment_id=self._comments,
            body=text,
            created_at=at or self.clock.now() - timedelta(seconds=2),
        )
        self.forge.hear(delivery)
        self.forge.at = self.clock.now()
        job = job_of(delivery, hosts=("github.com",), login=None, now=self.clock.now())
        assert job is not None
        self.ledger.accept(RawEvent(delivery_id=delivery.id, event="issue_comment", body=json.dumps({}).encode()))
        assert self.ledger.settle(delivery.id, job=job, note="command")
        return job

    def run(self, job: Job, *, before_each: Callable[[str], object] | None = None) -> Published:
        """Run a job to its end."""
        self.ledger.hand(job.id)
        steps = Straight(clock=self.clock, cancelled=lambda: self.worker.cancelled(job.id))
        self.worker.run(job.id, _Told(steps, before_each))
        return self.end(job)

    def end(self, job: Job) -> Published:
        found = self.ledger.get(job.id)
        assert found is not None
        assert found.published is not None
        return found.published

    def answers(self, thread: ThreadRef = THREAD) -> list[str]:
        """The bot's comments in a thread."""
        return [said.body for said in self.forge.comments.get((thread.full_name, thread.number), []) if said.ours]


@dataclass(frozen=True)
class _Told:
    """Steps that tell somebody before each."""

    inner: Steps
    before_each: Callable[[str], object] | None

    def run(self, name: str, work: Any, form: Any, *, always: bool = False) -> Any:
        if self.before_each is not None:
            self.before_each(name)
        return self.inner.run(name, work, form, always=always)


__all__ = ["INFRA", "PROVISION", "THREAD", "Bench"]
