"""Markdown from cells: tables and folded blocks, for texts that people read on GitHub.

In: cells that are already inert. Out: GitHub-flavoured Markdown. Never: escaping (``bot.rendering.inert`` does that).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A pipe table; line breaks and pipes inside cells are neutralised. Empty without rows."""
    lines = [_row(row) for row in rows]
    if not lines:
        return ""
    return "\n".join([_row(head), _row(["---"] * len(head)), *lines])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or " "


def folded(title: str, body: str) -> str:
    """A block that opens on a click; empty without a body."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>" if body else ""


def bullets(items: Iterable[str]) -> str:
    """A list, one item a line; empty without items."""
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def joined(sections: Iterable[str]) -> str:
    """Sections with a blank line between them, empty ones left out."""
    return "\n\n".join(section.strip("\n") for section in sections if section.strip()) + "\n"
