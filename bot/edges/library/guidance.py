"""The built-in guidance: short cited pieces in our own words, in Markdown files that ship with the product.

In: ``templates/knowledge/*.md``, each piece ``## <source_id>: Title``, its text, a ``Source:`` line. Out: pieces.
Never: a piece without a source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from bot.model.evidence import Piece

_HEAD: Final = re.compile(r"^## (?P<id>[a-z0-9][a-z0-9.-]{1,60}): (?P<title>.+)$", re.MULTILINE)
_SOURCE: Final = re.compile(r"^Source: \S.*", re.MULTILINE | re.DOTALL)


@lru_cache(maxsize=1)
def guidance() -> tuple[Piece, ...]:
    """Every built-in piece, by source id. Raises ValueError for a file that is not written as it must be."""
    folder = _root().joinpath("knowledge")
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".md")), key=lambda each: each.name)
    found = [piece for file in files for piece in read_guidance(file.read_text(encoding="utf-8"))]
    return tuple(sorted(found, key=lambda piece: piece.source_id))


def read_guidance(text: str) -> Iterator[Piece]:
    """The pieces of one file. Raises ValueError for a piece without a ``Source:`` line."""
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        body = text[head.end() : end].strip()
        if _SOURCE.search(body) is None:
            raise ValueError(f"the guidance {head['id']} names no source")
        words = " ".join(body.split())
        yield Piece(source_id=head["id"], kind="guidance", title=head["title"].strip(), text=words)


def _root() -> Traversable:
    """The folder of the templates: inside the wheel, or beside the package in a checkout."""
    packaged = resources.files("bot").joinpath("_templates")
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "templates"
