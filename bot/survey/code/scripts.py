"""Facts that string literals of any language share: outside hosts, hard-coded names of stores.

In: literals. Out: host names. Never: a path, a query or credentials of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.survey.clues import Claim
from bot.survey.code.facts import evidence
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
_STORE_ADDRESS = re.compile(
    r"(?:(?P<scheme>postgres(?:ql)?|mysql|mongodb|rediss?|amqps?|nats)(?:\+[a-z0-9]{1,20})?://(?:[^@/\s]{0,200}@)?)?(?P<host>[a-z][a-z0-9-]{0,62})"
    r"(?::(?P<port>6379|5432|3306|27017|5672|9092|11211|9200|4222|8500|2379|9042|1433))?(?:/[A-Za-z0-9_-]{0,64})?(?:\?.{0,200})?"
)
_OWN_HOSTS = frozenset({"localhost"})
_MOST = 20

Literal = tuple[str, str, int]
"""A string literal with its path and line."""


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


def literals_of(codes: Iterable[Code]) -> Iterator[Literal]:
    """The string literals of scanned files."""
    for code in codes:
        for token in code.tokens:
            if token.kind == "string":
                yield token.text, code.path, token.line


def store_hosts(literals: Iterable[Literal]) -> tuple[Claim, ...]:
    """Hosts of hard-coded store addresses: ``redis-cluster:6379``, ``postgres://u:p@db/x``. A Service must match."""
    found: dict[str, Claim] = {}
    for text, path, line in literals:
        match = _STORE_ADDRESS.fullmatch(text) if ":" in text and len(text) <= 300 else None
        if match and (match["scheme"] or match["port"]) and match["host"] not in _OWN_HOSTS:
            host = match["host"]
            found.setdefault(host, Claim(value=host, seen="code", weight=5, evidence=evidence(path, line, host)))
    return tuple(found[name] for name in sorted(found))[:_MOST]
