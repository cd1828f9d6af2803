"""Terraform's own words, made fit to be shown: the diff without secrets, errors without frames.

In: terraform's texts, and a redactor. Out: masked, printable, bounded text. Never: the value of an argument whose name
says that it is secret, a control character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_HIDDEN: Final = (
    r"[\w.-]*(?:password|passwd|passphrase|secret|token|private_?key|api_?key|access_?key|credential|cipassword"
    r"|kubeconfig|join_?command|cloud_?init_?user_?data)[\w.-]*"
)
_LINE: Final = re.compile(
    rf"^(?P<key>[\s+~#-]*(?:/\s*)?[\"']?{_HIDDEN}[\"']?\s*[=:]\s*)(?P<value>.*?)(?P<end>\s*# forces replacement)?$",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"\((?:sensitive value|known after apply|write-only attribute)\)|null|true|false")
_OPENS: Final = re.compile(r"(?:[\[{(]|<<[-~]?\s*\w+)\s*$")
_MARGIN: Final = re.compile(r"[\s+~#-]*(?:-/\+|\+/-)?\s*")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FRAME: Final = re.compile(r"^[╷╵│]\s?", re.MULTILINE)
_MASK: Final = "(masked)"


def shown(text: str, *, most: int, redact: Callable[[str], str]) -> tuple[str, bool]:
    """The diff, masked, of at most so many characters, whole lines; and whether it was cut."""
    safe = redact(masked(_CONTROL.sub("", text))).strip("\n")
    if len(safe) <= most:
        return safe, False
    return safe[: safe.rfind("\n", 0, most) if "\n" in safe[:most] else most], True


def plain(text: str) -> str:
    """An error text without terraform's frames and control characters."""
    return _FRAME.sub("", _CONTROL.sub("", text)).strip()


def masked(text: str) -> str:
    """The values of arguments with secret names replaced; several lines of one value too."""
    lines: list[str] = []
    inside: int | None = None
    for line in text.split("\n"):
        if inside is not None and (not line.strip() or _margin(line) > inside):
            continue
        lines.append(_line(line))
        inside = _margin(line) if _opens(line) else None
    return "\n".join(lines)


def _line(line: str) -> str:
    found = _LINE.match(line)
    if found is None or _PLAIN.fullmatch(found["value"].strip()):
        return line
    return f"{found['key']}{_MASK}{found['end'] or ''}"


def _opens(line: str) -> bool:
    """A secret value that goes on in deeper lines: a list, an object, a text of several lines."""
    found = _LINE.match(line)
    return found is not None and _OPENS.search(found["value"]) is not None


def _margin(line: str) -> int:
    found = _MARGIN.match(line)
    return found.end() if found else 0
