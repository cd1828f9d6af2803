"""The command line: what people type, and what they get back.

In: arguments and the environment. Out: text or one JSON document on stdout, progress on stderr, exit code 0 done,
1 failed, 2 wrong use, 3 refused by policy or capacity. Never: a question that blocks a pipeline, a stack trace for a
user's mistake.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from typer.core import TyperGroup

from bot import __version__, demo, verbs
from bot.errors import EXIT_FAILED, EXIT_WRONG_USE, Code, Refusal, Refused, Unavailable
from bot.flow.preview import Preview
from bot.model.document import ErrorBody, ErrorDocument
from bot.settings import Settings, read_settings
from bot.terminal import show_missing, show_plan, show_refusal


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
            _print_refusal(_wrong_use(error), Format.JSON)
            code = EXIT_WRONG_USE
        if as_json and standalone_mode:
            sys.exit(code or 0)
        return code


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


cli: Final = typer.Typer(
    cls=Verbs,
    name="ai-provision",
    help="One comment becomes a reviewed pull request with right-sized Terraform and Kubernetes manifests.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
_OUT: Final = Console(highlight=False, soft_wrap=False)
_ERR: Final = Console(stderr=True, highlight=False)


T = TypeVar("T")


class Format(StrEnum):
    """How the result is written."""

    TEXT = "text"
    JSON = "json"


GitRepo = Annotated[
    str | None,
    typer.Option("--git-repo", metavar="URL-OR-FOLDER", help="https URL, or a folder read as it lies on disk."),
]
Description = Annotated[
    str | None, typer.Option("--app-description", metavar="TEXT", help="What the application has to bear.")
]
ClusterOption = Annotated[
    str, typer.Option("--cluster", metavar="live|FILE", help="Read the clusters live, or from a snapshot file.")
]
ConfigOption = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="An .ai-provision.yaml to plan with.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write each generated file below this folder.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
Words = Annotated[
    str | None,
    typer.Argument(
        metavar="[TEXT]", help="A request for machines or a cluster (not in this version).", show_default=False
    ),
]


@cli.command(epilog=f"Example: {verbs.EXAMPLE}")
def plan(
    *,
    text: Words = None,
    git_repo: GitRepo = None,
    app_description: Description = None,
    cluster: ClusterOption = "live",
    config: ConfigOption = None,
    out: OutOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """The plan and the files, no pull request. Also called [bold]preview[/]."""

    def run(settings: Settings) -> Preview | Refusal:
        order = verbs.PlanOrder(
            text=text, git_repo=git_repo, app_description=app_description, cluster=cluster, config=config
        )
        return verbs.plan(order, settings, progress=_progress)

    planned = _run(run, format)
    if out is not None:
        _exit_on(verbs.write_files(planned.document, out), format)
    _print_plan(planned, format)


def _print_plan(planned: Preview, format_: Format) -> None:
    if format_ is Format.JSON:
        _print_json(planned.document.model_dump_json(by_alias=True))
    else:
        show_plan(_OUT, planned.document)


@cli.command(epilog=f"Example: {verbs.EXAMPLE.replace(' plan ', ' provision ')} --dry-run")
def provision(
    *,
    text: Words = None,
    git_repo: GitRepo = None,
    app_description: Description = None,
    cluster: ClusterOption = "live",
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan only, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before opening the pull request.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Apply after opening (not in this version).")] = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Open the pull request. Also called [bold]create[/]."""
    order = verbs.PlanOrder(
        text=text, git_repo=git_repo, app_description=app_description, cluster=cluster, config=config
    )
    if apply:
        _exit_on(verbs.APPLY_LATER, format)
    planned = _run(lambda settings: verbs.plan(order, settings, progress=_progress), format)
    if dry_run or not _confirmed(planned, format, yes=yes):
        _print_plan(planned, format)
        return
    pull = _run(lambda settings: verbs.open_pull(planned, order, settings, progress=_progress), format)
    if format is Format.JSON:
        _print_json(json.dumps({"schema_version": 1, "pull_request": pull.model_dump(mode="json")}))
    else:
        show_plan(_OUT, planned.document)
        _OUT.print(f"Pull request [bold]{pull.url}[/]")


