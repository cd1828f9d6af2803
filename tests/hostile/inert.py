"""GitHub's own Markdown, walked: what would act, load or ping when somebody opens the page.

In: Markdown, the links that the bot itself makes. Out: a sentence for each thing that acts. Never: a guess by pattern at
what the renderer decides: cmark-gfm renders, an HTML parser reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

_TAGS = frozenset(
    re.findall(r"\w+", "h1 h2 h3 h4 h5 h6 p strong em code pre ul ol li table thead tbody tr th td blockquote hr br")
) | {"a", "details", "summary", "sub"}
_COMMENT = re.compile(r" bot:[0-9a-f]{12}:(?:pull|status) ")
_MENTION = re.compile(r"(?<![\w/`@])@[A-Za-z0-9]")
_REFERENCE = re.compile(r"(?<![\w/])(?:#|GH-)\d", re.IGNORECASE)
_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)[\s:]+(?:[\w.-]+/[\w.-]+)?(?:#\d|GH-\d|https?://\w)", re.IGNORECASE
)
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\x00]")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag not in _TAGS or names - {"href", "lang", "align"} or ("href" in names and tag != "a"):
            self.problems.append(f"the tag <{tag}> with {sorted(names)}")
        self.links += [value or "" for name, value in attrs if name == "href"]
        self._code += tag == "code"
        self.words += ["`"] if tag == "code" else [" "]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_comment(self, data: str) -> None:
        if not _COMMENT.fullmatch(data):
            self.problems.append(f"the comment {data[:60]!r}")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.words.append(data)


def problems_of(markdown: str, *, links: Collection[str] = ()) -> list[str]:
    """Everything that acts, but for ``links``."""
    page = _page(markdown)
    return [*page.problems, *_of_text("".join(page.words)), *_foreign(page.links, links), *_hidden(markdown)]


@cache
def links_of(markdown: str) -> frozenset[str]:
    """Where its links lead."""
    return frozenset(_page(markdown).links)


def _page(markdown: str) -> _Page:
    page = _Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
    page.close()
    return page


def _of_text(words: str) -> Iterator[str]:
    for what, pattern in (("mention", _MENTION), ("reference", _REFERENCE), ("closing keyword", _CLOSES)):
        yield from (
            f"a {what}: {words[max(0, found.start() - 20) : found.end() + 20]!r}" for found in pattern.finditer(words)
        )


def _foreign(found: list[str], own: Collection[str]) -> Iterator[str]:
    yield from (f"a link to {link}" for link in found if link not in own)


def _hidden(markdown: str) -> Iterator[str]:
    if _HIDDEN.search(markdown):
        yield "a character that hides or turns text"
