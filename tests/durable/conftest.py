"""What the kill tests counted, at the end of a run, also when several processes share the tests."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = {
        str(value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "points"
    }
    if lines:
        terminalreporter.section("points where the worker or its world was cut off")
        for line in sorted(lines):
            terminalreporter.write_line(line)
