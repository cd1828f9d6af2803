"""What ansible-playbook told: the recap of its hosts, and what failed where.

In: its output under the callback ``default``. Out: small values. Never: the output itself, a control character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from bot.model.noun import Noun

_LINE: Final = re.compile(
    r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=(?P<unreachable>\d+)"
    r"\s+failed=(?P<failed>\d+)",
    re.MULTILINE,
)
_TASK: Final = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?P<name>.*?)\] \**\s*$")
_TOLD: Final = re.compile(
    r"^(?:fatal|failed): \[(?P<host>[^\]\s]+?)(?: -> [^\]]*)?\]: (?P<how>FAILED|UNREACHABLE)! => (?P<rest>.*)$"
)
_ITEM: Final = re.compile(r"^failed: \[(?P<host>[^\]\s]+?)(?: -> [^\]]*)?\] \(item=.{0,500}?\) => (?P<rest>\{.*)$")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ERROR: Final = re.compile(r"^(?:ERROR!|\[ERROR\]:?) ?(?P<text>.*)", re.MULTILINE | re.DOTALL)
_IGNORED: Final = "...ignoring"


class Host(Noun):
    """One line of the recap."""

    name: str
    ok: int
    changed: int
    unreachable: int
    failed: int


class Failure(Noun):
    """What failed on one host. ``unreachable``: it did not answer."""

    task: str
    host: str
    unreachable: bool
    message: str


def clean(text: str) -> str:
    """Without control characters."""
    return _CONTROL.sub("", text)


def hosts(out: str) -> tuple[Host, ...]:
    """The recap, in its own order."""
    return tuple(
        Host(name=found["host"], **{name: int(found[name]) for name in ("ok", "changed", "unreachable", "failed")})
        for found in _LINE.finditer(out)
    )


def recap(told: tuple[Host, ...]) -> str:
    """One sentence: ``3 hosts: 120 tasks ok, 40 changed``."""
    count = f"{len(told)} host{'' if len(told) == 1 else 's'}"
    return f"{count}: {sum(each.ok for each in told)} tasks ok, {sum(each.changed for each in told)} changed"


def failures(out: str) -> tuple[Failure, ...]:
    """Tasks that failed and were not ignored, in their order."""
    return tuple(_failures(out.splitlines()))


def _failures(lines: list[str]) -> Iterator[Failure]:
    task = ""
    for number, line in enumerate(lines):
        named = _TASK.match(line)
        task = named["name"] if named else task
        found = _TOLD.match(line) or _ITEM.match(line)
        if found is not None and not (number + 1 < len(lines) and lines[number + 1].strip() == _IGNORED):
            unreachable = "how" in found.re.groupindex and found["how"] == "UNREACHABLE"
            message = _message(found["rest"])
            yield Failure(task=task, host=found["host"], unreachable=unreachable, message=message)


def _message(rest: str) -> str:
    """The most telling of what a module returned; the text itself where it is no JSON."""
    try:
        told: Any = json.loads(rest)
    except ValueError:
        return rest
    if not isinstance(told, dict):
        return rest
    said = [str(told[name]) for name in ("msg", "stderr", "module_stderr") if told.get(name)]
    return ": ".join(dict.fromkeys(said)) or "no message"


def error(out: str) -> str | None:
    """The message of a run that began no task: a syntax error, a missing role or collection."""
    found = _ERROR.search(out)
    return found["text"] if found else None
