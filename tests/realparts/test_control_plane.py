"""The control plane as a thing to start and stop: nothing of it outlives a stop, a failed start or a killed owner."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.realparts.children import Child, NotStarted, free_ports
from tests.realparts.control_plane import ControlPlane, Programs
from tests.realparts.objects import NodeRow

ROOT = Path(__file__).parents[2]
OWNER = """
import os, sys, time
from pathlib import Path
from tests.realparts.children import Child
child = Child.start("sleeper", [sys.executable, "-c", "import os,time; print(os.getpid(), flush=True); time.sleep(600)"], Path(sys.argv[1]))
time.sleep(600)
"""
BROKEN = """#!/bin/sh
if [ "$1" = etcd ]; then echo $$ > "{folder}/etcd.pid"; exec "{program}" "$@"; fi
echo "no API server today" >&2
exit 7
"""


def test_the_api_server_speaks_of_the_pinned_version(empty_control_plane: ControlPlane) -> None:
    assert empty_control_plane.request("GET", "/version")["gitVersion"] == "v1.34.1"
    assert empty_control_plane.server.startswith("https://127.0.0.1:")


def test_a_second_cluster_runs_beside_the_first_and_leaves_nothing(
    empty_control_plane: ControlPlane, needs_control_plane: Path, needs_kwok: Path, needs_kubectl: Path
) -> None:
    second = ControlPlane(Programs(control_plane=needs_control_plane, kwok=needs_kwok, kubectl=needs_kubectl))
    with second:
        folder = second.folder
        second.add_nodes([NodeRow("alone", "2", "4Gi")])
        assert second.ready_nodes() == {"alone"}
        assert "alone" not in empty_control_plane.ready_nodes()
        running = _processes_of(folder)
        assert len(running) == 5, running
    assert not folder.exists()
    assert _processes_of(folder) == []


def test_a_start_that_fails_ends_what_ran_already(
    needs_control_plane: Path, needs_kwok: Path, needs_kubectl: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text(BROKEN.format(program=needs_control_plane, folder=tmp_path))
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    plane = ControlPlane(Programs(control_plane=broken, kwok=needs_kwok, kubectl=needs_kubectl))
    with pytest.raises(NotStarted, match=r"kube-apiserver ended with 7:\nno API server today"):
        plane.start()
    assert not _is_alive(int((tmp_path / "etcd.pid").read_text()))


def test_a_program_ends_with_its_killed_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    log = tmp_path / "sleeper.log"
    try:
        _eventually(lambda: log.is_file() and log.read_text().strip() != "")
        sleeper = int(log.read_text())
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    _eventually(lambda: not _is_alive(sleeper))


def test_a_program_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = Child.start("early", [sys.executable, "-c", "raise SystemExit('no room')"], tmp_path)
    with pytest.raises(NotStarted, match=r"early ended with 1:\nno room"):
        child.wait_until(lambda: False, 30)
    child.stop()


def test_free_ports_are_distinct() -> None:
    assert len(set(free_ports(8))) == 8


def _eventually(done: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _all_processes() -> dict[int, str]:
    done = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    pairs = (line.split(maxsplit=1) for line in done.stdout.splitlines())
    return {int(pid): rest[0] if rest else "" for pid, *rest in pairs}


def _processes_of(folder: Path) -> list[str]:
    """Programs, not their keepers, that were given this folder."""
    return [line for line in _all_processes().values() if str(folder) in line and "keeper.py" not in line]
