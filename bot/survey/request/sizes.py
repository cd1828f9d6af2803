"""Phrases of size: cores, memory, disks, GPUs, concurrent users.

In: nothing. Out: ``SIZES``. Never: half a core, a bare size taken for memory or disk without a word that says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.model.quantity import GIB, MIB, Bytes
from bot.survey.description.numbers import ABOUT, NUM, SIZE, measure, quantity, rate, size
from bot.survey.request.rule import RequestRule, refuse

_CORES: Final = r"(?:v?cpus?(?: cores?)?|v-?cores?|(?:cpu |virtual |physical )?cores?|virtual cpus?|processors?)"
_SIZED: Final = rf"{NUM}{SIZE}"
_MEMORY: Final = r"(?:(?:main )?(?:ram|memory|mem))"
_DISK: Final = r"(?:(?:root |boot |system |os |main |primary |hard |nvme |ssd |local )*(?:disks?|drives?|ssds?|hdds?|nvmes?|storage|rootfs|disk space)|of disk(?: space)?)"
_DATA: Final = r"(?:(?:extra|additional|second|third|another|separate|more|secondary) (?:data )?|data )"
_VOLUMES: Final = r"(?:disks?|drives?|volumes?|ssds?|hdds?|storage)"
_MOST_CORES: Final = 256
_LEAST_MEMORY: Final = 64 * MIB
_MOST_MEMORY: Final = 12_288 * GIB
_MOST_DISK: Final = 128 * 1024 * GIB
_MOST_DISKS: Final = 14
_MOST_USERS: Final = 100_000_000


def whole(text: str, *, least: int, most: int, what: str) -> int:
    """A whole number in words or digits. Raises ``Refused`` (policy) outside of the bounds."""
    value = measure(text)
    if value != int(value) or not least <= value <= most:
        raise refuse(f"{value:,.12g} {what} cannot be built.", f"Say a whole number from {least} to {most}.")
    return int(value)


def _cores(found: re.Match[str]) -> Mapping[str, Any]:
    text = next(found[name] for name in ("n", "m") if found[name])
    return {"cores": whole(text, least=1, most=_MOST_CORES, what="cores")}


def _memory_of(text: str) -> Bytes:
    amount = size(text, memory=True)
    if not _LEAST_MEMORY <= amount <= _MOST_MEMORY:
        raise refuse(f"{text.strip()} of memory cannot be built.", "Say from 64 MiB to 12 TiB for each machine.")
    return amount


def _disk_of(text: str) -> Bytes:
    amount = size(text)
    if not GIB // 2 <= amount <= _MOST_DISK:
        raise refuse(f"a disk of {text.strip()} cannot be built.", "Say from 1 GB to 128 TB for each disk.")
    return amount


def _memory(found: re.Match[str]) -> Mapping[str, Any]:
    return {"memory": _memory_of(next(found[name] for name in ("n", "m") if found[name]))}


def _disk(found: re.Match[str]) -> Mapping[str, Any]:
    return {"disk": _disk_of(next(found[name] for name in ("n", "m") if found[name]))}


def _data_disks(found: re.Match[str]) -> Mapping[str, Any]:
    counted = next((found[name] for name in ("c", "d") if found[name]), None)
    count = 1 if counted is None else whole(counted, least=1, most=_MOST_DISKS, what="data disks")
    amount = _disk_of(next(found[name] for name in ("n", "m", "o", "p") if found[name]))
    return {"data_disks": (amount,) * count}


def _cores_and_memory(found: re.Match[str]) -> Mapping[str, Any]:
    unit = found["u"] or "GB"
    return {
        "cores": whole(found["n"], least=1, most=_MOST_CORES, what="cores"),
        "memory": _memory_of(f"{found['m']}{unit}"),
    }


def _connections(found: re.Match[str]) -> Mapping[str, Any]:
    people = rate(next(found[name] for name in ("n", "m", "o") if found[name]))
    if not 1 <= people <= _MOST_USERS:
        raise refuse(f"{people:g} users at once cannot be planned.", f"Say from 1 to {_MOST_USERS:,}.")
    return {"connections": int(people)}


SIZES: Final = (
    RequestRule(
        id="users", about="size", field="connections",
        pattern=rf"(?:\b(?:for|serving|with) )?{quantity('n')}\s?(?:concurrent|simultaneous|parallel)(?:ly)?(?: active| database| db)? (?:users?|connections?|clients?|sessions?|people)\b"
        rf"|\bfor {quantity('m')}\s?(?:database |db |client )?(?:users?|connections|clients)\b(?: at (?:once|a time))?|\b(?:max[ _]?connections?|connections)(?: of|:|=| is)?\s?{quantity('o')}",
        examples=("for 100 concurrent users", "200 concurrent connections", "for 50 users"), changes=_connections,
    ),
    RequestRule(
        id="data-disk", about="size", field="data_disks",
        pattern=rf"(?P<c>{NUM})\s?x\s?(?P<n>\d{{1,7}}(?:\.\d{{1,3}})?{SIZE})(?: of)?(?: (?:extra|additional|data|separate))*(?: {_VOLUMES})\b|(?:(?P<d>{NUM})\s)?{_DATA}(?:{_VOLUMES} (?:of |with )?)?{ABOUT}(?P<m>{_SIZED})(?: (?:of )?{_VOLUMES})?"
        rf"|{ABOUT}(?P<o>{_SIZED})\s(?:extra |additional |separate |for )?data(?: {_VOLUMES})?\b|{ABOUT}(?P<p>{_SIZED})\s(?:of data|database|db|extra|additional)\b(?: {_VOLUMES})?",
        examples=("2x100GB data disks", "an extra 500 GB disk", "200 GB data disk", "50 GB database", "100 GB of data"), changes=_data_disks,
        note="decimal unless written GiB; a data disk outlives its machine",
    ),
    RequestRule(
        id="cores-slash-memory", about="size", field="cores",
        pattern=rf"(?P<n>{NUM})\s?(?:c|{_CORES})\s?/\s?(?P<m>\d{{1,5}})\s?(?P<u>[gm]i?b?)\b(?: {_MEMORY})?", examples=("4c/8g", "4 cores/8GB"), changes=_cores_and_memory,
    ),
    RequestRule(
        id="cores-then-size", about="size", field="cores",
        pattern=rf"(?P<n>{NUM})[\s-]?{_CORES}(?:,| and| with|,? \+)?\s(?P<m>\d{{1,5}}(?:\.\d{{1,3}})?)\s?(?P<u>[gm]i?b?)\b(?!(?: (?:of )?{_DATA}| (?:of )?{_DISK})\b)(?: (?:of )?{_MEMORY}\b)?",
        examples=("4 cores 8gb", "8 vCPU 16 GiB memory", "4 cores and 8 GB"), changes=_cores_and_memory, note="a size right behind the cores is memory, counted in binary",
    ),
    RequestRule(
        id="cores", about="size", field="cores", pattern=rf"{ABOUT}(?P<n>{NUM})[\s-]?{_CORES}\b|\b{_CORES}(?: count| each)?(?:\s?[:=]\s?|\sof\s)(?P<m>{NUM})",
        examples=("4 cores", "8 vCPU", "one core", "cores: 4"), changes=_cores,
    ),
    RequestRule(
        id="memory", about="size", field="memory",
        pattern=rf"{ABOUT}(?P<n>{_SIZED})[\s-]?(?:of )?{_MEMORY}\b|\b{_MEMORY}(?: size)?(?: of|\s?[:=]| is)?\s?(?P<m>{_SIZED})", examples=("8GB RAM", "16 GiB memory", "512MB RAM", "ram: 4 GB"),
        changes=_memory, note="counted in binary: 1 GB is 1 GiB",
    ),
    RequestRule(
        id="disk", about="size", field="disk", pattern=rf"{ABOUT}(?P<n>{_SIZED})[\s-]?{_DISK}\b|\b{_DISK}(?: size)?(?: of|\s?[:=]| is)?\s(?P<m>{_SIZED})",
        examples=("100GB disk", "40 GB root disk", "disk: 32 GB", "64 GB SSD"), changes=_disk, note="decimal unless written GiB",
    ),
    RequestRule(
        id="gpu", about="size", field="gpu",
        pattern=r"\b(?:(?:with|and|using) )?(?:an? |one |the )?(?:nvidia )?(?:gpus?(?: passthrough)? (?:pci )?(?:mapping|mapped (?:as|to)|named)|pci mapping|gpu(?=\s?[:=]))(?:\s?[:=]\s?|\s)(?P<g>(?!(?:and|with|for|on|in|from|using|passthrough|support|each|is|or|at|named|by|of)\b)[a-z][a-z0-9._-]{0,39}(?=[\s,;.)]))"
        r"|\b(?:(?:with|and) )?(?:an? |one )?(?:nvidia )?gpus?\b(?: (?:support|passthrough))?",
        examples=("with a GPU", "GPU mapping a100"), changes=lambda found: {"gpu": found["g"].rstrip(".") if found["g"] else "any"},
        negatable=True, note="by PCI mapping; without a name any mapping that a node has",
    ),
)  # fmt: skip
