"""Names of environment variables in ``.env`` samples.

In: texts of ``.env``-like files. Out: names with their line. Never: a value kept; it is looked at once, for a host or a
port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.model.profile import EnvName, Evidence
from bot.model.tree import Tree
from bot.survey.links import read_variables
from bot.survey.places import base_of, folder_of

MAX_LINES: Final = 1_000

_PAIR: Final = re.compile(r"(?:export\s{1,4})?(?P<name>[A-Za-z_][A-Za-z0-9_]{0,100})\s{0,4}=(?P<value>.{0,2000})")
_SAMPLE: Final = re.compile(r"\.?env[._-](?:sample|example|template|dist|defaults?)|(?:sample|example)\.env|\.env")


def pairs_of(path: str, text: str) -> Iterator[tuple[str, str | None, Evidence]]:
    """Name, value and place of each line ``NAME=value``."""
    for number, line in enumerate(text.split("\n")[:MAX_LINES], start=1):
        match = _PAIR.fullmatch(line.strip()[:2_200])
        if match:
            evidence = Evidence(path=path, line=number, excerpt=match["name"])
            yield match["name"], match["value"].strip().strip("\"'"), evidence


def sample_names(tree: Tree, area: str) -> tuple[EnvName, ...]:
    """The variables that the ``.env`` sample of a folder names."""
    for path in sorted(tree.texts, reverse=True):
        if folder_of(path) == area and _SAMPLE.fullmatch(base_of(path).lower()):
            return read_variables(pairs_of(path, tree.texts[path])).env
    return ()
