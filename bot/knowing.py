"""``ai-provision knowledge``: pages that people add for retrieval.

In: an https address or a file, and ``Settings``. Out: the page as it is kept, or a ``Refusal``. Never: a page that
looks like it holds a secret, an address that is not public, the planning half of the product.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime

from bot.counsel import Lesson
from bot.edges.clock import RealClock
from bot.edges.git.remote import is_public, resolve_host
from bot.edges.ledger import SqlLedger, open_ledger
from bot.edges.page import LARGEST, FetchedPage, Hosts, fetch_page
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.html_text import text_of_html
from bot.flow.sections import holds_secret, sections
from bot.model.noun import JsonValue, Noun
from bot.settings import Settings

_HTML: Final = frozenset({".html", ".htm", ".xhtml"})
_TEXT: Final = frozenset({".md", ".markdown", ".txt", ".text", ".rst", ""})
_ID: Final = re.compile(r"page:[0-9a-f]{8}")
_CLEAR: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MOST: Final = 10_000
Read = Callable[[str], FetchedPage]


class KnownPage(Noun):
    """A page that was added. Its ``sections`` are kept as lessons ``<id>#1``, ``<id>#2`` and so on."""

    id: str
    title: str
    source: str
    sections: int
    at: AwareDatetime


def fetch(url: str) -> FetchedPage:
    """A page of the public web, under the address rule that git is read by."""
    return fetch_page(url, Hosts(resolve=resolve_host, is_public=is_public))


def add(settings: Settings, source: str, *, read: Read = fetch) -> KnownPage | Refusal:
    """Read a page or a file and keep its sections; the same source again replaces them."""
    if holds_secret(source):
        return _wrong("The address looks like it holds a secret", "Save the page as a file and give the file.")
    try:
        page = read(source) if "://" in source else _file(source)
        title, markdown = _words(page)
        refusal = _unfit(markdown)
        if refusal is not None:
            return refusal
        found = sections(markdown, title=title)
        if not found:
            return _wrong("It holds no text", "Give a page with words in it.")
        with open_ledger(settings.database_url, clock=RealClock()) as ledger:
            return _keep(ledger, source, [(each.title, each.text) for each in found], title)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def listing(settings: Settings) -> tuple[KnownPage, ...] | Refusal:
    """Every page that was added, newest first."""
    try:
        with open_ledger(settings.database_url, clock=RealClock()) as ledger:
            kept = ledger.lessons(kind="page", limit=_MOST)
    except (Refused, Unavailable) as stop:
        return stop.refusal
    pages: dict[str, list[Lesson]] = {}
    for lesson in kept:
        pages.setdefault(lesson.id.partition("#")[0], []).append(lesson)
    return tuple(_known(id_, lessons) for id_, lessons in pages.items())


def remove(settings: Settings, id: str) -> KnownPage | Refusal:  # noqa: A002 - the field's own name
    """Forget a page with all its sections. ``id`` is the one that ``listing`` shows."""
    pages = listing(settings)
    if isinstance(pages, Refusal):
        return pages
    page = next((each for each in pages if each.id == id), None)
    if page is None or _ID.fullmatch(id) is None:
        return _wrong("No added page has this id", "`ai-provision knowledge list` shows every id.")
    try:
        with open_ledger(settings.database_url, clock=RealClock()) as ledger:
            ledger.replace(page.id, ())
    except (Refused, Unavailable) as stop:
        return stop.refusal
    return page


def _keep(ledger: SqlLedger, source: str, parts: list[tuple[str, str]], title: str) -> KnownPage:
    id_ = f"page:{hashlib.sha256(source.encode(errors='replace')).hexdigest()[:8]}"
    now = RealClock().now()
    data: JsonValue = {"source": _clear(source), "title": title}
    lessons = tuple(
        Lesson(id=f"{id_}#{number}", kind="page", title=heading, text=text, data=data, at=now)
        for number, (heading, text) in enumerate(parts, 1)
    )
    ledger.replace(id_, lessons)
    return _known(id_, list(lessons))


def _known(id_: str, lessons: list[Lesson]) -> KnownPage:
    data = lessons[0].data if isinstance(lessons[0].data, dict) else {}
    return KnownPage(
        id=id_,
        title=str(data.get("title", lessons[0].title)),
        source=str(data.get("source", "")),
        sections=len(lessons),
        at=max(lesson.at for lesson in lessons),
    )


def _words(page: FetchedPage) -> tuple[str, str]:
    """Title and Markdown."""
    name = _clear(page.url.rstrip("/").rpartition("/")[2])[:160] or "page"
    if page.media not in {"text/html", "application/xhtml+xml"}:
        heading = re.search(r"^#{1,6}[ \t]+(\S.*)$", page.text, re.MULTILINE)
        return (_clear(heading[1]).strip()[:160] if heading else name), _clear(page.text)
    markdown, title = text_of_html(page.text)
    return _clear(title or name), _clear(markdown)


def _clear(text: str) -> str:
    """Without control characters and halves of characters, which no database has a place for."""
    return _CLEAR.sub(" ", text.replace("\r\n", "\n"))


def _unfit(markdown: str) -> Refusal | None:
    for number, line in enumerate(markdown.splitlines(), 1):
        if holds_secret(line):
            return _wrong(f"Line {number} of its text looks like it holds a secret", "Take it out and add a copy.")
    return None


def _file(source: str) -> FetchedPage:
    """A regular file of this computer. Raises Refused(syntax, size)."""
    ending = Path(source).suffix.lower()
    if ending not in _HTML | _TEXT:
        raise Refused(_wrong("The file is no text, Markdown or HTML by its name", "Give a .md, .txt or .html file."))
    raw = _content(source)
    if len(raw) > LARGEST:
        raise Refused(_wrong(f"The file is larger than {LARGEST:,} bytes", "Give a smaller part of it.", Code.SIZE))
    with suppress(UnicodeDecodeError):
        text = raw.decode("utf-8-sig")
        if "\0" not in text:
            return FetchedPage(url=source, media="text/html" if ending in _HTML else "text/markdown", text=text)
    raise Refused(_wrong("The file is not UTF-8 text", "Save it as UTF-8."))


def _content(source: str) -> bytes:
    """At most one byte more than the largest page. A pipe or a device is not waited for."""
    reason = "it is not a file"
    try:
        file = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                with os.fdopen(file, "rb", closefd=False) as stream:
                    return stream.read(LARGEST + 1)
        finally:
            os.close(file)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "its name is not a path"
    raise Refused(_wrong(f"The file cannot be read: {reason}", "Give a file of text, or an https address."))


def _wrong(what: str, remedy: str, code: Code = Code.SYNTAX) -> Refusal:
    return Refusal(code=code, message=f"{what}.", remedy=remedy)
