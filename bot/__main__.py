"""Starts the command line, and catches what nothing else did: one sentence, an id, exit code 1.

In: the process's arguments. Out: its exit code. Never: a stack trace on a screen without AI_PROVISION_DEBUG.
"""

from __future__ import annotations

import os
import sys
import traceback
import uuid

from bot.cli import cli, wants_json
from bot.errors import Code
from bot.model.document import ErrorBody, ErrorDocument


def main() -> None:
    """The entry point of ``ai-provision``."""
    try:
        cli()
    except Exception as defect:  # noqa: BLE001 - the one place where the process meets the world
        _report(defect)
        sys.exit(1)


def _report(defect: Exception) -> None:
    identity = uuid.uuid4().hex[:12]
    if os.environ.get("AI_PROVISION_DEBUG"):
        traceback.print_exception(defect)
    message = f"This is a defect of ai-provision ({type(defect).__name__}), not of your input. Id {identity}."
    remedy = "Run again with AI_PROVISION_DEBUG=1 and report what it prints."
    sys.stderr.write(f"{Code.INTERNAL}: {message}\nWhat to do: {remedy}\n")
    if wants_json(sys.argv[1:]):
        body = ErrorBody(code=Code.INTERNAL, message=message, remedy=remedy)
        sys.stdout.write(ErrorDocument(error=body).model_dump_json() + "\n")


if __name__ == "__main__":
    main()
