"""A Postgres of its own for one measurement: a temporary folder, a Unix socket, the settings as shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

_UNPRIVILEGED: Final = "nobody"
"""Postgres refuses to run as root."""
_READY: Final = 30.0


def binaries() -> Path | None:
    """The folder that holds ``initdb`` and ``postgres``, or None."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a new cluster below the folder, which is durable: fsync and synchronous_commit are on."""
    place = binaries()
    if place is None:
        raise FileNotFoundError("initdb")
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    data = Path(tempfile.mkdtemp(prefix="pg", dir=folder))
    if user:
        folder.chmod(0o711)
        shutil.chown(data, user)
    create: list[str | Path] = [place / "initdb", "-D", data, "-U", "bench", "-A", "trust", "--no-sync"]
    subprocess.run(create, user=user, check=True, capture_output=True, cwd=data)
    start: list[str | Path] = [
        place / "postgres",
        "-D",
        data,
        "-c",
        "listen_addresses=",
        "-c",
        f"unix_socket_directories={data}",
    ]
    server = subprocess.Popen(start, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data)
    try:
        url = f"postgresql://bench@/postgres?host={data}"
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait(_READY)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return
        time.sleep(0.05)
    raise TimeoutError("Postgres did not start")
