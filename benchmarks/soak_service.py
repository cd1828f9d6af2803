"""The service under soak: ``serve`` as a process of its own, its worker killed now and then, measured from outside.

In: an environment. Out: its backlog, and its processes' memory, threads and files as Linux counts them. Never: a kill
of what this soak did not start.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from bot.model.job import Backlog

_ROOT: Final = Path(__file__).parents[1]
_MIB: Final = 1024 * 1024
_READY: Final = 60.0
_ENDS: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process at one moment. ``rss`` in MiB, ``cpu`` in seconds since it began."""

    pid: int
    rss: float
    threads: int
    files: int
    cpu: float


@dataclass
class Service:
    """A running ``serve``; ``workers`` are the ids of all workers that were seen, ``killed`` of those ended here."""

    process: subprocess.Popen[bytes]
    url: str
    workers: list[int]
    killed: list[int]

    def backlog(self) -> Backlog | None:
        """What waits; None when the server does not answer in time."""
        with suppress(requests.RequestException):
            answer = requests.get(f"{self.url}/readyz", timeout=10)
            return Backlog.model_validate(answer.json()["backlog"]) if answer.ok else None
        return None

    def ended(self) -> int:
        """Commands that ended, as the page for Prometheus counts them."""
        with suppress(requests.RequestException):
            page = requests.get(f"{self.url}/metrics", timeout=10).text
            lines = [line for line in page.splitlines() if line.startswith("ai_provision_commands_total{")]
            return round(sum(float(line.rpartition(" ")[2]) for line in lines))
        return 0

    def server(self) -> Process | None:
        """The server now."""
        return measured(self.process.pid)

    def worker(self) -> Process | None:
        """The worker now; None between two lives."""
        for pid in _children(self.process.pid):
            found = measured(pid)
            if found is not None and found.threads and b"bot.workshop" in _command(pid):
                if pid not in self.workers:
                    self.workers.append(pid)
                return found
        return None

    def kill_worker(self) -> bool:
        """SIGKILL to the worker, when there is one."""
        found = self.worker()
        if found is None:
            return False
        os.kill(found.pid, signal.SIGKILL)
        self.killed.append(found.pid)
        return True

    def stop(self) -> int:
        """SIGTERM; the exit status. Killed, which is a failure, when it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=_ENDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def service(environment: Mapping[str, str], *, log: Path) -> Iterator[Service]:
    """The service while the context lasts."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    port = _free_port()
    command = [sys.executable, "-m", "bot", "serve", "--port", str(port)]
    with (
        log.open("ab") as out,
        subprocess.Popen(command, env={**kept, **environment}, cwd=_ROOT, stdout=out, stderr=out) as process,
    ):
        running = Service(process, f"http://127.0.0.1:{port}", [], [])
        try:
            _wait(running, log)
            yield running
        finally:
            if process.poll() is None:
                running.stop()


def _wait(running: Service, log: Path) -> None:
    end = time.monotonic() + _READY
    while running.backlog() is None or running.worker() is None:
        if running.process.poll() is not None or time.monotonic() > end:
            sys.exit(f"serve did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def measured(pid: int) -> Process | None:
    """A process of this computer, None when it is gone."""
    folder = Path("/proc") / str(pid)
    try:
        fields = folder.joinpath("stat").read_text().rpartition(")")[2].split()
        pages = int(folder.joinpath("statm").read_text().split()[1])
        files = len(list(folder.joinpath("fd").iterdir()))
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Process(
        pid=pid,
        rss=pages * os.sysconf("SC_PAGE_SIZE") / _MIB,
        threads=int(fields[17]),
        files=files,
        cpu=ticks / os.sysconf("SC_CLK_TCK"),
    )


def _children(pid: int) -> list[int]:
    """A child belongs to the thread that started it."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
