"""One kubectl process: explicit arguments, an environment of its own, limits, a group of its own.

In: arguments, and what it reads from standard input. Out: exit status and texts. Never: a shell, a value of a secret
among the arguments, a child that outlives us at an interrupt.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Final

_LOOK: Final = 0.02
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM)
_PRIVATE: Final = 0o077


@dataclass(frozen=True)
class Ran:
    """How a process ended. ``stopped``: the signal or limit that made us end it; empty otherwise."""

    code: int
    out: str
    err: str
    stopped: str = ""


def run(
    command: tuple[str, ...], environment: Mapping[str, str], *, stdin: bytes, seconds: float, ending: float, most: int
) -> Ran:
    """Run one command to its end. ``most`` is in bytes, of each output; ``ending`` is from SIGINT to SIGKILL.

    Raises OSError when it cannot be started. Standard input is a file without a name that its owner alone can read.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=given,
            stdout=out,
            stderr=err,
            start_new_session=True,
            umask=_PRIVATE,
        )
        watch = _Watch(process, until=time.monotonic() + seconds, ending=ending)
        stopped = watch.finish((out, err), most)
        return Ran(process.returncode, _text(out, most), _text(err, most), stopped)


@dataclass
class _Watch:
    process: subprocess.Popen[bytes]
    until: float = field(kw_only=True)
    ending: float = field(kw_only=True)
    why: str = ""
    asked: float = 0.0

    def finish(self, outputs: tuple[IO[bytes], IO[bytes]], most: int) -> str:
        """Wait for its end; why it was ended by us."""
        with self._forwarding():
            try:
                while self.process.poll() is None:
                    self._look(outputs, most)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.process.wait(timeout=_LOOK)
            finally:
                _sweep(self.process)
        return self.why

    def _look(self, outputs: tuple[IO[bytes], IO[bytes]], most: int) -> None:
        if time.monotonic() > self.until:
            self._interrupt("the time limit")
        elif any(os.fstat(each.fileno()).st_size > most for each in outputs):
            self._interrupt("the limit on output")
        if self.why and time.monotonic() > self.asked + self.ending:
            _sweep(self.process)

    def _interrupt(self, why: str) -> None:
        if self.why:
            return
        self.why, self.asked = why, time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Signals can be caught in the main thread alone. Afterwards the caller's own handler has its turn."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        caught: list[int] = []

        def forward(number: int, _frame: FrameType | None) -> None:
            caught.append(number)
            self._interrupt(signal.Signals(number).name)

        before = {number: signal.signal(number, forward) for number in _FORWARDED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def _sweep(process: subprocess.Popen[bytes]) -> None:
    """The whole group: a credential plugin would outlive a kubectl that was ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _text(file: IO[bytes], most: int) -> str:
    return os.pread(file.fileno(), most, 0).decode("utf-8", errors="replace")
