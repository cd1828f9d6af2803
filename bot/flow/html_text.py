"""HTML as Markdown that can be split into sections: headings, paragraphs, lists, tables as lines.

In: HTML that anybody wrote. Out: its words. Never: scripts, styles, attributes, an exception for what is no HTML.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_DROPPED: Final = frozenset({"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas"})
_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr", "area", "base", "col", "embed"})
_BLOCKS: Final = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "figure",
        "footer", "form", "header", "hr", "html", "main", "nav", "ol", "p", "pre", "section", "summary", "table",
        "tbody", "thead", "ul",
    }
)  # fmt: skip
_LINES: Final = {"br": "\n", "tr": "\n", "li": "\n- ", "td": " ", "th": " "}
_UNCLOSED: Final = re.compile(r"<(?=[^<>]*(?:<|\Z))")
_DECLARATION: Final = re.compile(r"<[!?][^<>]*>")
_HEADINGS: Final = {f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)}


def text_of_html(html: str) -> tuple[str, str | None]:
    """The Markdown of a page, and its title."""
    reader = _Reader()
    reader.feed(_tame(html))
    reader.close()
    title = " ".join("".join(reader.title).split())
    return "".join(reader.words).strip(), title[:160] or None


def _tame(html: str) -> str:
    """Without comments and declarations, each ``<`` that no ``>`` follows as a character: the standard library's parser
    takes minutes for some kilobytes of tags that never end.
    """
    parts, at = [], 0
    while (start := html.find("<!--", at)) >= 0 and (end := html.find("-->", start + 4)) >= 0:
        parts.append(html[at:start])
        at = end + 3
    return _DECLARATION.sub("", _UNCLOSED.sub("&lt;", "".join((*parts, html[at:]))))


class _Reader(HTMLParser):
    """Collects words. ``_inside`` counts the dropped elements that are open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.title: list[str] = []
        self._inside = 0
        self._heading = False
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _DROPPED:
            self._inside += 1
        elif tag == "title":
            self._in_title = True
        elif tag in _HEADINGS and not self._inside:
            self._heading = True
            self.words.append(_HEADINGS[tag])
        elif not self._heading:
            self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if not self._heading:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._inside = max(0, self._inside - 1)
        elif tag == "title":
            self._in_title = False
        elif tag in _HEADINGS:
            self._heading = False
            self.words.append("\n\n")
        elif tag not in _VOID and not self._heading:
            self._break(tag if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if self._inside:
            return
        if self._in_title:
            self.title.append(data)
            return
        line = " ".join(data.split())
        lead, tail = " " if data[:1].isspace() else "", " " if data[-1:].isspace() else ""
        if line:
            self.words.append(f"{lead}{_inert(line, self.words)}{tail}")
        elif data and self.words and not self.words[-1].endswith((" ", "\n")):
            self.words.append(" ")

    def _break(self, tag: str) -> None:
        if self._inside:
            return
        if tag in _BLOCKS:
            self.words.append("\n\n")
        elif tag in _LINES:
            self.words.append(_LINES[tag])


def _inert(line: str, before: list[str]) -> str:
    """A line that begins like a heading or a fence is text all the same."""
    first = not before or before[-1].endswith("\n")
    return f"\\{line}" if first and line.startswith(("#", "```", "~~~")) else line
