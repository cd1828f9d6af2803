"""From a comment to the open pull request, on the emulators, for a repository of 500 files.

Prints medians of the whole way and of planning alone (the same files as a folder), side by side.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bot.app import SnapshotInventory, build_house
from bot.demo import COMMENT, examples, stage
from bot.errors import Broken, Refusal
from bot.flow.preview import preview
from bot.flow.steps import Straight
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.settings import read_settings
from bot.verbs import read_snapshot

RUNS: Final = 7
FILES: Final = 500


def repository() -> dict[str, str]:
    """The supermarket example, filled up to 500 files with packages of Go."""
    folder = examples() / "supermarket-inventory"
    files = {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    for index in range(FILES - len(files)):
        name = f"pkg{index:03d}"
        body = "\n".join(f"func F{line}(x int) int {{ return x * {line} }}" for line in range(40))
        files[f"api/internal/{name}/{name}.go"] = f"package {name}\n\n{body}\n"
    return files


def main() -> None:
    files = repository()
    rows = [
        ("comment to open pull request (webhook, clone, clusters, push)", _comments(files)),
        ("plan of the same files as a folder, clusters from a file", _plans(files)),
    ]
    table = Table(title=f"{len(files)} files, {RUNS} runs, seconds")
    for name in ("what", "p50", "min", "max"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, times in rows:
        table.add_row(name, *(f"{value:.2f}" for value in (statistics.median(times), min(times), max(times))))
    Console(width=100).print(table)


def _comments(files: dict[str, str]) -> list[float]:
    times = []
    for _ in range(RUNS):
        with stage(application=files, progress=lambda _step: None) as running:
            began = time.monotonic()
            _, published = running.command(COMMENT)
            times.append(time.monotonic() - began)
        if published.pull is None:
            raise Broken(f"no pull request: {published.code}")
    return times


def _plans(files: dict[str, str]) -> list[float]:
    snapshot = read_snapshot(examples() / "cluster-snapshot.json")
    if isinstance(snapshot, Refusal):
        raise Broken(snapshot.message)
    house = build_house(read_settings({}), inventory=SnapshotInventory(snapshot))
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        command = Provision(target=FolderTarget(folder=folder), app_description="2000 QPS peak, zero downtime")
        for _ in range(RUNS):
            began = time.monotonic()
            planned = preview(
                command,
                house,
                steps=Straight(clock=house.clock),
                config=Config(),
                when_unreachable="go-on",
                progress=lambda _step: None,
            )
            times.append(time.monotonic() - began)
            if isinstance(planned, Refusal):
                raise Broken(planned.message)
    return times


if __name__ == "__main__":
    main()
