"""How fast a delivery is acknowledged: ours on SQLite and on Postgres, Probot, and a bare FastAPI signature check.

One paired run: all servers stand at once, and wrk knocks at each in turn, several rounds, with a signed comment of ten
kilobytes and a new delivery id each time. Ours answers when the event is on disk; the others keep nothing.

Needs wrk (Debian: ``apt-get install wrk``). Rows of Postgres (its server programs) and Probot (node, npm; installed
from ``peers/probot/package-lock.json`` into ``.cache/``) are left out, and it says so, where those are missing. wrk and
the servers share the processors, so read the rates beside each other, not alone.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.peers.load import SOCKET, Measured, Peer, Running, running, wrk
from benchmarks.peers.payload import delivery, signature
from benchmarks.peers.postgres import binaries, postgres

ROUNDS: Final = 3
SECONDS: Final = 5
CONNECTIONS: Final = 32
QUEUED: Final = 10_000
STARTS: Final = 3
OURS: Final = "ours, SQLite"
PROBOT: Final = "Probot, no-op"
_ROOT: Final = Path(__file__).parents[1]
_PROBOT: Final = Path(__file__).with_name("peers") / "probot"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one server: the rounds together, then one connection alone."""

    name: str
    keeps: str
    rate: float
    p50: float
    p99: float
    errors: int
    single: float


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk (Debian), or brew install wrk")
    console = Console(width=110)
    with _folder() as folder:
        body = folder / "delivery.json"
        body.write_bytes(delivery())
        console.print(f"delivery of {body.stat().st_size:,} bytes; one fdatasync of it takes {_sync(folder):.2f} ms")
        ready = statistics.median(_start(_ours(folder / f"start{number}.db")) for number in range(STARTS))
        with ExitStack() as stack:
            servers = [stack.enter_context(running(peer)) for peer in _peers(folder, stack, console)]
            rows = _rows(servers, body)
            waiting, memory = _queued(servers[0], body)
    console.print(_table(rows))
    _goals(rows, ready=ready, waiting=waiting, memory=memory, console=console)


@contextmanager
def _folder() -> Iterator[Path]:
    """On the disk that ``AI_PROVISION_BENCHMARK_FOLDER`` names, else where temporary files are."""
    where = os.environ.get("AI_PROVISION_BENCHMARK_FOLDER")
    with tempfile.TemporaryDirectory(prefix="ack-", dir=where) as folder:
        yield Path(folder)


def _sync(folder: Path) -> float:
    """The median time in milliseconds of bringing one delivery to this disk."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(delivery())
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _ours(database: Path) -> Peer:
    return Peer(name=OURS, command=_module("ours", f"sqlite:///{database}"), keeps="on disk")


def _module(name: str, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", f"benchmarks.peers.{name}", SOCKET, *arguments]


def _peers(folder: Path, stack: ExitStack, console: Console) -> Iterator[Peer]:
    yield _ours(folder / "ours.db")
    if binaries():
        url = stack.enter_context(postgres(folder))
        yield Peer(name="ours, Postgres", command=_module("ours", url), keeps="on disk")
    else:
        console.print("Postgres is left out: apt-get install postgresql")
    if shutil.which("npm") and shutil.which("node"):
        yield Peer(name=PROBOT, command=["node", _probot(), SOCKET], keeps="nothing")
    else:
        console.print("Probot is left out: apt-get install nodejs npm")
    yield Peer(name="bare FastAPI, HMAC", command=_module("bare"), keeps="nothing")


def _probot() -> Path:
    """The script beside the installed packages, which are those of the lock file."""
    place = _ROOT / ".cache" / "probot"
    place.mkdir(parents=True, exist_ok=True)
    lock = (_PROBOT / "package-lock.json").read_bytes()
    installed = place / "node_modules" / ".installed"
    for name in ("package.json", "package-lock.json", "app.js"):
        shutil.copy(_PROBOT / name, place / name)
    if not installed.exists() or installed.read_bytes() != lock:
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, cwd=place, check=True, stdout=subprocess.DEVNULL)
        installed.write_bytes(lock)
    return place / "app.js"


def _start(peer: Peer) -> float:
    with running(peer) as server:
        return server.ready


def _rows(servers: Sequence[Running], body: Path) -> list[Row]:
    signed = signature(body.read_bytes())
    for server in servers:
        wrk(server, connections=CONNECTIONS, seconds=1, run="warm", body=body, signature=signed)
    crowds: dict[str, list[Measured]] = {server.peer.name: [] for server in servers}
    for number in range(ROUNDS):
        for server in servers:
            crowds[server.peer.name].append(
                wrk(server, connections=CONNECTIONS, seconds=SECONDS, run=f"r{number}", body=body, signature=signed)
            )
    singles = {
        server.peer.name: wrk(server, connections=1, seconds=2, run="one", body=body, signature=signed).p50
        for server in servers
    }
    return [_row(server.peer, crowds[server.peer.name], singles[server.peer.name]) for server in servers]


def _row(peer: Peer, rounds: Sequence[Measured], single: float) -> Row:
    return Row(
        name=peer.name,
        keeps=peer.keeps,
        rate=sum(one.requests for one in rounds) / sum(one.seconds for one in rounds),
        p50=statistics.median(one.p50 for one in rounds),
        p99=max(one.p99 for one in rounds),
        errors=sum(one.errors for one in rounds),
        single=single,
    )


def _queued(server: Running, body: Path) -> tuple[int, float]:
    """How many events wait in the ledger, at least 10,000, and the server's memory in MiB after it was asked."""
    signed = signature(body.read_bytes())
    waiting, number = 0, 0
    while waiting < QUEUED:
        waiting = json.loads(server.get("/readyz"))["waiting"]
        if waiting < QUEUED:
            wrk(server, connections=CONNECTIONS, seconds=1, run=f"q{number}", body=body, signature=signed)
            number += 1
    server.get("/metrics")
    return waiting, server.memory()


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title=f"{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s each, in turn; times in ms")
    for name in ("server", "keeps", "requests/s", "p50", "worst p99", "errors", "p50 of one connection"):
        table.add_column(name, justify="left" if name in {"server", "keeps"} else "right")
    for row in rows:
        times = (f"{row.p50:.1f}", f"{row.p99:.1f}", str(row.errors), f"{row.single:.2f}")
        table.add_row(row.name, row.keeps, f"{row.rate:,.0f}", *times)
    return table


def _goals(rows: Sequence[Row], *, ready: float, waiting: int, memory: float, console: Console) -> None:
    by_name = {row.name: row for row in rows}
    ours, probot = by_name[OURS], by_name.get(PROBOT)
    said = [
        ("p99 of ours below 100 ms", f"{ours.p99:.0f} ms", ours.p99 < 100),
        ("one connection below 2 ms", f"{ours.single:.2f} ms", ours.single < 2),
        (f"below 250 MiB with {waiting:,} events waiting", f"{memory:.0f} MiB", memory < 250),
        ("ready within 2.5 s", f"{ready:.2f} s", ready < 2.5),
        ("no error", str(ours.errors), ours.errors == 0),
    ]
    if probot:
        share = ours.rate / probot.rate
        said.insert(0, ("at least half of Probot's rate", f"{share:.2f} of it", share >= 0.5))
    for goal, found, reached in said:
        console.print(f"{'reached' if reached else 'MISSED '}  {goal}: {found}")


if __name__ == "__main__":
    main()
