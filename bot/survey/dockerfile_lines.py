"""A Dockerfile as a list of instructions: directives, continuations, comments and heredocs resolved.

In: text that may be hostile. Out: at most 2,000 instructions with their line. Never: a file opened, a shell, an
unbounded loop: every line is visited once.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bot.model.noun import Noun

MAX_INSTRUCTIONS: Final = 2_000
MAX_INSTRUCTION: Final = 16_384
MAX_VALUE: Final = 1_000

_DIRECTIVE: Final = re.compile(r"#\s*(?P<name>[A-Za-z]{1,20})\s*=\s*(?P<value>\S{0,200})\s*")
_HEREDOC: Final = re.compile(r"<<-?(?P<quote>[\"']?)(?P<word>[A-Za-z0-9_]{1,64})(?P=quote)")
_VARIABLE: Final = re.compile(
    r"\\\$|\$(?:(?P<bare>[A-Za-z_][A-Za-z0-9_]{0,100})"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]{0,100})(?:(?P<test>:?[-+?])(?P<word>[^{}]{0,400}))?\})"
)


class Instruction(Noun):
    """One instruction: ``keyword`` in capitals, the rest as one line, and the 1-based line where it starts."""

    keyword: str
    text: str
    line: int


@dataclass(slots=True)
class _Pending:
    """An instruction whose continuation lines are still being read."""

    line: int = 0
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str, line: int) -> None:
        self.line = self.line or line
        if self.size < MAX_INSTRUCTION:
            self.parts.append(text[:MAX_INSTRUCTION])
            self.size += len(text)


def instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions of a Dockerfile in order; what does not look like one is left out."""
    found: list[Instruction] = []
    for line, logical in _logical_lines(text):
        keyword, _, rest = logical.strip().partition(" ")
        if keyword.isascii() and keyword.isalpha() and len(keyword) <= 20:
            found.append(Instruction(keyword=keyword.upper(), text=rest.strip()[:MAX_INSTRUCTION], line=line))
        if len(found) == MAX_INSTRUCTIONS:
            break
    return tuple(found)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\t", " ").split("\n")
    escape = _escape(lines)
    pending = _Pending()
    until: list[str] = []
    for number, raw in enumerate(lines, start=1):
        if until:
            if raw.strip() == until[0]:
                until.pop(0)
            continue
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        goes_on = line.endswith(escape)
        pending.add(line[:-1].rstrip() if goes_on else line, number)
        if goes_on:
            continue
        logical = " ".join(pending.parts)
        until = _heredocs(logical)
        yield pending.line, logical
        pending = _Pending()
    if pending.parts:
        yield pending.line, " ".join(pending.parts)


def _escape(lines: list[str]) -> str:
    """The escape character: directives stand at the very top, before anything else."""
    for line in lines[:20]:
        match = _DIRECTIVE.fullmatch(line.strip()[:300])
        if match is None:
            break
        if match["name"].lower() == "escape" and match["value"] in {"`", "\\"}:
            return match["value"]
    return "\\"


def _heredocs(logical: str) -> list[str]:
    if logical[:4].upper() not in {"RUN ", "COPY", "ADD "} or "<<" not in logical:
        return []
    return [match["word"] for match in _HEREDOC.finditer(logical)][:20]


def expand(text: str, variables: dict[str, str]) -> str | None:
    """Replace ``$A``, ``${A}``, ``${A:-word}`` and ``${A:+word}``; None when a name has no value or it grows too long.

    The word after ``:-`` is taken as it stands: a variable inside a default stays unresolved.
    """
    parts: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(text[:MAX_INSTRUCTION]):
        value = _value(match, variables)
        if value is None:
            return None
        parts += [text[end : match.start()], value]
        end = match.end()
    expanded = "".join([*parts, text[end:MAX_INSTRUCTION]])
    return expanded if len(expanded) <= MAX_VALUE and "${" not in expanded else None


def _value(match: re.Match[str], variables: dict[str, str]) -> str | None:
    name = match["bare"] or match["name"]
    if name is None:
        return "$"
    value, test, word = variables.get(name), match["test"], match["word"] or ""
    if test is None or test.endswith("?"):
        return value
    if test.endswith("-"):
        return word if value is None or (test == ":-" and value == "") else value
    return word if value else ""


def assignments(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs of ``ENV a=b c="d e"`` and of the old form ``ENV a b``."""
    first, _, rest = text.partition(" ")
    if "=" not in first:
        return ((first[:MAX_VALUE], rest.strip().strip("\"'")[:MAX_VALUE]),) if first else ()
    pairs = (word.partition("=") for word in words(text))
    return tuple((name[:MAX_VALUE], value[:MAX_VALUE]) for name, equals, value in pairs if equals and name)[:200]


def words(text: str) -> tuple[str, ...]:
    """Shell words; when the quotes do not close, the text split at spaces."""
    try:
        return tuple(shlex.split(text[:MAX_INSTRUCTION]))
    except ValueError:
        return tuple(text[:MAX_INSTRUCTION].split())
