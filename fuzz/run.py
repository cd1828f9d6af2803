"""Every harness for so many seconds, and a table: ``.venv/bin/python -m fuzz.run 60 [comment config …]``.

In: seconds for each harness, perhaps their names. Out: a table; exit status 1 after a crash, its input being kept below
``.cache/fuzz-crashes/``. Never: a package without its hash; the fuzzer lives in a virtual environment of its own
(``.cache/fuzz``, Python 3.11), everything else comes from the locked ``.venv``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz.targets import HARNESSES

ROOT: Final = Path(__file__).parents[1]
SEEDS: Final = ROOT / "fuzz" / "seeds"
DICTIONARIES: Final = ROOT / "fuzz" / "dictionaries"
LOCK: Final = ROOT / "requirements" / "fuzz.txt"
CACHE: Final = ROOT / ".cache"
LONGEST: Final = 4_096
"""Bytes of one input: enough for every field that has a limit of 4,000 characters."""
_EXECUTED: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_USAGE: Final = 2


@dataclass(frozen=True)
class Result:
    """What became of one harness. ``seconds`` is the wall clock, the start of Python included."""

    name: str
    executions: int
    seconds: float
    crashes: int

    @property
    def row(self) -> str:
        """As a row of the table."""
        return f"| {self.name} | {self.executions:,} | {self.seconds:.0f} | {self.crashes} |"


def interpreter() -> Path:
    """The fuzzer's own Python, made when it is missing."""
    python = CACHE / "fuzz" / "bin" / "python"
    if not (CACHE / "fuzz" / ".installed").exists():
        venv.create(CACHE / "fuzz", clear=True, with_pip=True)
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([python, "-m", "pip", "install", *options, "-r", LOCK], check=True)
        (CACHE / "fuzz" / ".installed").touch()
    return python


def fuzz(name: str, *, seconds: int, python: Path) -> Result:
    """Run one harness until its time is up or it crashes."""
    corpus, crashes = CACHE / "fuzz-corpus" / name, CACHE / "fuzz-crashes" / name
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    options = {
        "max_total_time": seconds, "max_len": LONGEST, "timeout": 25, "rss_limit_mb": 2_048, "print_final_stats": 1,
        "dict": DICTIONARIES / f"{name}.txt", "artifact_prefix": f"{crashes}/",
    }  # fmt: skip
    command: list[str | Path] = [python, "-m", "fuzz.one", name, *(f"-{key}={value}" for key, value in options.items())]
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_paths()["purelib"]}
    began = time.monotonic()
    done = subprocess.run(
        [*command, corpus, SEEDS / name], cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
        errors="replace", timeout=seconds + 300,
    )  # fmt: skip
    found = len(set(crashes.iterdir()) - before)
    if done.returncode:
        sys.stderr.write(done.stderr[-4_000:])
    executed = _EXECUTED.search(done.stderr)
    return Result(
        name, int(executed[1]) if executed else 0, time.monotonic() - began, max(found, int(done.returncode != 0))
    )


def main(arguments: list[str]) -> int:
    """The table on standard output. Exit status 0, 1 after a crash, 2 for wrong use."""
    names = arguments[1:] or list(HARNESSES)
    if not arguments or not arguments[0].isdecimal() or not set(names) <= set(HARNESSES):
        sys.stderr.write(f"usage: python -m fuzz.run SECONDS [{' | '.join(HARNESSES)}] …\n")
        return _USAGE
    if sys.version_info[:2] != (3, 11):
        sys.stderr.write("atheris 3.0.0 has no wheel for this Python; make the .venv with Python 3.11\n")
        return _USAGE
    python = interpreter()
    sys.stdout.write("| harness | executions | seconds | crashes |\n|---|---|---|---|\n")
    crashed = False
    for name in names:
        result = fuzz(name, seconds=int(arguments[0]), python=python)
        sys.stdout.write(result.row + "\n")
        sys.stdout.flush()
        crashed = crashed or result.crashes > 0
    return int(crashed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
