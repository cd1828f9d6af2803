"""Facts that Go and JavaScript text share: outside hosts.

In: scanned files. Out: host names. Never: a path, a query or credentials of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.survey.code.tokens import Code

_HOST = re.compile(r"https://([a-z0-9](?:[a-z0-9.-]{0,120}[a-z0-9])?\.[a-z]{2,12})(?=[:/]|$)")
_NO_PEER = (
    "w3.org",
    "schema.org",
    "example.com",
    "example.org",
    "swagger.io",
    "apache.org",
    "opensource.org",
    "json-schema.org",
)
_MOST = 20


def egress_hosts(texts: Iterable[str]) -> tuple[str, ...]:
    """Hosts of hard-coded https addresses, sorted."""
    found: set[str] = set()
    for text in texts:
        match = _HOST.match(text)
        if match and not match[1].endswith(_NO_PEER):
            found.add(match[1])
    return tuple(sorted(found))[:_MOST]


def egress_of(codes: Iterable[Code]) -> tuple[str, ...]:
    """Hosts that string literals of scanned files name."""
    return egress_hosts(token.text for code in codes for token in code.tokens if token.kind == "string")
