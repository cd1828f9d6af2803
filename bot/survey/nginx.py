"""The ports that an nginx configuration beside the code listens on.

In: ``nginx.conf`` and ``*.conf`` texts of a folder. Out: port claims. Never: an include followed.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.clues import PortClaim
from bot.survey.commands import valid_port
from bot.survey.links import port_claim
from bot.survey.places import base_of, is_below

_LISTEN: Final = re.compile(r"listen\s{1,20}(?:\[?[0-9a-f.:*]{1,40}\]?:)?(?P<port>[0-9]{1,5})(?:\s[^;]{0,100})?;")
_FILES: Final = frozenset({"nginx.conf", "default.conf", "default.conf.template", "nginx.conf.template"})


def listening(tree: Tree, area: str) -> tuple[PortClaim, ...]:
    """The ``listen`` directives of the configuration files below a folder, each port once."""
    found: dict[int, PortClaim] = {}
    for path in sorted(tree.texts):
        if base_of(path).lower() not in _FILES or not is_below(path, area):
            continue
        for number, line in enumerate(tree.texts[path].split("\n")[:2_000], start=1):
            match = _LISTEN.match(line.strip()[:300])
            if match and valid_port(int(match["port"])):
                evidence = Evidence(path=path, line=number, excerpt=f"listen {match['port']}")
                found.setdefault(int(match["port"]), port_claim(int(match["port"]), evidence, seen="code"))
    return tuple(found.values())
