"""H01: ``kill -9`` of the worker before every call that it makes to GitHub, git, Proxmox VE and Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durable.points import Run, each_call, shares

SHARES = 8


@pytest.mark.parametrize("share", shares(SHARES))
def test_h01_a_kill_before_every_call_changes_nothing(
    share: int, plain_run: Run, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    points = range(share, len(plain_run.calls), SHARES)
    record_property("cut off", each_call(tmp_path, "before", plain_run, points))
