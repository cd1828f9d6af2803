"""From words to a command, or to silence, or to a refusal that shows the right form.

In: a new comment, or the description of a new thread. Out: ``Command``, ``Refusal``, or None when the text is no
command. Never: a reaction to prose, quotes, fences, HTML comments or anything below the first line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

from bot.errors import Refusal
from bot.handlers.command import Written
from bot.handlers.provision import not_understood
from bot.handlers.table import TABLE
from bot.model.command import Command

_TOKEN: Final = re.compile(r"/ai-[a-z-]{1,30}(?=[ \t]|$)", re.ASCII)
_ROWS: Final = {row.spec.name: row for row in TABLE}
_CLOSE: Final = 0.8


def parse_comment(body: str, *, hosts: Sequence[str]) -> Command | Refusal | None:
    """Read a new comment, or the description of a new issue or pull request."""
    text = body.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    first, _, rest = _without_leading_blank_lines(text).partition("\n")
    match = _TOKEN.match(first)
    if match is None:
        return None
    row = _ROWS.get(match[0])
    if row is None:
        return _near_miss(match[0])
    return row.read(Written(name=match[0], words=first[match.end() :].strip(), rest=rest, hosts=tuple(hosts)))


def _without_leading_blank_lines(text: str) -> str:
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip(" \t")), 0)
    return "\n".join(lines[start:])


def _near_miss(name: str) -> Refusal | None:
    """A typing mistake gets the nearest command; another word that merely begins alike is prose."""
    if any(name.startswith(known) for known in _ROWS):
        return None
    near = difflib.get_close_matches(name, _ROWS, n=1, cutoff=_CLOSE)
    if not near:
        return None
    return not_understood(f"{name} is no command, did you mean {near[0]}?")
