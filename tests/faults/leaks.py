"""What this process holds: threads, file handles, children, memory; to compare before and after.

In: nothing. Out: ``Held``. Never: a judgement about the emulators' own worker threads, which come and go by themselves.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
ALLOWED = 32 * MIB
"""Growth of resident memory that one command may leave: caches of parsers and templates, fragments."""
_EMULATORS = ("AnyIO worker thread", "asyncio_")
_PATIENCE = 6.0


@dataclass(frozen=True)
class Held:
    """``handles`` are open file descriptors, ``resident`` is in bytes; children and memory are known on Linux alone."""

    threads: frozenset[threading.Thread]
    handles: int
    children: frozenset[int]
    resident: int

    def beyond(self, before: Held) -> list[str]:
        """What is held now and was not before."""
        found = [f"thread {thread.name}" for thread in self.threads - before.threads]
        found += [f"child process {pid}" for pid in self.children - before.children]
        if self.handles > before.handles:
            found.append(f"{self.handles - before.handles} file handles")
        if self.resident > before.resident + ALLOWED:
            found.append(f"{(self.resident - before.resident) // MIB} MiB of memory")
        return found


def held() -> Held:
    """Now."""
    gc.collect()
    threads = (one for one in threading.enumerate() if not one.name.startswith(_EMULATORS))
    return Held(frozenset(threads), sum(1 for _ in Path("/dev/fd").iterdir()), _children(), _resident())


def left_behind(before: Held) -> list[str]:
    """What is still held beyond ``before`` after some seconds of patience: servers close their side a moment later."""
    until, pause = time.monotonic() + _PATIENCE, 0.02
    while (found := held().beyond(before)) and time.monotonic() < until:
        time.sleep(pause)
        pause *= 2  # a look collects garbage, which takes longer than any pause but the last ones
    return found


def _children() -> frozenset[int]:
    if sys.platform != "linux":
        return frozenset()
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= _listed(task / "children")
    return frozenset(found)


def _listed(children: Path) -> set[int]:
    """A thread may end while it is looked at."""
    try:
        return {int(pid) for pid in children.read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _resident() -> int:
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
