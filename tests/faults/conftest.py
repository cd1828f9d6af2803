"""The world of the fault tests, and the matrix as it was observed, printed at the end of the run."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.faults.scene import World, scene, world

OBSERVED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Started once, and used twice, so that what every command loads is loaded, and set aside from later collections."""
    with world() as systems:
        for turn in range(2):
            with scene(systems, tmp_path_factory.mktemp(f"warm-up-{turn}")) as warm:
                warm.command()
        gc.collect()
        gc.freeze()
        yield systems
        gc.unfreeze()


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the summary."""
    return request.config.stash.setdefault(OBSERVED, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The matrix as it was observed."""
    lines = config.stash.get(OBSERVED, [])
    if lines:
        terminalreporter.section("fault matrix, as observed")
        terminalreporter.write_line("\n".join(lines))
