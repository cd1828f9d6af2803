"""Property strings, sizes and lists as Proxmox VE writes them into configurations.

In: text such as ``local-lvm:vm-100-disk-0,discard=on,size=10G``. Out: its parts, and text again. Never: the meaning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from bot.emulators.proxmox.answers import ApiError

KIB: Final = 1024
_UNITS: Final = {"": 1, "K": KIB, "M": KIB**2, "G": KIB**3, "T": KIB**4}


def parts(text: str, default: str) -> dict[str, str]:
    """The keys of a property string; the part without ``=`` is filed under ``default``."""
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        found.update({name: value} if equals else {default: part})
    return found


def joined(first: str, rest: Mapping[str, str]) -> str:
    """A property string: its default value, then the rest sorted by key (PVE::JSONSchema::print_property_string)."""
    return ",".join([first, *(f"{name}={rest[name]}" for name in sorted(rest))])


def listed(text: str | None) -> list[str]:
    """The entries of a list that may be parted by comma, semicolon or space."""
    return [part for part in re.split(r"[,; ]+", text or "") if part]


def in_bytes(text: str) -> int:
    """Bytes of ``8G``, ``512M`` or ``1024``. Raises ApiError(400) for another form."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text, re.ASCII)
    if match is None:
        raise ApiError(400, f"unable to parse size '{text}'")
    return int(float(match[1]) * _UNITS[match[2]])


def as_size(number: int) -> str:
    """The shortest exact form, as Proxmox VE prints sizes: ``8G``, ``663M``, ``528K``, else plain bytes."""
    for unit in ("T", "G", "M", "K"):
        if number and number % _UNITS[unit] == 0:
            return f"{number // _UNITS[unit]}{unit}"
    return str(number)


def in_gigabytes(text: str) -> int:
    """Bytes of the number in ``STORAGE:NUMBER``, which counts GiB and may have a fraction."""
    return int(float(text) * KIB**3)


def digest(config: Mapping[str, object]) -> str:
    """A hash of a configuration, the form that the real one has (SHA-1)."""
    text = "\n".join(f"{name}: {config[name]}" for name in sorted(config) if name != "digest")
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def hardware_address(prefix: str, vm_id: int, place: int) -> str:
    """A MAC address that depends on guest and interface alone, so that the same request gives the same answer."""
    tail = hashlib.sha256(f"{vm_id}/{place}".encode()).hexdigest().upper()
    return ":".join([prefix, tail[0:2], tail[2:4], tail[4:6]])


def unique_id(*names: object) -> str:
    """A UUID (version 4 in form) that depends on its names alone."""
    raw = hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"
