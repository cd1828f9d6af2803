"""Runs one program and ends it when whoever started it is gone, however that one ended.

In: a command line; a standard input that its starter holds open and never writes to. Out: the program's exit status. Never: a
program that outlives a killed test run (the kernel closes the pipe), a signal to anything but its own child.

    python keeper.py PROGRAM ARGUMENT...
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

GRACE_SECONDS = 3.0


def main(command: list[str]) -> int:
    """The exit status of the command."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def _end_with_input(child: subprocess.Popen[bytes]) -> None:
    os.read(0, 1)
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
