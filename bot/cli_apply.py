"""The verbs of the second half on the command line: ``apply`` and ``destroy``.

In: arguments. Out: text or one JSON document, an exit code: 1 when something failed on the way, 3 when a rule kept it
from beginning. Never: a question where nobody is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import ci_deliver, delivering
from bot.cli_shared import OUT, Format, FormatOption, exit_on, print_json, progress, run
from bot.errors import EXIT_FAILED, EXIT_REFUSED
from bot.terminal_apply import show_delivered, show_removal

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_to(cli: typer.Typer) -> None:
    """Add the verbs."""
    cli.command(epilog="Example: ai-provision apply --plan")(apply)
    cli.command(epilog="Example: ai-provision destroy supermarket-inventory --dry-run")(destroy)
    cli.command(hidden=True, epilog="Example: DELIVER_VERB=plan ai-provision deliver")(deliver)


def apply(
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Only plan, and tell it on the pull request.")] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Say what was merged and not applied; look ten minutes after.")
    ] = False,
    revert: Annotated[
        bool,
        typer.Option("--revert", help="Open the pull request for workloads that returned."),
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="On your own machine: nobody is asked who reviewed the commit.")
    ] = False,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="The checkout of the infrastructure repository.")
    ] = Path(),
    stack: Annotated[
        list[str] | None, typer.Option("--stack", metavar="NAME", help="Only this folder below apps/ or clusters/.")
    ] = None,
    yes: Yes = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """In CI: preflight, terraform, playbook, manifests, report, for the stacks that a commit changed."""
    mode: delivering.Mode = "plan" if plan else "reconcile" if reconcile else "revert" if revert else "apply"
    order = delivering.ApplyOrder(mode=mode, folder=str(folder), local=local, only=tuple(stack or ()))
    if local and mode == "apply" and not yes and not _meant(f"Apply the last commit of {folder}?", format):
        raise typer.Exit(EXIT_REFUSED)
    done = run(lambda settings: delivering.deliver(order, settings, os.environ, progress=progress), format)
    if format is Format.JSON:
        print_json(done.model_dump_json(by_alias=True))
    else:
        show_delivered(OUT, done)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def deliver() -> None:
    """A step of the reusable workflows; its inputs come by the environment alone."""
    raise typer.Exit(ci_deliver.main(os.environ))


def _meant(question: str, format_: Format) -> bool:
    """Ask a person at a terminal; where nobody is, only --yes means it."""
    if format_ is Format.JSON or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return typer.confirm(question, default=False)


def destroy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A folder below apps/ or clusters/.")],
    *,
    data: Annotated[bool, typer.Option("--data", help="Its data disks and volumes too. There is no way back.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, open nothing.")] = False,
    yes: Yes = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Open the pull request that takes an application or a cluster away."""
    removal = run(lambda settings: delivering.removal(name, settings, data=data), format)
    if format is Format.TEXT:
        show_removal(OUT, removal)
    if dry_run:
        if format is Format.JSON:
            print_json(removal.model_dump_json(by_alias=True))
        return
    if not yes and format is Format.TEXT and sys.stdin.isatty() and not typer.confirm("Open the pull request?"):
        raise typer.Exit(EXIT_FAILED)
    pull = exit_on(run(lambda settings: delivering.open_removal(removal, settings), format), format)
    if format is Format.JSON:
        print_json('{"schema_version":1,"pull_request":' + pull.model_dump_json() + "}")
    else:
        OUT.print(f"Pull request [bold]{pull.url}[/]")
