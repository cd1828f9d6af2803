"""Text as HCL: for the few places that take no variable (backends, import ids, addresses of moved resources).

In: text and plain values. Out: HCL that Terraform reads back as the same value, ASCII only. Never: an interpolation, a
line break inside a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Plain = str | int | bool

_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def hcl_string(text: str) -> str:
    """A quoted template without interpolation. Raises UnicodeEncodeError for a lone surrogate.

    Source: Terraform's configuration syntax, "Strings and Templates": ``$${`` and ``%%{`` stand for ``${`` and ``%{``.
    """
    text.encode("utf-8")
    quoted = "".join(map(_escaped, text)).replace("${", "$${").replace("%{", "%%{")
    return f'"{quoted}"'


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def hcl_value(value: Plain) -> str:
    """A literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return hcl_string(value) if isinstance(value, str) else str(value)


def hcl_arguments(values: Mapping[str, Plain], *, indent: int) -> list[str]:
    """One line for each argument, names aligned as ``terraform fmt`` does; the names are ours and not escaped."""
    width = max(map(len, values), default=0)
    return [f"{' ' * indent}{name.ljust(width)} = {hcl_value(value)}" for name, value in values.items()]
