"""One terraform process: explicit arguments, an environment of its own, limits, and an end that saves the state.

In: arguments. Out: exit status and texts. Never: a shell, a pipe, a kill before terraform had time to save.

The output goes to files without a name, not through pipes: when we are killed, terraform goes on to its end, saves its
state and gives the lock back, where a broken pipe would end it at its next line.
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

from bot.edges.terraform.limits import TerraformLimits

_LOOK: Final = 0.05
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM)
_PRIVATE: Final = 0o077


@dataclass(frozen=True)
class Ran:
    """How a process ended. ``stopped``: the signal, deadline or limit that made us end it; empty otherwise.

    ``cut``: it wrote more than was read.
    """

    code: int
    out: str
    err: str
    stopped: str = ""
    cut: bool = False

    @property
    def killed(self) -> bool:
        """It was ended by a signal that leaves no time to save."""
        return self.code == -signal.SIGKILL


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Starts terraform in a folder. ``asked`` is looked at 20 times a second: True ends it as SIGINT does."""

    program: str
    environment: Mapping[str, str]
    limits: TerraformLimits
    asked: Callable[[], bool]

    def run(self, folder: Path, *arguments: str, seconds: float, output: int, harmless: bool = True) -> Ran:
        """Run one command. Raises OSError when it cannot be started.

        ``output`` is in bytes; a ``harmless`` command that writes more is ended, another one is read in part.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                [self.program, *arguments],
                cwd=folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                umask=_PRIVATE,
            )
            watch = _Watch(process, self.limits, until=time.monotonic() + seconds, asked=self.asked)
            stopped = watch.finish((out, err), output if harmless else None)
            if process.returncode == -signal.SIGKILL:
                _sweep(process.pid)
            return Ran(process.returncode, _text(out, output), _text(err, output), stopped, _size(out) > output)


@dataclass(kw_only=True)
class _Ending:
    """When and why terraform was asked to end; the steps of an ending that were taken."""

    why: str = ""
    at: float = 0.0
    steps: int = 0


@dataclass
class _Watch:
    process: subprocess.Popen[bytes]
    limits: TerraformLimits
    until: float = field(kw_only=True)
    asked: Callable[[], bool] = field(kw_only=True)
    ending: _Ending = field(default_factory=_Ending)

    def finish(self, outputs: tuple[IO[bytes], IO[bytes]], most: int | None) -> str:
        """Wait for its end, whatever it takes; why it was ended by us."""
        with self._forwarding():
            try:
                while self.process.poll() is None:
                    self._look(outputs, most)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.process.wait(timeout=_LOOK)
            finally:
                if self.process.poll() is None:
                    self._interrupt("an error of ours")
                    self._patiently()
                if self.ending.why:
                    _sweep(self.process.pid)  # what it started must not outlive it and write on
        return self.ending.why

    def _look(self, outputs: tuple[IO[bytes], IO[bytes]], most: int | None) -> None:
        if self.asked():
            self._interrupt("a request to stop")
        elif time.monotonic() > self.until:
            self._interrupt("the time limit")
        elif most is not None and any(_size(each) > most for each in outputs):
            self._interrupt("the limit on output")
        self._press()

    def _patiently(self) -> None:
        while self.process.poll() is None:
            self._press()
            time.sleep(_LOOK)

    def _interrupt(self, why: str) -> None:
        """Ask once: a second interrupt makes terraform leave without saving."""
        if self.ending.why:
            return
        self.ending.why, self.ending.at = why, time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    def _press(self) -> None:
        if not self.ending.why:
            return
        waited = time.monotonic() - self.ending.at
        if self.ending.steps == 0 and waited > self.limits.patience:
            self.ending.steps = 1
            self.process.terminate()
        elif self.ending.steps == 1 and waited > self.limits.patience + self.limits.ending:
            self.ending.steps = 2
            _sweep(self.process.pid)

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


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _text(file: IO[bytes], most: int) -> str:
    """The beginning and, where it is longer, the end of what was written: errors stand last."""
    size = _size(file)
    if size <= most:
        return os.pread(file.fileno(), most, 0).decode("utf-8", errors="replace")
    half = most // 2
    parts = os.pread(file.fileno(), half, 0), os.pread(file.fileno(), half, size - half)
    return "\n[…]\n".join(part.decode("utf-8", errors="replace") for part in parts)


def _sweep(group: int) -> None:
    """The whole group, providers too: they would outlive a killed terraform."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