def _confirmed(planned: Preview, format_: Format, *, yes: bool) -> bool:
    """Ask only a person at a terminal."""
    if yes or format_ is Format.JSON or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    show_plan(_OUT, planned.document)
    return typer.confirm("Open the pull request?", default=False)


cli.command("preview", hidden=True, epilog=f"Example: {verbs.EXAMPLE.replace(' plan ', ' preview ')}")(plan)
cli.command("create", hidden=True, epilog=f"Example: {verbs.EXAMPLE.replace(' plan ', ' create ')}")(provision)


@cli.command(epilog="Example: ai-provision snapshot --out cluster.json --anonymise")
def snapshot(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; stdout when absent.")
    ] = None,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Replace names and addresses, keep the shape.")
    ] = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """What the clusters hold now; [bold]plan --cluster FILE[/] reads it back."""
    taken = _run(lambda settings: verbs.snapshot(settings, anonymised=anonymise), format)
    text = taken.model_dump_json(indent=2) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    _exit_on(verbs.write_text(out, text), format)
    if format is Format.JSON:
        _print_json(
            json.dumps({"schema_version": 1, "out": str(out), "nodes": len(taken.nodes), "missing": len(taken.missing)})
        )
        return
    show_missing(_OUT, taken.missing)
    _OUT.print(f"{len(taken.nodes)} nodes and {len(taken.stores)} stores written to {out}")


@cli.command(epilog="Example: ai-provision check")
def check(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """Doctor: settings, credentials, privileges, reachability, tools. Each failed line says what to do."""
    lines = _run(verbs.check, format)
    if format is Format.JSON:
        _print_json(json.dumps({"schema_version": 1, "checks": [line.model_dump(mode="json") for line in lines]}))
    else:
        for line in lines:
            mark = {"ok": "[green]ok  [/]", "failed": "[red]FAIL[/]", "skipped": "[yellow]skip[/]"}[line.state]
            _OUT.print(
                f"{mark} {line.what}: {line.found}" + (f"\n       → {line.remedy}" if line.remedy else ""), markup=True
            )
    if any(line.state == "failed" for line in lines):
        raise typer.Exit(EXIT_FAILED)


@cli.command(epilog="Example: AI_PROVISION_WEBHOOK_SECRET=… ai-provision serve --port 8080")
def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; AI_PROVISION_HOST.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port; AI_PROVISION_PORT.")] = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Webhook server with an embedded worker, one process."""
    _run(lambda settings: verbs.serve(settings, host=host, port=port), format)


@cli.command("demo", epilog="Example: ai-provision demo")
def demo_verb(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """The whole loop on this computer: no account, no key, no cluster, no Docker."""
    result = _run(lambda _settings: demo.run(_ERR if format is Format.JSON else _OUT), format)
    if format is Format.JSON:
        _print_json(result.model_dump_json(by_alias=True))


@cli.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        _OUT.print(__version__)
        raise typer.Exit


def _progress(step: str) -> None:
    _ERR.print(f"[dim]{step} …[/]")


def _print_json(text: str) -> None:
    sys.stdout.write(text + "\n")


def _run(work: Callable[[Settings], T | Refusal], format_: Format) -> T:
    """Run a verb; a refusal, an outage or wrong settings end it with one sentence and the right exit code."""
    try:
        result = work(read_settings(os.environ))
    except ValidationError as error:
        result = _wrong_settings(error)
    except (Refused, Unavailable) as stop:
        result = stop.refusal
    return _exit_on(result, format_)


def _exit_on(result: T | Refusal, format_: Format) -> T:
    if not isinstance(result, Refusal):
        return result
    _print_refusal(result, format_)
    raise typer.Exit(result.exit_code)


def _print_refusal(refusal: Refusal, format_: Format) -> None:
    if format_ is Format.JSON:
        body = ErrorBody(code=refusal.code, message=refusal.message, remedy=refusal.remedy)
        _print_json(ErrorDocument(error=body).model_dump_json())
    else:
        show_refusal(_ERR, refusal)


def _wrong_settings(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_input=False)[0]
    return Refusal(
        code=Code.CONFIG,
        message=f"The setting {first['loc'][0]} is wrong: {first['msg']}.",
        remedy="Correct it; docs/configuration.md lists every setting with its form.",
    )
