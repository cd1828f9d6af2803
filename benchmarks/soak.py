"""The soak: the real ``serve`` for half an hour, five commands a second, on a GitHub that has bad days.

    python -m benchmarks.soak --minutes 30 --rate 5

The emulators run in this process, ``serve`` and its worker in their own, with one SQLite file. Commands arrive as the
signed webhooks of a GitHub App; a share of GitHub's answers is an error, a limit or a broken connection; a share of the
deliveries comes twice; the worker is killed every few minutes in the first half. In the second half it lives, so that
its memory can be watched. The exit code is 1 when a command was lost or done twice, ended without a word, by a defect
of ours, or later than an hour.

Linux only: memory, threads and files are read from ``/proc``.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import soak_verdict
from benchmarks.soak_service import Process, Service, service
from benchmarks.soak_verdict import Sample
from benchmarks.soak_world import SECRET, World, world

CONCURRENCY: Final = 8
_PROVISION_EVERY: Final = 10.0
"""Seconds between two real ``/ai-provision``."""
_GIVERS: Final = 8
"""People who comment at the same time, at most."""
_SETTLE: Final = 900.0
"""Seconds that the last commands may take after the last one was given."""


@dataclass(kw_only=True)
class Soak:
    """One run, and what was measured so far. Times are seconds since the first command."""

    world: World
    service: Service
    console: Console
    rate: float
    seconds: float
    every: float
    kill_every: float
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    cpu: dict[int, Process] = field(default_factory=dict)
    next_kill: float = 0.0

    def now(self) -> float:
        return time.monotonic() - self.began

    def give(self) -> int:
        """Commands at their times; late ones are given at once, none is left out. Returns how many."""
        many = int(self.rate * self.seconds)
        provision = max(1, round(self.rate * _PROVISION_EVERY))
        self.next_kill = self.kill_every
        with ThreadPoolExecutor(_GIVERS) as people:
            waiting = []
            for number in range(many):
                while (wait := number / self.rate - self.now()) > 0:
                    self.look()
                    time.sleep(min(wait, 0.2))
                waiting.append(people.submit(self.world.give, number, provision=number % provision == provision // 2))
            for one in waiting:
                one.result()
        return many

    def settle(self) -> bool:
        """Wait until nothing waits any more; False when that takes too long."""
        end = time.monotonic() + _SETTLE
        calm = 0
        while time.monotonic() < end and calm < 3:
            backlog = self.service.backlog()
            calm = calm + 1 if backlog and backlog.events + backlog.commands == 0 else 0
            self.look()
            time.sleep(0.5)
        return calm == 3

    def look(self) -> None:
        """Measure and kill when it is time."""
        now = self.now()
        if now >= self.next_kill and now < self.seconds / 2 and self.service.kill_worker():
            self.next_kill += self.kill_every
            self.console.print(f"{now:6.0f} s  worker {self.service.killed[-1]} killed")
        if not self.samples or now - self.samples[-1].at >= self.every:
            self.line(now)

    def line(self, now: float) -> None:
        """One sample, said in one line."""
        one = Sample(at=now, server=self.service.server(), worker=self.service.worker())
        self.samples.append(one)
        for process in (one.server, one.worker):
            if process is not None:
                self.cpu[process.pid] = process
        backlog = self.service.backlog()
        waits = (
            f"ended {self.service.ended():5}  waiting {backlog.events:3} events ({backlog.event_age:4.1f} s) "
            f"{backlog.commands:4} commands ({backlog.command_age:5.1f} s)"
            if backlog
            else "the server does not answer"
        )
        said = f"{now:6.0f} s  given {len(self.world.given):5}  {waits}  load {os.getloadavg()[0]:4.1f}"
        said += f"  server {_shown(one.server)}  worker {_shown(one.worker)}"
        self.console.print(said, highlight=False, soft_wrap=True)


def _shown(process: Process | None) -> str:
    if process is None:
        return "(gone)"
    return f"{process.rss:3.0f} MiB {process.threads:2} threads {process.files:3} files {process.cpu:5.0f} s CPU"


def main() -> None:
    given = _arguments()
    console = Console(width=160)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the emulator breaks connections on purpose
    with tempfile.TemporaryDirectory(prefix="soak-", dir=given.folder) as folder:
        root = Path(folder)
        good = _run(root, given, console)
        if given.keep_log:
            Path(given.keep_log).write_bytes((root / "log").read_bytes())
    sys.exit(0 if good else 1)


def _run(root: Path, given: argparse.Namespace, console: Console) -> bool:
    installations = given.installations
    with world(root, installations=installations, faults=given.faults, twice=given.twice, seed=given.seed) as outside:
        console.print(
            f"{given.rate:g} commands a second for {given.minutes:g} minutes by {installations} installations of one "
            f"GitHub App; {given.faults:.0%} of GitHub's answers are faults, {given.twice:.0%} of the deliveries come "
            f"twice; AI_PROVISION_CONCURRENCY={CONCURRENCY}, AI_PROVISION_WRITE_PAUSE=0 (1 s by default), GitHub's "
            "limits as they are"
        )
        with service(_environment(root, outside), log=root / "log") as running:
            outside.github.apps.listen(outside.app.id, f"{running.url}/webhooks/github", SECRET)
            soak = Soak(
                world=outside,
                service=running,
                console=console,
                rate=given.rate,
                seconds=given.minutes * 60,
                every=given.every,
                kill_every=given.kill_every,
            )
            soak.give()
            soak.line(soak.now())
            giving, samples = soak.now(), list(soak.samples)
            settled = soak.settle()
            soak.line(soak.now())
            status = running.stop()
        return _report(soak, root, console, giving=giving, samples=samples, settled=settled, status=status)


def _report(
    soak: Soak, root: Path, console: Console, *, giving: float, samples: list[Sample], settled: bool, status: int
) -> bool:
    found = soak_verdict.ends(root / "jobs.sqlite", soak.world)
    good = soak_verdict.show(console, found, soak.world)
    soak_verdict.memory(console, samples)
    given, running = len(soak.world.given), soak.service
    faults = ", ".join(f"{count} {name}" for name, count in sorted(soak.world.line.happened.items()))
    again = ", ".join(f"{count} with the {name}" for name, count in sorted(soak.world.twice.items()))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    workers = sum(process.cpu for pid, process in soak.cpu.items() if pid != running.process.pid)
    unexpected = len(running.workers) - len(running.killed) - 1
    console.print(
        f"given {given:,} in {giving:.0f} s ({given / giving:.2f}/s), all ended {soak.now() - giving:.0f} s later: "
        f"{'yes' if settled else 'NO'}\n"
        f"workers killed {len(running.killed)}, ended otherwise {max(0, unexpected)}; serve ended with {status}\n"
        f"faults of GitHub: {faults or 'none'}; calls that broke GitHub's limits: {soak.world.github.limits.breaches}; "
        f"unknown calls: {len(soak.world.github.unknown)}\n"
        f"deliveries that came twice: {again or 'none'}; not acknowledged at first: {soak.world.unacknowledged}\n"
        f"processor time: server {soak.cpu[running.process.pid].cpu:.0f} s, workers {workers:.0f} s, what these and "
        f"the emulators started (git, YAML, terraform) the rest of {seconds:.0f} s; emulators and people "
        f"{time.process_time():.0f} s; {(seconds + time.process_time()) / max(1, given) * 1000:.0f} ms a command in all"
    )
    return good and settled and status == 0


def _environment(root: Path, outside: World) -> dict[str, str]:
    return {
        "GITHUB_API_URL": outside.github.base_url,
        "AI_PROVISION_GITHUB_APP_ID": str(outside.app.id),
        "AI_PROVISION_GITHUB_PRIVATE_KEY": outside.app.private_key,
        "AI_PROVISION_WEBHOOK_SECRET": SECRET,
        "AI_PROVISION_WRITE_PAUSE": "0",
        "AI_PROVISION_CONCURRENCY": str(CONCURRENCY),
        "AI_PROVISION_DATABASE_URL": f"sqlite:///{root}/jobs.sqlite",
        **outside.clusters,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=5.0, help="commands a second")
    parser.add_argument("--installations", type=int, default=60, help="at least 40 for 5/s: GitHub's limits are real")
    parser.add_argument("--faults", type=float, default=0.03, help="share of GitHub's answers that go wrong")
    parser.add_argument("--twice", type=float, default=0.05, help="share of deliveries that come twice")
    parser.add_argument("--kill-every", type=float, default=180.0, help="seconds between two kills of the worker")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the database and the repositories lie; default: temporary files")
    parser.add_argument("--keep-log", help="copy the log of the service here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
