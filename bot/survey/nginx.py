"""What an nginx configuration beside the code says: the ports it listens on, and a location that answers by itself.

In: ``nginx.conf`` and ``default.conf`` texts of a folder. Out: port claims, health checks. Never: an include followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.model.profile import Endpoint, Evidence, Health
from bot.model.tree import Tree
from bot.survey.clues import PortClaim
from bot.survey.code.facts import health_of
from bot.survey.commands import valid_port
from bot.survey.links import port_claim
from bot.survey.places import base_of, is_below

_LISTEN: Final = re.compile(r"listen\s{1,20}(?:\[?[0-9a-f.:*]{1,40}\]?:)?(?P<port>[0-9]{1,5})(?:\s[^;]{0,100})?;")
_LOCATION: Final = re.compile(r"location\s{1,20}(?:(?:=|\^~)\s{0,20})?(?P<path>/[A-Za-z0-9._/-]{0,200})\s{0,20}\{")
_ANSWERS: Final = re.compile(r"(?:^|[\s{;])return\s{1,20}2[0-9][0-9][\s;]")
_FILES: Final = frozenset({"nginx.conf", "default.conf", "default.conf.template", "nginx.conf.template"})
_MAX_LINES: Final = 2_000
_BLOCK_LINES: Final = 20


def listening(tree: Tree, area: str) -> tuple[PortClaim, ...]:
    """The ``listen`` directives of the configuration files below a folder, each port once."""
    found: dict[int, PortClaim] = {}
    for path, lines in _configurations(tree, area):
        for number, line in enumerate(lines, start=1):
            match = _LISTEN.match(line)
            if match and valid_port(int(match["port"])):
                evidence = Evidence(path=path, line=number, excerpt=f"listen {match['port']}")
                found.setdefault(int(match["port"]), port_claim(int(match["port"]), evidence, seen="code"))
    return tuple(found.values())


def answering(tree: Tree, area: str) -> tuple[Health, ...]:
    """The health check among the locations that nginx answers itself with a 2xx ``return``, by its usual name."""
    routes = (
        Endpoint(method="GET", path=location, evidence=Evidence(path=path, line=number, excerpt=f"location {location}"))
        for path, lines in _configurations(tree, area)
        for number, location in _answered(lines)
    )
    return health_of(routes)


def _configurations(tree: Tree, area: str) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(tree.texts):
        if base_of(path).lower() in _FILES and is_below(path, area):
            yield path, [line.strip()[:300].partition("#")[0] for line in tree.texts[path].split("\n")[:_MAX_LINES]]


def _answered(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        match = _LOCATION.match(line)
        if match is None:
            continue
        block = line[match.end() :]
        for more in lines[number : number + _BLOCK_LINES]:
            if "}" in block:
                break
            block += " " + more
        if _ANSWERS.search(" " + block.partition("}")[0]):
            yield number, match["path"]
