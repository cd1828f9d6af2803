"""One ansible process: explicit arguments, an environment and a process group of its own, limits.

In: arguments. Out: exit status and text. Never: a shell, a question on a terminal, a child that outlives its parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Final

from bot.edges.ansible.limits import AnsibleLimits

_LOOK: Final = 0.05
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM)
_PRIVATE: Final = 0o077


@dataclass(frozen=True)
class Ran:
    """How a process ended. ``out`` holds errors too, in their order.

    ``stopped``: the signal or limit that made us end it; empty otherwise.
    """

    code: int
    out: str
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Starts a program in a folder. ``asked`` is looked at 20 times a second: True ends it as SIGINT does."""

    environment: Mapping[str, str]
    limits: AnsibleLimits
    asked: Callable[[], bool]

    def run(self, folder: Path, program: str, *arguments: str, seconds: float) -> Ran:
        """Run one command; of more output than the limit its beginning and end are read. Raises OSError."""
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=_PRIVATE,
            )
            watch = _Watch(process, self.limits, until=time.monotonic() + seconds, asked=self.asked)
            stopped = watch.finish()
            if stopped:
                _signal(process.pid, signal.SIGKILL)
            return Ran(process.returncode, _text(out, self.limits.output), stopped)


@dataclass
class _Watch:
    process: subprocess.Popen[bytes]
    limits: AnsibleLimits
    until: float = field(kw_only=True)
    asked: Callable[[], bool] = field(kw_only=True)
    why: str = ""
    since: float = 0.0

    def finish(self) -> str:
        """Wait for its end, whatever it takes; why it was ended by us."""
        with self._forwarding():
            try:
                while self.process.poll() is None:
                    self._look()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.process.wait(timeout=_LOOK)
            finally:
                if self.process.poll() is None:
                    _signal(self.process.pid, signal.SIGKILL)
                    self.process.wait()
        return self.why

    def _look(self) -> None:
        if self.asked():
            self._interrupt("a request to stop")
        elif time.monotonic() > self.until:
            self._interrupt("the time limit")
        if not self.why:
            return
        waited = time.monotonic() - self.since
        if waited > self.limits.patience + self.limits.ending:
            _signal(self.process.pid, signal.SIGKILL)
        elif waited > self.limits.patience:
            _signal(self.process.pid, signal.SIGTERM)

    def _interrupt(self, why: str) -> None:
        """Ask once, the whole group: ansible's workers and their ssh wait for each other otherwise."""
        if self.why:
            return
        self.why, self.since = why, time.monotonic()
        _signal(self.process.pid, signal.SIGINT)

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Signals can be caught in the main thread alone; in another one ``asked`` is the way to stop."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def forward(number: int, _frame: FrameType | None) -> None:
            self._interrupt(signal.Signals(number).name)

        before = {number: signal.signal(number, forward) for number in _FORWARDED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _text(file: IO[bytes], most: int) -> str:
    """The beginning and, where it is longer, the end of what was written: errors and the recap stand last."""
    size = os.fstat(file.fileno()).st_size
    if size <= most:
        return os.pread(file.fileno(), most, 0).decode("utf-8", errors="replace")
    half = most // 2
    parts = os.pread(file.fileno(), half, 0), os.pread(file.fileno(), half, size - half)
    return "\n[…]\n".join(part.decode("utf-8", errors="replace") for part in parts)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
