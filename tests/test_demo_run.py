"""``make demo`` as people see it. It stands alone: a process has one durable queue."""

from __future__ import annotations

import io

from rich.console import Console

from bot.demo import run
from tests.tools.make_snapshot import FILE, read, text_of


def test_the_demo_prints_the_pull_request_with_its_diff() -> None:
    console = Console(file=io.StringIO(), record=True, width=120)
    result = run(console)
    text = console.export_text()
    for words in (
        "Reading the repository",
        "Pull request #2",
        "Capacity before and after",
        "+kind: HorizontalPodAutoscaler",
    ):
        assert words in text
    assert "the plan as data" in text
    assert result.diff.count("diff --git") == 21


def test_the_snapshot_of_the_examples_is_what_the_emulators_say() -> None:
    assert FILE.read_text() == text_of(read()), "run: python -m tests.tools.make_snapshot"
