"""Markdown that only shows words: nothing in it loads, links, pings or hides.

In: the bundle's Markdown. Out: findings ``markdown``. Never: rendering.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.checks.bundle import Bundle
from bot.model.changes import RenderedFile
from bot.model.finding import Finding

_FORBIDDEN: Final = {"image": "an image", "html_inline": "HTML", "html_block": "HTML", "link_open": "a link"}
_PING: Final = re.compile(r"(?<![\w/`])@[A-Za-z0-9]|(?<![\w/`])#\d|\bGH-\d", re.ASCII)
_HIDDEN: Final = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def text_inert(bundle: Bundle) -> Iterator[Finding]:
    """No image, no HTML, no link, no ping, no character that turns the reading direction."""
    for file in bundle.changes.files:
        if file.path.endswith(".md"):
            yield from _judge(file)


def _judge(file: RenderedFile) -> Iterator[Finding]:
    hidden = _HIDDEN.search(file.content)
    if hidden:
        yield _finding(file, file.content.count("\n", 0, hidden.start()) + 1, "a control or direction character")
    parser = MarkdownIt("commonmark", {"linkify": False}).enable("table")
    for line, token in _walk(parser.parse(file.content), 0):
        if token.type in _FORBIDDEN:
            yield _finding(file, line, _FORBIDDEN[token.type])
        elif token.type == "text" and _PING.search(token.content):
            yield _finding(file, line, "a mention of a person or an issue")


def _walk(tokens: Iterable[Token], line: int) -> Iterator[tuple[int, Token]]:
    for token in tokens:
        here = token.map[0] + 1 if token.map else line
        yield here, token
        yield from _walk(token.children or (), here)


def _finding(file: RenderedFile, line: int, what: str) -> Finding:
    return Finding(
        rule="markdown",
        severity="block",
        path=file.path,
        line=line or None,
        message=f"The text holds {what}.",
        remedy="Show untrusted text through the escaper.",
    )
