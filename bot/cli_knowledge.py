"""The verbs of knowledge: add a page or a file, list what was added, remove it.

In: arguments and the environment. Out: what is kept, as text or one JSON document. Never: a secret of an address.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer

from bot import knowing
from bot.cli_shared import OUT, Format, FormatOption, print_json, run
from bot.knowing import KnownPage
from bot.terminal import show_table

_HEAD: Final = ("id", "title", "sections", "added", "source")

knowledge: Final = typer.Typer(help="Pages that plans are told about and cite.", no_args_is_help=True)


@knowledge.command(epilog="Example: ai-provision knowledge add docs/our-sizing-rules.md")
def add(
    source: Annotated[str, typer.Argument(metavar="URL-OR-FILE", help="An https page, or a .md, .txt or .html file.")],
    *,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Read a page once and keep its sections; the same source again replaces them."""
    page = run(lambda settings: knowing.add(settings, source), format)
    _print(f"Added {page.id} with {page.sections} sections: {page.title}", [page], format)


@knowledge.command("list", epilog="Example: ai-provision knowledge list")
def listing(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """Every page that was added, newest first."""
    pages = run(knowing.listing, format)
    if format is Format.JSON:
        _print("", list(pages), format)
        return
    rows = [[page.id, page.title, str(page.sections), f"{page.at:%Y-%m-%d %H:%M}", page.source] for page in pages]
    show_table(OUT, f"{len(rows)} pages, times in UTC", _HEAD, rows)


@knowledge.command(epilog="Example: ai-provision knowledge remove page:3f2a9c11")
def remove(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id that `knowledge list` shows.")],  # noqa: A002
    *,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Forget a page with all its sections."""
    page = run(lambda settings: knowing.remove(settings, id), format)
    _print(f"Removed {page.id}: {page.title}", [page], format)


def _print(said: str, pages: list[KnownPage], format_: Format) -> None:
    if format_ is Format.JSON:
        print_json(json.dumps({"schema_version": 1, "pages": [page.model_dump(mode="json") for page in pages]}))
    else:
        OUT.print(said, markup=False)
