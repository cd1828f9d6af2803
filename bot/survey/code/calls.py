"""Calls in scanned code: who is called, on what, with which arguments.

In: ``Code``. Out: ``Call`` values in file order. Never: more work than one look at each bracket.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.survey.code.tokens import Code

Span = tuple[int, int]
"""A half-open range of token indexes."""

_CLOSERS = frozenset({")", "]", "}"})


@dataclass(frozen=True)
class Call:
    """One call. ``chain`` is the dotted name that ends in the called name; it starts with ``()`` when the receiver is
    itself a call, whose opening bracket is ``receiver`` (else -1).
    """

    code: Code
    open: int
    start: int
    chain: tuple[str, ...]
    receiver: int = -1

    @property
    def name(self) -> str:
        """The last part of the dotted name."""
        return self.chain[-1]

    @property
    def on(self) -> str:
        """The part before the last, or the empty string."""
        return self.chain[-2] if len(self.chain) > 1 else ""

    @property
    def line(self) -> int:
        """The line of the called name."""
        return self.code.line(self.open)

    @property
    def end(self) -> int:
        """The closing bracket; right behind the opening one when it is never closed."""
        close = self.code.match[self.open]
        return close if close >= 0 else self.open + 1

    def args(self) -> tuple[Span, ...]:
        """The arguments as token ranges."""
        return split(self.code, (self.open + 1, self.end), ",")

    def words(self) -> tuple[str, ...]:
        """The string literals that are whole arguments, or elements of list arguments, in order."""
        found = []
        for index in range(self.open + 1, min(self.end, self.open + 60)):
            literal = self.code.literal(index)
            if literal is not None:
                found.append(literal)
        return tuple(found)


def split(code: Code, span: Span, *marks: str) -> tuple[Span, ...]:
    """Cut a range at marks outside brackets."""
    parts: list[Span] = []
    begin = index = span[0]
    while index < span[1]:
        text = code.text(index)
        if code.match[index] > index:
            index = code.match[index]
        elif text in marks:
            parts.append((begin, index))
            begin = index + 1
        index += 1
    if begin < span[1]:
        parts.append((begin, span[1]))
    return tuple(parts)


def calls(code: Code) -> tuple[Call, ...]:
    """All calls of a file."""
    found = []
    for index, token in enumerate(code.tokens):
        if token.kind == "op" and token.text == "(" and (code.is_name(index - 1) or code.text(index - 1) == ">"):
            call = call_at(code, index)
            if call is not None:
                found.append(call)
    return tuple(found)


def calls_by_path(found: Iterable[Call]) -> dict[str, list[Call]]:
    """Calls grouped by their file."""
    grouped: dict[str, list[Call]] = {}
    for call in found:
        grouped.setdefault(call.code.path, []).append(call)
    return grouped


def call_at(code: Code, opener: int) -> Call | None:
    """The call whose argument list opens at ``opener``."""
    index = _before_generics(code, opener - 1)
    names: list[str] = []
    while code.is_name(index) and len(names) < 12:
        names.append(code.tokens[index].text)
        if code.text(index - 1) != ".":
            return Call(code, opener, index, tuple(reversed(names)))
        index -= 2
        if code.text(index) in _CLOSERS and code.match[index] >= 0:
            names.append("()")
            return Call(code, opener, index, tuple(reversed(names)), code.match[index])
    return Call(code, opener, index + 1, tuple(reversed(names))) if names else None


def _before_generics(code: Code, index: int) -> int:
    """Step over ``<T>`` between a name and its bracket (TypeScript)."""
    if code.text(index) != ">":
        return index
    for back in range(index, max(index - 24, 0), -1):
        if code.text(back) == "<":
            return back - 1
    return index


def following(call: Call) -> Call | None:
    """The next call in the same chain: ``a(...).b(...)``."""
    code, index = call.code, call.end + 1
    if code.text(index) == "." and code.is_name(index + 1) and code.text(index + 2) == "(":
        return call_at(code, index + 2)
    return None


def inner(call: Call) -> Call | None:
    """The call that this one is chained to."""
    if call.receiver >= 0 and call.code.text(call.receiver) == "(":
        return call_at(call.code, call.receiver)
    return None
