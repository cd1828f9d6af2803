"""The measure itself: whatever is left behind is seen."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.faults import leaks
from tests.faults.leaks import ALLOWED, held


@contextmanager
def _thread() -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="left")
    thread.start()
    yield
    done.set()
    thread.join()


@contextmanager
def _handle() -> Iterator[None]:
    with Path(leaks.__file__).open():
        yield


@contextmanager
def _child() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield
        child.communicate(b"\n")


@contextmanager
def _memory() -> Iterator[None]:
    kept = bytearray(b"x" * (ALLOWED + 16 * leaks.MIB))
    yield
    del kept


@pytest.mark.parametrize(
    ("leak", "named"),
    [
        (_thread, "thread left"),
        (_handle, "1 file handles"),
        pytest.param(_child, "child process", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")),
        pytest.param(_memory, "MiB of memory", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")),
    ],
)
def test_what_is_left_behind_is_named(leak: Callable[[], AbstractContextManager[None]], named: str) -> None:
    before = held()
    with leak():
        assert any(named in found for found in held().beyond(before))
    assert held().beyond(before) == []
