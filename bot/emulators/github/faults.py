"""Faults on request: what GitHub does on a bad day.

In: a method, a path, what shall happen. Out: the fault for a call, if one is due. Never: chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """One planned fault. ``after_processing``: the call takes effect, then the answer is replaced or withheld."""

    method: str
    path: re.Pattern[str]
    status: int | None
    body: Any
    headers: Mapping[str, str]
    hang: float
    after_processing: bool
    times: int
    skip: int


def _nothing(method: str, path: str) -> None:
    """Nobody does anything."""


@dataclass
class Faults:
    """The planned faults, in order. ``meanwhile`` (method, path) runs before each call: what others do then."""

    planned: list[Fault] = field(default_factory=list)
    meanwhile: Callable[[str, str], object] = _nothing

    def add(
        self,
        method: str,
        path_regex: str,
        *,
        status: int | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        hang: float = 0.0,
        after_processing: bool = False,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Plan a fault for calls whose method (``*`` for any) and whole path match; ``hang`` is in seconds, ``skip``
        lets the first so many matching calls pass. A ``str`` body is sent as HTML, anything else as JSON.
        """
        path = re.compile(path_regex)
        self.planned.append(Fault(method, path, status, body, headers or {}, hang, after_processing, times, skip))

    def due(self, method: str, path: str) -> Fault | None:
        """The first planned fault for this call; counted down."""
        self.meanwhile(method, path)
        for fault in self.planned:
            if fault.times > 0 and fault.method in {"*", method} and fault.path.fullmatch(path):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def clear(self) -> None:
        """Forget every fault."""
        self.planned.clear()
