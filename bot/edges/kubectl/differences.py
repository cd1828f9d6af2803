"""The text of ``kubectl diff`` without what differs from run to run and without a secret's value.

In: unified diffs of files in temporary folders. Out: the same diffs, named by object. Never: a line of a Secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from bot.edges.kubectl.program import Thing
from bot.edges.kubectl.reading import name_of, namespace_of

_HEAD: Final = re.compile(r"^(---|\+\+\+) \S*?/(?:LIVE|MERGED)-\d+/(\S+)")
_SECRET: Final = re.compile(r"(?:^|\.)v1\.Secret\.")
_HIDDEN: Final = "(a Secret differs; its values are not shown)"


def shown(text: str, *, redact: Callable[[str], str], most: int) -> str:
    """The diff for people, redacted, at most ``most`` characters."""
    lines: list[str] = []
    hidden = False
    for line in text.splitlines():
        head = _HEAD.match(line)
        if line.startswith("diff "):
            hidden = False
        elif head is not None:
            hidden = _SECRET.search(head[2]) is not None
            lines.append(f"{head[1]} {head[2]}")
            lines += [_HIDDEN] if hidden and head[1] == "+++" else []
        elif not hidden:
            lines.append(line)
    whole = redact("\n".join(lines))
    return whole if len(whole) <= most else f"{whole[:most]}\n[…]"


def all_new(objects: Iterable[Thing]) -> str:
    """What a first apply makes, while its namespace does not exist."""
    lines = [
        f"+ {each.get('kind')}/{name_of(each)} (new, in the new namespace {namespace_of(each)})" for each in objects
    ]
    return "\n".join(lines)
