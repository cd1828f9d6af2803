"""The team's own rules: Markdown files of the infrastructure repository that the config file names.

In: paths and a forge. Out: pieces of kind ``rule``, and findings for what could not be used. Never: a file outside the
repository's default branch, a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.flow.citing import short_id
from bot.flow.config_file import CONFIG_PATH
from bot.flow.sections import sections
from bot.model.config import Config
from bot.model.evidence import Piece
from bot.model.finding import Finding
from bot.ports import Forge

LARGEST: Final = 64 * 1024
"""Bytes of one file."""
_PATH: Final = re.compile(r"(?:[\w.@+-][\w .@+-]{0,99}/){0,10}[\w.@+-][\w .@+-]{0,99}\.md", re.ASCII)


def team_rules(config: Config, *, forge: Forge, infra_repo: str) -> Iterator[Piece | Finding]:
    """Every section of every named file. Raises Refused or Unavailable when the forge cannot be read."""
    for path in dict.fromkeys(config.knowledge):
        if not readable_path(path):
            yield _unused(None, f"{path[:100]!a} is no relative path of a Markdown file (.md)")
            continue
        text = forge.file(infra_repo, path)
        if text is None:
            yield _unused(path, f"{path} does not exist on the default branch")
        elif len(text.encode(errors="replace")) > LARGEST:
            yield _unused(path, f"{path} is larger than {LARGEST // 1024} KiB")
        else:
            yield from _pieces(path, text)


def readable_path(path: str) -> bool:
    """Whether a path stays inside the repository and ends in ``.md``."""
    return _PATH.fullmatch(path) is not None and not {".", "..", ".git"} & set(path.split("/"))


def _pieces(path: str, text: str) -> Iterator[Piece | Finding]:
    found = sections(text, title=path.rpartition("/")[2])
    for number, section in enumerate(found, 1):
        yield Piece(source_id=short_id(f"rule:{path}#{number}"), kind="rule", title=section.title, text=section.text)
    if not found:
        yield _unused(path, f"{path} holds nothing that can be used")


def _unused(path: str | None, what: str) -> Finding:
    return Finding(
        rule="knowledge-unread",
        severity="note",
        path=path,
        message=f"A file of rules was not used: {what}.",
        remedy=f"Correct `knowledge` in {CONFIG_PATH}: Markdown files of this repository, each at most 64 KiB.",
    )
