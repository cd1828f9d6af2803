"""The recommendation verb: bytes in, an answer out; the reader of manifests is the only edge that it needs.

In: a payload's bytes, or the file that holds them. Out: ``Recommendation`` or ``Refusal``. Never: printing, an account,
a network. The server loads this module with its first recommendation, because the rules would double its start.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, Final

from bot.agents.payload_reading import CAP, read_payload
from bot.agents.recommend import recommend
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Code, Refusal
from bot.model.recommendation import Recommendation

EXAMPLE: Final = "ai-provision recommend -f payload.json --patch"
STDIN: Final = "-"


def advise(raw: bytes) -> Recommendation | Refusal:
    """The answer to one payload. Thread-safe."""
    payload = read_payload(raw)
    return payload if isinstance(payload, Refusal) else recommend(payload, yaml=ChildYamlReader())


def advise_file(name: str) -> Recommendation | Refusal:
    """The same for a file, or for standard input where the name is ``-``."""
    raw = _content(name)
    return raw if isinstance(raw, Refusal) else advise(raw)


def _content(name: str) -> bytes | Refusal:
    """One byte more than is taken, so that too much is seen without reading it all."""
    if name == STDIN:
        return _some(sys.stdin.buffer)
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            return _unreadable(name, "it is not a file")
        with path.open("rb") as file:
            return _some(file)
    except OSError as error:
        return _unreadable(name, error.strerror or "it cannot be opened")
    except ValueError:
        return _unreadable(name, "its name is not a path")


def _some(stream: BinaryIO) -> bytes:
    return stream.read(CAP + 1)


def _unreadable(name: str, reason: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"The payload {name} could not be read: {reason}.",
        remedy=f"Give -f a file with a payload of the input standard, or - for standard input: {EXAMPLE}",
    )
