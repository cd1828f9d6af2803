"""H01: ``kill -9`` of the worker after every call that it makes to GitHub, git, Proxmox VE and Kubernetes.

Every day after those that write: for the world, a kill after a call that only reads is the kill before it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durable.points import Run, each_call, shares, writes

SHARES = 8


@pytest.mark.parametrize("share", shares(SHARES))
def test_h01_a_kill_after_every_call_changes_nothing(
    share: int, plain_run: Run, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    writing = [at for at, call in enumerate(plain_run.calls) if writes(call)]
    reading = [at for at in range(len(plain_run.calls)) if at not in writing]
    points = reading[share - 1 :: SHARES - 1] if share else writing
    record_property("cut off", each_call(tmp_path, "after", plain_run, points))
