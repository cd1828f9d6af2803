"""What every verb of the command line shares: its group, its two formats, its exits.

In: arguments, a verb's result. Out: text or one JSON document on stdout, words on stderr, an exit code. Never: a heavy
import (``serve`` starts through here), a stack trace for a user's mistake.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from typer.core import TyperGroup

from bot.errors import EXIT_FAILED, EXIT_WRONG_USE, Code, Refusal, Refused, Unavailable
from bot.logs import configure_logs
from bot.model.document import ErrorBody, ErrorDocument
from bot.settings import Settings, read_settings
from bot.terminal import show_refusal

T = TypeVar("T")
OUT: Final = Console(highlight=False, soft_wrap=False)
ERR: Final = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """How the result is written."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]


class Verbs(TyperGroup):
    """The verbs. Wrong use is answered in the format that was asked for, as every refusal is."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - as the parent declares it
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - as the parent declares it
        **extra: Any,
    ) -> Any:
        """Run one verb and exit."""
        given = list(sys.argv[1:] if args is None else args)
        as_json = wants_json(given)
        try:
            code = super().main(
                given, prog_name, complete_var, standalone_mode and not as_json, windows_expand_args, **extra
            )
        except (typer.Abort, KeyboardInterrupt):
            code = EXIT_FAILED
        except typer.TyperException as error:
            print_refusal(_wrong_use(error), Format.JSON)
            code = EXIT_WRONG_USE
        if as_json and standalone_mode:
            sys.exit(code or 0)
        return code


def group() -> typer.Typer:
    """The command line without a verb."""
    return typer.Typer(
        cls=Verbs,
        name="ai-provision",
        help="One comment becomes a reviewed pull request with right-sized Terraform and Kubernetes manifests.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether ``--format json`` stands among the arguments, also where the rest of them is wrong."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _wrong_use(error: typer.TyperException) -> Refusal:
    said = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    return Refusal(
        code=Code.SYNTAX,
        message=" ".join(said.split()) or "The command line was not understood.",
        remedy="Run it with --help; every verb shows its options and an example.",
    )


def progress(step: str) -> None:
    """One step, for whoever watches."""
    ERR.print(f"[dim]{step} …[/]")


def print_json(text: str) -> None:
    """The one document of ``--format json``."""
    sys.stdout.write(text + "\n")


def run(work: Callable[[Settings], T | Refusal], format_: Format) -> T:
    """Run a verb; a refusal, an outage or wrong settings end it with one sentence and the right exit code."""
    try:
        settings = read_settings(os.environ)
        # on stderr, and only what nobody else says: stdout is the one document, and a person reads the findings
        configure_logs(settings, level=logging.ERROR)
        result = work(settings)
    except ValidationError as error:
        result = _wrong_settings(error)
    except (Refused, Unavailable) as stop:
        result = stop.refusal
    return exit_on(result, format_)


def exit_on(result: T | Refusal, format_: Format) -> T:
    """The result, unless it is a refusal. Raises typer.Exit then."""
    if not isinstance(result, Refusal):
        return result
    print_refusal(result, format_)
    raise typer.Exit(result.exit_code)


def print_refusal(refusal: Refusal, format_: Format) -> None:
    """Code, sentence, remedy."""
    if format_ is Format.JSON:
        body = ErrorBody(code=refusal.code, message=refusal.message, remedy=refusal.remedy)
        print_json(ErrorDocument(error=body).model_dump_json())
    else:
        show_refusal(ERR, refusal)


def _wrong_settings(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_input=False)[0]
    return Refusal(
        code=Code.CONFIG,
        message=f"The setting {first['loc'][0]} is wrong: {first['msg']}.",
        remedy="Correct it; docs/configuration.md lists every setting with its form.",
    )
