"""Source ids that fit where they are cited.

In: an id of any length. Out: one of at most 64 characters, the same for the same input. Never: two ids made one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

LONGEST: Final = 64
"""Characters of a source id in an agent's answer."""
_ODD: Final = re.compile(r"[^\w./:#@-]", re.ASCII)


def short_id(text: str) -> str:
    """The id itself where it is short and plain, else its beginning and eight digits of its digest."""
    plain = _ODD.sub("-", text)
    if plain == text and len(text) <= LONGEST:
        return text
    return f"{plain[: LONGEST - 9]}~{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"
