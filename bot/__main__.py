"""Starts the command line, and catches what nothing else did: one sentence, an id, exit code 1.

In: the process's arguments. Out: its exit code. Never: a stack trace on a screen without AI_PROVISION_DEBUG.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
import uuid
from collections.abc import Sequence
from typing import Final

from bot.cli_shared import wants_json
from bot.errors import Code
from bot.model.document import ErrorBody, ErrorDocument

_COMMAND_LINE: Final = "bot.cli"
_QUICK: Final = dict.fromkeys(("serve", "worker", "backup", "audit", "replay", "mcp"), "bot.cli_operations")
"""Verbs that start without the planning half of the product: a server is ready within moments."""


def main() -> None:
    """The entry point of ``ai-provision``. What it prints is UTF-8 in every locale, so that the bytes are the same."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        importlib.import_module(home_of(sys.argv[1:])).cli()
    except Exception as defect:  # noqa: BLE001 - the one place where the process meets the world
        report(defect, sys.argv[1:])
        sys.exit(1)


def home_of(arguments: Sequence[str]) -> str:
    """The module whose ``cli`` serves these arguments."""
    return _QUICK.get(arguments[0], _COMMAND_LINE) if arguments else _COMMAND_LINE


def report(defect: Exception, arguments: Sequence[str]) -> None:
    """A defect of ours: an id and what to do, in the format that was asked for."""
    identity = uuid.uuid4().hex[:12]
    if os.environ.get("AI_PROVISION_DEBUG"):
        traceback.print_exception(defect)
    message = f"This is a defect of ai-provision ({type(defect).__name__}), not of your input. Id {identity}."
    remedy = "Run again with AI_PROVISION_DEBUG=1 and report what it prints."
    sys.stderr.write(f"{Code.INTERNAL}: {message}\nWhat to do: {remedy}\n")
    if wants_json(arguments):
        body = ErrorBody(code=Code.INTERNAL, message=message, remedy=remedy)
        sys.stdout.write(ErrorDocument(error=body).model_dump_json() + "\n")


if __name__ == "__main__":
    main()
