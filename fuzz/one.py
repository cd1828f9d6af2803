"""One harness under libFuzzer: ``python -m fuzz.one NAME [libFuzzer options] [corpus folders]``.

In: the name of a harness. Out: libFuzzer's own words and exit status. Never: an end of its own; libFuzzer ends it.
"""

from __future__ import annotations

import sys

import atheris
import structlog

with atheris.instrument_imports(include=["bot"]):
    from fuzz.targets import HARNESSES


def main() -> None:
    """Hand the process to libFuzzer; log lines would be half of its time."""
    name, *options = sys.argv[1:]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    atheris.Setup([f"fuzz.{name}", *options], HARNESSES[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
