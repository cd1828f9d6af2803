"""Cut a job off at every step and keep its database: what a later release has to bring to its end.

    python -m tests.tools.freeze_jobs

Writes ``tests/durable/frozen/<flow version>/step-NN.sql.gz``. Run it once for a release that changes the steps; never
overwrite the files of an earlier one.
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
import tempfile
from pathlib import Path

from bot.edges.durable import FLOW_VERSION
from tests.durable.rig import run_until_killed, run_worker, world

FROZEN = Path(__file__).parents[1] / "durable" / "frozen"
PLACES = ("GITHUB_API_URL", "PROXMOX_VE_ENDPOINT")


def dump(database: Path, names: dict[str, str]) -> bytes:
    """The database as SQL, with the addresses of this run replaced by their names."""
    connection = sqlite3.connect(database)
    try:
        text = "\n".join(connection.iterdump())
    finally:
        connection.close()
    for name in PLACES:
        text = text.replace(names[name].removeprefix("http://").rstrip("/"), f"@{name}@")
    return gzip.compress(text.encode(), mtime=0)


def thaw(frozen: Path, database: Path, names: dict[str, str]) -> None:
    """The database again, with the addresses of another run."""
    text = gzip.decompress(frozen.read_bytes()).decode()
    for name in PLACES:
        text = text.replace(f"@{name}@", names[name].removeprefix("http://").rstrip("/"))
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(text)
    finally:
        connection.close()


def main() -> int:
    folder = FROZEN / FLOW_VERSION
    if folder.exists():
        sys.exit(f"{folder} exists: frozen jobs are not made again")
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as root:
        with world(Path(root) / "counted") as here:
            here.command()
            steps = run_worker(here)
        for at in range(steps):
            with world(Path(root) / f"{at}") as here:
                here.command()
                run_until_killed(here, die_at_step=at)
                data = dump(here.root / "bot.sqlite", here.environment)
                (folder / f"step-{at:02}.sql.gz").write_bytes(data)
    print(f"{steps} databases in {folder}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
