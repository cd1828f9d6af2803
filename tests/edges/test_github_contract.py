"""The fake and the edge are held to one contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edges.forge_contract import ForgeContract, ForgeWorld
from tests.edges.github_world import FakeWorld, emulated


@pytest.fixture(params=["fake", "emulator"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForgeWorld]:
    if request.param == "fake":
        yield FakeWorld()
        return
    with emulated(tmp_path) as real:
        yield real


class TestContract(ForgeContract):
    """Every test of the contract, on both worlds."""
