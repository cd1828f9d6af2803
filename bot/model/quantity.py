"""Quantities as types: milli-CPU and bytes, in the notations of Kubernetes and of Proxmox VE.

In: text or integers. Out: exact integers that print as Kubernetes strings. Never: floats kept, silent rounding down.

Sources: Kubernetes quantity grammar (apimachinery, resource.Quantity); Proxmox VE counts cores as integers, memory in
MiB without a suffix and disks in GiB with a one-letter binary suffix (qm.conf(5)).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bot.model.noun import Noun

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3

_BINARY: Final = {"Ki": KIB, "Mi": MIB, "Gi": GIB, "Ti": 1024**4, "Pi": 1024**5, "Ei": 1024**6}
_DECIMAL: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}
_THOUSANDS: Final = tuple(
    (name, 10**power) for name, power in (("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18))
)
_PROXMOX: Final = {"K": KIB, "M": MIB, "G": GIB, "T": 1024**4}
_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20}))(?P<suffix>[A-Za-z]{0,2}|[eE][+-]?\d{1,2})", re.ASCII
)
_LARGEST: Final = 2**63 - 1


def _kubernetes_value(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a Kubernetes quantity: {text[:40]!r}")
    number, suffix = Decimal(match["number"]), match["suffix"]
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    if suffix in _DECIMAL:
        return number * _DECIMAL[suffix]
    if suffix[:1] in "eE" and len(suffix) > 1:
        return number * Decimal(10) ** int(suffix[1:])
    raise ValueError(f"unknown quantity suffix {suffix!r} in {text[:40]!r}")


def _ceil(value: Decimal) -> int:
    whole = int(value.to_integral_value(rounding=ROUND_CEILING))
    if value < 0 or whole > _LARGEST:
        raise ValueError("quantity is negative or larger than 2^63 - 1")
    return whole


class _Quantity(int, ABC):
    """An exact non-negative integer that travels through JSON as a Kubernetes string."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self:
        """Read a Kubernetes quantity. Raises ValueError."""

    @abstractmethod
    def to_k8s(self) -> str:
        """The value as a Kubernetes quantity."""

    @classmethod
    def _accept(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"{cls.__name__} wants a Kubernetes quantity string")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._accept,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.to_k8s(), return_schema=core_schema.str_schema()
            ),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_k8s()})"

    def __str__(self) -> str:
        return self.to_k8s()

    def __format__(self, spec: str) -> str:
        return format(self.to_k8s(), spec)


class MilliCpu(_Quantity):
    """Thousandths of one CPU core (Kubernetes ``m``)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``850m``, ``1``, ``1.5`` or ``2e3``; rounds up to a whole milli-CPU as Kubernetes does.

        Raises ValueError for anything else, negative values included.
        """
        return cls(_ceil(_kubernetes_value(text) * 1000))

    @classmethod
    def of_cores(cls, cores: float) -> Self:
        """Cores to milli-CPU, rounded up. Raises ValueError when negative or not finite."""
        return cls(_ceil(Decimal(str(cores)) * 1000))

    def to_k8s(self) -> str:
        """``850m``, or whole cores."""
        value = int(self)
        return str(value // 1000) if value % 1000 == 0 else f"{value}m"

    @property
    def cores(self) -> float:
        """The value in cores."""
        return int(self) / 1000

    def to_proxmox(self) -> int:
        """Whole cores for a Proxmox guest, rounded up, at least 1."""
        return max(1, -(-int(self) // 1000))


class Bytes(_Quantity):
    """Bytes of memory or disk."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``128Mi``, ``1G``, ``1073741824`` or ``1e9``; rounds up to a whole byte. Raises ValueError otherwise."""
        return cls(_ceil(_kubernetes_value(text)))

    @classmethod
    def parse_proxmox(cls, text: str) -> Self:
        """Read a Proxmox disk size: ``32G``, ``528M``, ``4T``, or plain bytes. Raises ValueError otherwise."""
        match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)([KMGT]?)", text, re.ASCII)
        if match is None:
            raise ValueError(f"not a Proxmox size: {text[:40]!r}")
        return cls(_ceil(Decimal(match[1]) * _PROXMOX.get(match[2], 1)))

    @classmethod
    def of_mib(cls, mib: float) -> Self:
        """MiB to bytes, rounded up. Raises ValueError when negative or not finite."""
        return cls(_ceil(Decimal(str(mib)) * MIB))

    @classmethod
    def of_gib(cls, gib: float) -> Self:
        """GiB to bytes, rounded up. Raises ValueError when negative or not finite."""
        return cls(_ceil(Decimal(str(gib)) * GIB))

    def to_k8s(self) -> str:
        """The shortest exact notation, binary before decimal: ``128Mi``, ``20G``, ``1500``."""
        value = int(self)
        units = (*((name, size) for name, size in _BINARY.items()), *_THOUSANDS)
        exact = [f"{value // size}{name}" for name, size in units if value and value % size == 0]
        return min((*exact, str(value)), key=len)

    @property
    def mib(self) -> float:
        """The value in MiB."""
        return int(self) / MIB

    @property
    def gib(self) -> float:
        """The value in GiB."""
        return int(self) / GIB

    def to_proxmox_mib(self) -> int:
        """Guest memory as Proxmox counts it: whole MiB, rounded up."""
        return -(-int(self) // MIB)

    def to_proxmox_gib(self) -> int:
        """Disk size as the Terraform provider counts it: whole GiB, rounded up, at least 1."""
        return max(1, -(-int(self) // GIB))


class Resources(Noun):
    """CPU, memory and disk together; missing parts are zero."""

    cpu: MilliCpu = MilliCpu(0)
    memory: Bytes = Bytes(0)
    disk: Bytes = Bytes(0)

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            cpu=MilliCpu(self.cpu + other.cpu),
            memory=Bytes(self.memory + other.memory),
            disk=Bytes(self.disk + other.disk),
        )

    def __sub__(self, other: Resources) -> Resources:
        """What is left, never below zero."""
        return Resources(
            cpu=MilliCpu(max(0, self.cpu - other.cpu)),
            memory=Bytes(max(0, self.memory - other.memory)),
            disk=Bytes(max(0, self.disk - other.disk)),
        )

    def times(self, count: int) -> Resources:
        """The same resources ``count`` times."""
        return Resources(
            cpu=MilliCpu(self.cpu * count), memory=Bytes(self.memory * count), disk=Bytes(self.disk * count)
        )

    def fits(self, room: Resources) -> bool:
        """True when every part is at most the room's."""
        return self.cpu <= room.cpu and self.memory <= room.memory and self.disk <= room.disk
