"""Markdown as pieces of knowledge: a section is what stands under one heading, in parts short enough to retrieve.

In: Markdown that somebody wrote. Out: sections in their order. Never: a section that looks like it holds a secret, a
heading found inside a code block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.model.noun import Noun
from bot.survey.secrets import MAX_LINE, looks_secret

LONGEST: Final = 700
"""Characters of a part."""
MOST: Final = 200
"""Parts of one text."""
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")


class Section(Noun):
    """A heading and the text below it, or a part of that text."""

    title: str
    text: str


def sections(markdown: str, *, title: str) -> tuple[Section, ...]:
    """At most 200 parts of at most 700 characters; ``title`` is that of the text before the first heading."""
    found: list[Section] = []
    for heading, body in _headed(markdown, title):
        for part in _parts(body):
            if len(found) == MOST:
                return tuple(found)
            if not holds_secret(f"{heading}\n{part}"):
                found.append(Section(title=heading, text=part))
    return tuple(found)


def holds_secret(text: str) -> bool:
    """True when a line looks like it holds a key, a token or a password."""
    step = MAX_LINE // 2
    return any(
        looks_secret(line[start : start + MAX_LINE])
        for line in text.splitlines()
        for start in range(0, max(1, len(line) - step), step)
    )


def _headed(markdown: str, title: str) -> Iterator[tuple[str, str]]:
    heading, body, fence = title, list[str](), ""
    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark["mark"].startswith(fence) and mark["mark"] == line.strip() else fence
        elif mark:
            fence = mark["mark"]
        found = None if fence or mark else _HEADING.fullmatch(line)
        if found is None:
            body.append(line)
            continue
        yield heading, "\n".join(body)
        heading, body = found["title"][:160] or title, []
    yield heading, "\n".join(body)


def _parts(body: str) -> Iterator[str]:
    """Paragraphs joined up to the longest part; what is longer by itself is cut at a word."""
    part = ""
    for paragraph in re.split(r"\n[ \t]*\n", body):
        for words in _pieces(" ".join(paragraph.split())):
            if part and len(part) + 1 + len(words) > LONGEST:
                yield part
                part = ""
            part = f"{part} {words}".strip()
    if part:
        yield part


def _pieces(words: str) -> Iterator[str]:
    while len(words) > LONGEST:
        end = words.rfind(" ", 0, LONGEST)
        end = end if end > 0 else LONGEST
        yield words[:end]
        words = words[end:].lstrip()
    if words:
        yield words
