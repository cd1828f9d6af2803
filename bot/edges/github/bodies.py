"""Texts as GitHub accepts them: hidden markers, valid characters, never longer than a body may be.

In: Markdown that was rendered and redacted. Out: the same Markdown within GitHub's limits, cut visibly. Never: a cut
that leaves a fence, a fold or a comment open, so that the note itself would be hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from bot.errors import Broken

LIMIT = 65_536
"""Characters at which GitHub answers 422; a text stays below."""

TITLE_LIMIT = 250
"""GitHub allows 256 characters in a title."""

Kind = Literal["status", "pull", "apply"]
"""The status comment of a command, a pull request, and what an apply tells (``plan``, ``outcome``, ``late``)."""

_MARKER = re.compile(r"<!-- bot:([A-Za-z0-9._/#@-]{1,200}):(status|pull|apply) -->")
_KEY = re.compile(r"[A-Za-z0-9._/#@-]{1,200}")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\r\n]*)")
_RUN = re.compile(r"(`{60})`+|(~{60})~+")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NOTE = (
    "> **Cut here:** {count} characters are left out, because GitHub allows {limit} in one text. "
    "The files of the pull request hold everything."
)
_OVERHEAD = 1_200
"""Characters kept free for the note and for what closes and reopens fences and folds."""

_OPENER = 200
"""A fence line longer than this is reopened without its info string."""


def hidden(key: str, kind: Kind) -> str:
    """The invisible marker of a text. Raises Broken for a key that could leave the HTML comment."""
    if not _KEY.fullmatch(key) or "--" in key:
        raise Broken(f"a marker key must match {_KEY.pattern} without a double dash")
    return f"<!-- bot:{key}:{kind} -->"


def key_of(body: str, kind: Kind) -> str | None:
    """The key of the last marker of this kind in a text, or None."""
    keys = [match.group(1) for match in _MARKER.finditer(body) if match.group(2) == kind]
    return keys[-1] if keys else None


def clean(text: str) -> str:
    """Text that JSON and GitHub accept: lone surrogates and control characters become U+FFFD, lines end with LF."""
    return _FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def title_of(text: str) -> str:
    """One line of at most 250 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def fitted(text: str, *, room: int = LIMIT - 1) -> str:
    """The text within ``room`` characters: head, a visible note, and the tail, where the next commands stand."""
    body = clean(text)
    if len(body) <= room:
        return body
    body = _RUN.sub(r"\1\2", body)
    budget = room - _OVERHEAD
    head = _head(body, budget * 3 // 4)
    tail = _tail(body, budget - budget * 3 // 4)
    left_out = len(body) - len(head) - len(tail)
    note = _NOTE.format(count=f"{left_out:,}", limit=f"{LIMIT:,}")
    after = _after(head.splitlines())
    before = _after(body[: len(body) - len(tail)].splitlines())
    return f"{head}{after.closing()}\n\n{note}\n\n{before.opening()}{tail}"


def _head(body: str, budget: int) -> str:
    """As many whole lines as fit; part of a line when it alone is longer than half the budget."""
    end = body.rfind("\n", 0, budget)
    return body[: end if end > budget // 2 else budget]


def _tail(body: str, budget: int) -> str:
    start = body.find("\n", len(body) - budget)
    return body[start + 1 if 0 <= start < len(body) - budget // 2 else len(body) - budget :]


@dataclass(frozen=True)
class _Open:
    """What is open after some lines: a fence (its line), folds, a comment, a block of HTML."""

    fence: str | None = None
    folds: int = 0
    comment: bool = False
    html: bool = False

    def closing(self) -> str:
        lines = [] if self.fence is None else [_mark(self.fence)]
        lines += ["-->"] if self.comment else []
        lines += ["", *(["</details>"] * self.folds)] if self.folds else []
        return "".join("\n" + line for line in lines)

    def opening(self) -> str:
        lines = ["<details><summary>More</summary>", ""] * self.folds
        if self.fence is not None:
            lines.append(self.fence if len(self.fence) <= _OPENER else _mark(self.fence))
        return "".join(line + "\n" for line in lines)


def _mark(fence: str) -> str:
    """The fence without its info string."""
    match = _FENCE.match(fence)
    return match.group(1) if match else "```"


def _after(lines: Iterable[str]) -> _Open:
    state = _Open()
    for line in lines:
        state = _step(state, line)
    return replace(state, folds=min(state.folds, 8))


def _step(state: _Open, line: str) -> _Open:
    """One line further, as CommonMark sees blocks: fences hide everything, HTML lasts until a blank line."""
    match = _FENCE.match(line)
    if state.fence is not None:
        mark = _mark(state.fence)
        closes = match is not None and match.group(1).startswith(mark) and not match.group(2).strip()
        return replace(state, fence=None) if closes else state
    if state.comment:
        return replace(state, comment="-->" not in line)
    if match and not state.html and not (match.group(1)[0] == "`" and "`" in match.group(2)):
        return replace(state, fence=line)
    return _step_html(state, line)


def _step_html(state: _Open, line: str) -> _Open:
    word = line.strip()
    if not word:
        return replace(state, html=False)
    starts = len(line) - len(line.lstrip(" ")) <= 3
    if starts and not state.html and word.startswith("<!--"):
        return replace(state, comment="-->" not in word)
    fold = word.startswith("<details") - word.startswith("</details>")
    return replace(state, folds=max(0, state.folds + fold), html=state.html or (starts and fold != 0))
