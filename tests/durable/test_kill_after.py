"""H01: ``kill -9`` of the worker after every call that it makes to GitHub, git, Proxmox VE and Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.durable.points import every_call


def test_h01_a_kill_after_every_call_changes_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("points", every_call(tmp_path, "after"))
