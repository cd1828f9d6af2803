"""What every test leaves as it found it, the logging of this process, and the mark of the tests that take long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# a deadline for one example measures the machine, not the code; what has to end soon has a test of its own
settings.register_profile("ours", deadline=None)
settings.register_profile("thorough", deadline=None)
settings.load_profile("ours")


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A test that sets up logs writes to its own captured stream, which the next one finds closed."""
    yield
    structlog.reset_defaults()
