"""Fields of untrusted JSON: bounded text, finite numbers, flags, property strings.

In: any JSON value. Out: a plain value, or None where there is none. Never: a control character, an unbounded string, a
number out of range, an exception for content (``rows`` and ``table`` alone raise Odd, for shape).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

from bot.edges.proxmox.trouble import Odd
from bot.model.quantity import MIB, Bytes

Row = dict[str, Any]

MAX_ROWS: Final = 20_000
_LARGEST: Final = 2**62
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)


def rows(value: Any) -> list[Row]:
    """A list of objects. Raises Odd for another shape or too many."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Odd("an answer was not a list of rows")
    if len(value) > MAX_ROWS:
        raise Odd(f"an answer had more than {MAX_ROWS} rows")
    return value


def table(value: Any) -> Row:
    """An object. Raises Odd for another shape; an empty list is an empty object, as Perl has it."""
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise Odd("an answer was not an object")
    return value


def text(value: Any, limit: int = 128) -> str:
    """Printable text of at most ``limit`` characters; anything else than text or a number is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return "".join(sign if sign.isprintable() else "�" for sign in str(value)[:limit])


def optional_text(value: Any, limit: int = 128) -> str | None:
    """The same, or None when empty."""
    return text(value, limit) or None


def name(value: Any) -> str | None:
    """A node, datastore, zone, vnet or bridge name that is safe as a path segment, or None."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) and ".." not in value else None


def names(value: Any) -> tuple[str, ...]:
    """A list that Proxmox VE writes with commas, semicolons or blanks."""
    return tuple(part for part in re.split(r"[,; ]+", text(value, 4096)) if part)


def number(value: Any) -> float | None:
    """A finite non-negative number, also when it came as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value < _LARGEST else None
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def whole(value: Any) -> int | None:
    """A non-negative integer, rounded down."""
    found = number(value)
    return value if isinstance(value, int) and found is not None else None if found is None else int(found)


def size(value: Any) -> Bytes | None:
    """A number of bytes."""
    found = whole(value)
    return None if found is None else Bytes(found)


def mebibytes(value: Any) -> Bytes | None:
    """A number of MiB, also in the property form ``current=2048``."""
    plain = properties(value).get("current") if isinstance(value, str) and "=" in value else value
    found = whole(plain)
    return None if found is None else Bytes(found * MIB)


def flag(value: Any) -> bool:
    """Proxmox VE's booleans: 1 and 0, also as text."""
    return value in {1, "1"} if isinstance(value, int | str) else False


def properties(value: Any) -> dict[str, str]:
    """``virtio=AA:BB,bridge=vmbr0`` as a dict; a part without ``=`` stands under the empty key."""
    found: dict[str, str] = {}
    for part in text(value, 4096).split(","):
        key, mark, rest = part.partition("=")
        found.setdefault(key.strip() if mark else "", rest.strip() if mark else part.strip())
    return found


def address(value: Any) -> str | None:
    """An IP address that identifies a machine on a network: no prefix, no loopback, no link-local; else None."""
    try:
        found = ipaddress.ip_interface(text(value, 64)).ip
    except ValueError:
        return None
    useless = found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast
    return None if useless else str(found)


def in_order(addresses: set[str]) -> tuple[str, ...]:
    """Addresses sorted as numbers, version 4 first."""
    parsed = [ipaddress.ip_address(one) for one in addresses]
    return tuple(str(one) for one in sorted(parsed, key=lambda one: (one.version, int(one))))
