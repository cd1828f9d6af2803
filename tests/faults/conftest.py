"""The world of the fault tests, and the matrix as it was observed, printed at the end of the run."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import structlog

from bot.rendering.redaction import redactor
from tests.faults.leaks import held, left_behind
from tests.faults.scene import CANARIES, World, scene, world

OBSERVED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Started once, and used twice, so that what every command loads is loaded, and set aside from later collections."""
    with world() as systems:
        for turn in range(2):
            with scene(systems, tmp_path_factory.mktemp(f"warm-up-{turn}")) as warm:
                warm.command()
                systems.ruled.update(warm.proposed())
        gc.collect()
        gc.freeze()
        yield systems
        gc.unfreeze()


@pytest.fixture
def nothing_stays(healthy: World) -> Iterator[None]:
    """Threads, file handles, children and memory as before the cell."""
    before = held()
    yield
    assert left_behind(before) == []


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What operators read, redacted at the one exit as in production."""
    lines: list[str] = []
    clean, before = redactor(CANARIES), structlog.get_config()
    structlog.configure(
        processors=[
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
            lambda _logger, _name, line: clean(str(line)),
        ],
        logger_factory=lambda *_names: _Lines(lines),
        cache_logger_on_first_use=False,
    )
    yield lines
    structlog.configure(**before)


class _Lines:
    """A logger that keeps its lines."""

    def __init__(self, lines: list[str]) -> None:
        self.debug = self.info = self.warning = self.error = self.exception = lines.append


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
