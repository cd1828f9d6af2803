"""Names in a request: of machines and clusters, and of what exists already (node, pool, storage, template).

In: words as written. Out: lower-case names, or a refusal. Never: a repaired name.
"""

from __future__ import annotations

import re
from typing import Final

from bot.errors import Code
from bot.survey.request.rule import refuse, shown

_OWN: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", re.ASCII)
_RULE: Final = (
    "a name has 1 to 40 lower-case letters, digits and '-', begins with a letter and ends with a letter or digit"
)
_RESERVED: Final = frozenset(
    {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "default", "localhost"}
)


def own_name(written: str, *, count: int = 1) -> str:
    """The name of a machine or cluster. ``count``: machines that get numbers behind it. Raises ``Refused`` (name)."""
    name = written.lower()
    longest = name if count == 1 else f"{name}-{count}"
    if _OWN.fullmatch(name) is None or len(longest) > 40 or name in _RESERVED:
        raise refuse(
            f"{shown(written)} cannot name a machine or a cluster: {_RULE}.",
            "Write, for example, `named web-prod-01`.",
            Code.NAME,
        )
    return name
