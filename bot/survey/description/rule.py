"""What a phrase rule is.

In: a match. Out: the ``Demand`` fields that it changes. Never: a change without an example and a note of its limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Category = Literal[
    "workload and scale",
    "SLAs and performance",
    "criticality and tier",
    "tech stack",
    "statefulness",
    "data and storage",
    "dependencies",
    "special requirements",
]
Found = re.Match[str]
Changes = Mapping[str, Any]
NOTHING: Changes = {}


@dataclass(frozen=True, kw_only=True)
class PhraseRule:
    """One row of the table.

    ``changes`` gives the ``Demand`` fields that a match sets, the first one is shown; without a ``field`` the phrase is
    understood but not acted on, and ``note`` says why. ``denied`` is what "no …" or "not …" before it (or "… is not
    needed" behind it) sets; without it a denied phrase changes nothing. ``negatable`` is False where a "no" before the
    phrase belongs to something else ("no more than 200 ms").
    """

    id: str
    category: Category
    pattern: str
    field: str | None
    examples: tuple[str, ...]
    changes: Callable[[Found], Changes] = lambda _found: NOTHING
    note: str = ""
    negatable: bool = True
    denied: Changes | None = None


def sets(**fields: object) -> Callable[[Found], Changes]:
    """A rule that sets the same values whatever matched."""
    return lambda _found: fields


def first(found: Found, *names: str) -> str:
    """The first of the named groups that took part in the match."""
    groups = found.groupdict()
    return next(groups[name] for name in names if groups.get(name) is not None)
