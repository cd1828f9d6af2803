"""The run that nobody disturbs, and what the kill tests counted, also when several processes share the tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.durable.points import Run, undisturbed


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What every run has to end as; each process makes its own."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = {str(value) for value in _properties(terminalreporter, "points")}
    points: Counter[tuple[str, int]] = Counter()
    for cut in _properties(terminalreporter, "cut off"):
        points[cut["what"], cut["of"]] += cut["points"]
    lines |= {f"{what}: {count} of {of} end as undisturbed" for (what, of), count in points.items()}
    if lines:
        terminalreporter.section("points where the worker or its world was cut off")
        for line in sorted(lines):
            terminalreporter.write_line(line)


def _properties(reporter: pytest.TerminalReporter, wanted: str) -> Iterator[Any]:
    for report in reporter.getreports("passed"):
        yield from (value for name, value in report.user_properties if name == wanted)
