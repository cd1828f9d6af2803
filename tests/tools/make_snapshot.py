"""Writes ``examples/cluster-snapshot.json``: what ``snapshot --out`` reads from the emulated clusters.

``python -m tests.tools.make_snapshot``. The time of reading is fixed, so that the file changes only with the clusters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.demo import stage
from bot.errors import Broken, Refusal
from bot.model.cluster import ClusterSnapshot
from bot.verbs import snapshot

FILE: Final = Path(__file__).parents[2] / "examples" / "cluster-snapshot.json"
TAKEN_AT: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def read() -> ClusterSnapshot:
    """The emulated clusters, at a fixed time."""
    with stage() as running:
        taken = snapshot(running.settings, anonymised=False)
    if isinstance(taken, Refusal):
        raise Broken(taken.message)
    return taken.model_copy(update={"taken_at": TAKEN_AT})


def text_of(taken: ClusterSnapshot) -> str:
    """The file's text."""
    return taken.model_dump_json(indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(read()))
