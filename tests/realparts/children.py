"""Long-running programs for tests and benchmarks: started under a keeper, logged to a file, ended by closing a pipe.

In: a name, a command line, a folder. Out: a running program that ends with its owner, whatever happens to that one. Never: a
port that somebody else holds at the time of asking, a signal by name.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
STOP_SECONDS = 15.0


class NotStarted(RuntimeError):
    """A part was not ready in time; the message ends with its log."""


class Ended(NotStarted):
    """A part ended by itself; the message ends with its log."""


@dataclass(frozen=True)
class Child:
    """One running program."""

    name: str
    keeper: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str | Path], folder: Path) -> Child:
        """Runs until ``stop``, or until this process is gone."""
        log = folder / f"{name}.log"
        with log.open("wb") as out:
            keeper = subprocess.Popen(
                [sys.executable, "-I", str(KEEPER), *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd=folder,
                start_new_session=True,
            )
        return cls(name, keeper, log)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Polls 20 times a second. Raises NotStarted with the end of the log."""
        end = time.monotonic() + seconds
        while not ready():
            self.must_run()
            if time.monotonic() > end:
                raise NotStarted(f"{self.name} was not ready after {seconds:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)

    def must_run(self) -> None:
        """Raises Ended with the end of the log when the program is gone."""
        if self.keeper.poll() is not None:
            raise Ended(f"{self.name} ended with {self.keeper.returncode}:\n{self.last_words()}")

    def last_words(self) -> str:
        """The last 3,000 characters of the log."""
        return self.log.read_text("utf-8", errors="replace")[-3000:]

    def ask_to_stop(self) -> None:
        """Tells the keeper, and does not wait."""
        if self.keeper.stdin is not None:
            self.keeper.stdin.close()

    def stop(self) -> None:
        """Returns when the program is gone."""
        self.ask_to_stop()
        self.keeper.wait(STOP_SECONDS)


def free_ports(count: int) -> list[int]:
    """Distinct ports of 127.0.0.1 that nobody held a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
