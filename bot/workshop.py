"""A worker as a process, and the same worker inside another process (the demo, the tests).

In: ``Settings``. Out: commands brought to their ends, until a signal comes or the server that started it is gone.
Never: a second worker under one executor id.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import structlog

from bot import __version__, app
from bot.edges.clock import RealClock
from bot.edges.durable import Durable
from bot.edges.ledger import SqlLedger, open_ledger
from bot.errors import EXIT_FAILED, Code, Refusal, Refused, Unavailable
from bot.logs import configure_logs
from bot.meters import Meters
from bot.offices import GitHubOffices
from bot.ports import Progress
from bot.rendering.redaction import Secrets
from bot.settings import Settings, read_settings
from bot.work.intake import Intake
from bot.work.schedule import Schedule, opinions, poll, prune, reconciled, redeliver, report, tidy, watch
from bot.work.worker import Desk, Ended, Worker, unheard

_LOG: Final = structlog.get_logger("ai_provision.workshop")
_DAY: Final = 86_400.0
_DRAIN: Final = 20.0
_WATCH: Final = 15.0
_LEASE: Final = 30.0
"""Seconds to wait for the lease of this executor id: a worker that was just killed frees it at once."""


@contextmanager
def open_shop(
    settings: Settings,
    *,
    polling: bool = False,
    ended: Ended | None = None,
    progress: Progress | None = None,
    drain: float = _DRAIN,
    meters: Meters | None = None,
    secrets: Secrets | None = None,
    chores: bool = True,
    watch_every: float = _WATCH,
    lease: float = _LEASE,
) -> Iterator[SqlLedger]:
    """A worker that works while the context lasts. ``chores``: with the sweeps and the housekeeping.

    ``watch_every``: seconds between two looks for jobs that nobody runs. ``lease``: seconds to wait for our own.

    Raises Refused or Unavailable when it cannot begin.
    """
    clock, counted = RealClock(), meters or Meters()
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(settings.database_url, clock=clock, executor_id=settings.executor_id))
        _enlist(ledger, settings.executor_id, patience=lease)
        hidden = secrets or Secrets(settings.secrets())
        house = app.build_house(settings, inventory=app.build_inventory(settings), records=ledger, redact=hidden.redact)
        offices = stack.enter_context(
            GitHubOffices(settings, house=house, ledger=ledger, meters=counted, secrets=hidden, lessons=ledger)
        )
        desk = Desk(
            ledger=ledger,
            offices=offices,
            intake=Intake(ledger=ledger, clock=clock, hosts=settings.allowed_git_hosts, login=None, lessons=ledger),
            clock=clock,
            meters=counted,
            concurrency=settings.concurrency,
            progress=progress,
            ended=ended or unheard,
        )
        worker = Worker(desk)
        queue = Durable(
            settings.database_url,
            executor_id=settings.executor_id,
            run=worker.run,
            hooks=worker,
            concurrency=settings.concurrency,
        )
        schedules = (
            _schedules(settings, ledger, queue, offices, counted, polling=polling, watch_every=watch_every)
            if chores
            else []
        )
        worker.start(queue, schedules)
        stack.callback(worker.stop, seconds=drain)
        yield ledger


def _enlist(ledger: SqlLedger, executor_id: str, *, patience: float) -> None:
    """Take the lease of this executor id. Raises Refused(config) while another live worker holds it."""
    end = time.monotonic() + patience
    while not ledger.enlist(executor_id, __version__):
        if time.monotonic() > end:
            raise Refused(
                Refusal(
                    code=Code.CONFIG,
                    message=f"Another worker runs as {executor_id}; two under one id would do everything twice.",
                    remedy="Give each worker an AI_PROVISION_EXECUTOR_ID of its own that stays the same.",
                )
            )
        time.sleep(0.2)


def _schedules(
    settings: Settings,
    ledger: SqlLedger,
    queue: Durable,
    offices: GitHubOffices,
    meters: Meters,
    *,
    polling: bool,
    watch_every: float,
) -> list[Schedule]:
    clock = RealClock()
    own = partial(Schedule, clock=clock)
    shared = partial(Schedule, clock=clock, ledger=ledger)
    schedules = [
        own(
            name="report",
            every=10.0,
            work=partial(report, ledger, clock, meters, worker=settings.executor_id, version=__version__),
        ),
        own(name="watch", every=watch_every, work=partial(watch, ledger, queue, meters, after=4 * watch_every)),
        shared(name="opinions", every=600.0, work=partial(opinions, ledger, clock, offices.housekeeping_of)),
        shared(name="reconcile", every=300.0, work=lambda: reconciled(offices.merging(), offices.watch_of)),
        shared(name="tidy", every=_DAY, work=lambda: tidy(offices.repositories(), offices.housekeeping)),
        shared(name="prune", every=_DAY, work=partial(prune, ledger, queue, clock, keep_days=settings.keep_days)),
    ]
    if offices.redeliveries is not None:
        schedules.append(shared(name="redeliver", every=300.0, work=partial(redeliver, ledger, offices.redeliveries)))
    if polling or offices.redeliveries is None:
        every = 15.0 if polling else 300.0
        schedules.append(shared(name="poll", every=every, work=partial(poll, ledger, offices.feed)))
    return schedules


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, or until the server that started this worker is gone."""
    parser = argparse.ArgumentParser(prog="bot.workshop", description="A worker process of ai-provision.")
    parser.add_argument("--attached", action="store_true", help="end when standard input is closed")
    parser.add_argument("--poll", action="store_true", help="read GitHub instead of waiting for webhooks")
    given = parser.parse_args(arguments)
    settings = read_settings(os.environ)
    secrets = Secrets(settings.secrets())
    configure_logs(settings, redact=secrets.redact)
    halt = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: halt.set())
    if given.attached:
        threading.Thread(target=_watch_parent, args=(halt,), name="parent", daemon=True).start()
    try:
        with open_shop(settings, polling=given.poll, secrets=secrets) as ledger:
            _LOG.info("worker started", worker=settings.executor_id, version=__version__)
            while not halt.wait(1.0):
                if not ledger.leading():
                    _LOG.error("the lease was lost; another worker may have taken over")
                    return EXIT_FAILED
    except (Refused, Unavailable) as stop:
        _LOG.error("the worker cannot run", code=stop.refusal.code, why=stop.refusal.message, do=stop.refusal.remedy)
        return EXIT_FAILED
    return 0


def _watch_parent(halt: threading.Event) -> None:
    sys.stdin.buffer.read()
    halt.set()


if __name__ == "__main__":
    sys.exit(main())
