"""What an apply tells in a thread: one comment for each marker, which all of our accounts read and continue.

In: a marker and a body that may begin with hidden lines of data. Out: the comment's address, or its body. Never: a
person's comment taken for ours, a line of data that was altered (it is emptied instead), data below the first lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

import structlog
from pydantic import TypeAdapter

from bot.edges.github.bodies import LIMIT, fitted
from bot.edges.github.calls import Answered
from bot.edges.github.line import GONE, Loose
from bot.edges.github.sending import Sender

_READ: Final = "issues: read"
_WRITE: Final = "issues: write"
_BEGIN: Final = "<!-- ai-provision:data:"
_DATA: Final = re.compile(rf"{_BEGIN}([a-z]{{1,20}}) ([A-Za-z0-9+/=]*) -->")
_KIND: Final = re.compile(rf"{_BEGIN}([a-z]{{1,20}}) ")
_ROOM: Final = 4_000
"""Characters that are kept for the words; data that leaves fewer is emptied."""

_log = structlog.get_logger(__name__)


class _Account(Loose):
    login: str
    type: str = "User"


class Comment(Loose):
    """A comment as GitHub shows it."""

    id: int
    html_url: str
    body: str | None = None
    user: _Account | None = None

    @property
    def text(self) -> str:
        """The body with LF line ends."""
        return (self.body or "").replace("\r\n", "\n")


_COMMENT: Final = TypeAdapter(Comment)
_COMMENTS: Final = TypeAdapter(tuple[Comment, ...])


class Told:
    """The comments of applies. ``is_me`` says whether an account (login, type) is the caller's own."""

    def __init__(self, sender: Sender, *, is_me: Callable[[str, str], bool]) -> None:
        self._sender = sender
        self._is_me = is_me

    def read(self, name: str, number: int, mark: str) -> str | None:
        """The body of the newest comment of ours that begins with the mark, without the mark."""
        found = self._newest(name, number, mark)
        return None if found is None else unmarked(found.text, mark)

    def tell(self, name: str, number: int, mark: str, body: str) -> str:
        """Create or edit the comment; returns its URL. One that we may not edit is followed by a newer one."""
        text = written(body, mark=mark, redact=self._sender.redact)
        found = self._newest(name, number, mark)
        if found is None:
            return self._create(name, number, mark, text, above=0)
        return found.html_url if found.text == text else self._edit(name, number, mark, text, found)

    def _newest(self, name: str, number: int, mark: str, *, above: int = 0) -> Comment | None:
        """None as well where the thread is gone."""
        path = f"/repos/{name}/issues/{number}/comments"
        try:
            pages = self._sender.line.pages(_READ, path, expect=GONE, remember=True)
            rows = [row for page in pages for row in page.read(_COMMENTS) if row.id > above]
        except Answered:
            return None
        return max((row for row in rows if row.text.startswith(mark) and self._ours(row)), key=_id, default=None)

    def _ours(self, comment: Comment) -> bool:
        """Written by an App, which no person can be (the server's or CI's), or by the caller's own account."""
        user = comment.user
        return user is not None and (user.type == "Bot" or self._is_me(user.login, user.type))

    def _edit(self, name: str, number: int, mark: str, text: str, found: Comment) -> str:
        path = f"/repos/{name}/issues/comments/{found.id}"
        try:
            expect = frozenset({403, 404})
            self._sender.send("PATCH", _WRITE, path, {"body": text}, form=_COMMENT, expect=expect)
        except Answered as answer:
            _log.info("a new comment follows one that could not be edited", url=found.html_url, status=answer.status)
            return self._create(name, number, mark, text, above=found.id)
        return found.html_url

    def _create(self, name: str, number: int, mark: str, text: str, *, above: int) -> str:
        """A new comment. Raises Refused(github-auth) where the thread stays invisible."""
        path = f"/repos/{name}/issues/{number}/comments"

        def look() -> Comment | None:
            return self._newest(name, number, mark, above=above)

        def post(expect: frozenset[int]) -> Comment:
            return self._sender.send("POST", _WRITE, path, {"body": text}, form=_COMMENT, look=look, expect=expect)

        try:
            return self._sender.patiently(lambda: post(frozenset({404}))).html_url
        except Answered:
            return post(frozenset()).html_url


def _id(comment: Comment) -> int:
    return comment.id


def unmarked(text: str, mark: str) -> str:
    """A comment's words and data without its marker."""
    return text.removeprefix(mark).lstrip("\n")


def written(body: str, *, mark: str, redact: Callable[[str], str]) -> str:
    """The comment as it goes out: marker, lines of data, words; within GitHub's limit."""
    data, words = _parted(unmarked(body.replace("\r\n", "\n"), mark))
    lines = [_whole(line, redact=redact) for line in data]
    if sum(map(len, lines)) > LIMIT - _ROOM:
        lines = [_emptied(line) for line in lines]
    head = "\n".join([mark, *lines])
    told = redact(words).replace(_BEGIN, "<!-- ai-provision, no data: ")
    return f"{head}\n\n{fitted(told, room=LIMIT - 3 - len(head))}"


def _parted(body: str) -> tuple[list[str], str]:
    """The lines of data at the top, and everything after them."""
    lines: list[str] = []
    rest = body.lstrip("\n")
    while rest.startswith(_BEGIN):
        line, _, rest = rest.partition("\n")
        lines.append(line.rstrip())
        rest = rest.lstrip("\n")
    return lines, rest


def _whole(line: str, *, redact: Callable[[str], str]) -> str:
    """The line, or the same line without its data: what holds a secret, or was redacted before, is read as nothing."""
    found = _DATA.fullmatch(line)
    if found is None:
        return _emptied(line)
    try:
        said = base64.b64decode(found[2], validate=True).decode()
    except (binascii.Error, ValueError):
        said = line
    return line if redact(said) == said else _emptied(line)


def _emptied(line: str) -> str:
    """Data that means nothing, in its place: a text further down must not pass for it."""
    kind = _KIND.match(line)
    _log.warning("the data of a comment was left out", kind=kind[1] if kind else "unknown")
    return f"{_BEGIN}{kind[1] if kind else 'none'}  -->"
