"""The command line: what people type, and what they get back.

In: arguments and the environment. Out: text or one JSON document on stdout, progress on stderr, exit code 0 done,
1 failed, 2 wrong use, 3 refused by policy or capacity. Never: a question that blocks a pipeline, a stack trace for a
user's mistake.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from bot import __version__, advising, ci, cli_apply, cli_operations, delivering, doctor, initial, verbs
from bot.ci_runner import ActionResult, log_line
from bot.cli_knowledge import knowledge
from bot.cli_shared import ERR, OUT, Format, FormatOption, exit_on, group, print_json, progress, run, wants_json
from bot.edges.kubectl import roles_yaml
from bot.errors import EXIT_FAILED, Code, Refusal
from bot.flow.preview import Preview
from bot.logs import configure_logs
from bot.model.delivered import Delivered
from bot.rendering.patch import patch_text
from bot.roles import roles_text
from bot.settings import Settings
from bot.terminal import clean, show_missing, show_plan
from bot.terminal_answer import show_recommendation
from bot.terminal_apply import show_delivered

__all__ = ["cli", "wants_json"]

cli: Final = group()
_DEMO: Final = "bot.demo"
"""Loaded when it is asked for: emulators and the durable queue would double the start of every other verb."""

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
Words = Annotated[
    str | None,
    typer.Argument(metavar="[TEXT]", help="A request for machines or a cluster, in plain words.", show_default=False),
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
    text = _asked_for(text, git_repo, app_description, format)

    def work(settings: Settings) -> Preview | Refusal:
        order = verbs.PlanOrder(
            text=text, git_repo=git_repo, app_description=app_description, cluster=cluster, config=config
        )
        return verbs.plan(order, settings, progress=progress)

    planned = run(work, format)
    if out is not None:
        exit_on(verbs.write_files(planned.document, out), format)
    _print_plan(planned, format)


def _print_plan(planned: Preview, format_: Format) -> None:
    if format_ is Format.JSON:
        print_json(planned.document.model_dump_json(by_alias=True))
    else:
        show_plan(OUT, planned.document)


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
    apply: Annotated[
        bool, typer.Option("--apply", help="No pull request: apply from this computer, after asking.")
    ] = False,
    out: OutOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Open the pull request. Also called [bold]create[/]."""
    order = verbs.PlanOrder(
        text=_asked_for(text, git_repo, app_description, format),
        git_repo=git_repo,
        app_description=app_description,
        cluster=cluster,
        config=config,
    )
    planned = run(lambda settings: verbs.plan(order, settings, progress=progress), format)
    meant = yes or (None if dry_run else _confirmed(planned, format, apply=apply))
    if apply and meant is None and not dry_run:
        exit_on(_NOBODY, format)
    if dry_run or meant is False:
        _print_plan(planned, format)
        return
    if out is not None:
        exit_on(verbs.write_files(planned.document, out), format)
    if apply:
        _apply_now(planned, order, format)
        return
    pull = run(
        lambda settings: verbs.open_pull(planned, order, settings, progress=progress, confirmed=meant is True), format
    )
    if format is Format.JSON:
        print_json(json.dumps({"schema_version": 1, "pull_request": pull.model_dump(mode="json")}))
    else:
        show_plan(OUT, planned.document)
        OUT.print(f"Pull request [bold]{pull.url}[/]")


_NOBODY: Final = Refusal(
    code=Code.SYNTAX,
    message="--apply asks before it begins, and nobody is there to ask.",
    remedy="Read the plan with --dry-run, then give --yes as well.",
)


def _confirmed(planned: Preview, format_: Format, *, apply: bool) -> bool | None:
    """Ask only a person at a terminal; None: nobody was there."""
    if not _somebody(format_):
        return None
    show_plan(OUT, planned.document)
    return typer.confirm("Apply it now, from this computer?" if apply else "Open the pull request?", default=False)


def _somebody(format_: Format) -> bool:
    return format_ is Format.TEXT and sys.stdin.isatty() and sys.stdout.isatty()


def _asked_for(text: str | None, git_repo: str | None, app_description: str | None, format_: Format) -> str | None:
    """The request; a person who gave none is asked for it."""
    if text is not None or git_repo or app_description or not _somebody(format_):
        return text
    return str(typer.prompt("What do you need (machines or a cluster)")).strip() or None


def _apply_now(planned: Preview, order: verbs.PlanOrder, format_: Format) -> None:
    def work(settings: Settings) -> Delivered | Refusal:
        config = verbs.config_of(order, settings)
        if isinstance(config, Refusal):
            return config
        return delivering.apply_now(planned, settings, config, progress=progress)

    done = run(work, format_)
    if format_ is Format.JSON:
        print_json(done.model_dump_json(by_alias=True))
    else:
        show_delivered(OUT, done)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


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
    taken = run(lambda settings: verbs.snapshot(settings, anonymised=anonymise), format)
    text = taken.model_dump_json(indent=2) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    exit_on(verbs.write_text(out, text), format)
    if format is Format.JSON:
        print_json(
            json.dumps({"schema_version": 1, "out": str(out), "nodes": len(taken.nodes), "missing": len(taken.missing)})
        )
        return
    show_missing(OUT, taken.missing)
    OUT.print(f"{len(taken.nodes)} nodes and {len(taken.stores)} stores written to {out}")


@cli.command(epilog="Example: ai-provision check")
def check(
    *,
    print_roles: Annotated[
        bool,
        typer.Option("--print-roles", help="Print the least rights at Proxmox VE, Kubernetes and GitHub, to paste."),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="An .ai-provision.yaml in place of the repository's."),
    ] = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Doctor: settings, credentials, privileges, reachability, tools. Each failed line says what to do."""
    if print_roles:
        text = roles_text(kubernetes_apply=roles_yaml())
        sys.stdout.write(json.dumps({"schema_version": 1, "roles": text}) + "\n" if format is Format.JSON else text)
        return
    lines = run(lambda settings: doctor.check(settings, config_file=config), format)
    if format is Format.JSON:
        print_json(json.dumps({"schema_version": 1, "checks": [line.model_dump(mode="json") for line in lines]}))
    else:
        for line in lines:
            mark = {"ok": "[green]ok  [/]", "failed": "[red]FAIL[/]", "skipped": "[yellow]skip[/]"}[line.state]
            remedy = f"\n       → {clean(line.remedy)}" if line.remedy else ""
            OUT.print(f"{mark} {clean(line.what)}: {clean(line.found)}{remedy}", soft_wrap=True)
    if any(line.state == "failed" for line in lines):
        raise typer.Exit(EXIT_FAILED)


@cli.command(epilog="Example: ai-provision init --out infrastructure/")
def init(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The checkout that receives the files.")] = Path(),
    action: Annotated[
        str | None,
        typer.Option(
            "--action",
            metavar="OWNER/NAME@COMMIT",
            help="This tool's repository and the reviewed commit that the workflow runs; without it, no workflow.",
        ),
    ] = None,
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Open a pull request in AI_PROVISION_INFRA_REPO instead.")
    ] = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """The first files of an infrastructure repository: the config file and, with --action, the workflow."""
    order = initial.InitOrder(out=str(out), action=action, pull_request=pull_request)
    done = run(lambda settings: initial.init(order, settings, progress=progress), format)
    if format is Format.JSON:
        print_json(done.model_dump_json())
        return
    for path in done.written:
        OUT.print(f"written  {path}", markup=False)
    for path in done.kept:
        OUT.print(f"is there {path}", markup=False)
    OUT.print(f"Pull request {done.pull_request.url}" if done.pull_request else done.next_step, markup=False)


@cli.command(epilog="Example: GITHUB_EVENT_NAME=issue_comment GITHUB_EVENT_PATH=event.json ai-provision action")
def action(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """One event of a GitHub Actions run; action.yml calls it. Inputs come by the environment alone."""

    def work(settings: Settings) -> ActionResult | Refusal:
        configure_logs(settings)
        ended = ci.action(settings, os.environ, progress=progress)
        if isinstance(ended, Refusal) and format is Format.TEXT:
            sys.stdout.write(log_line(ended) + "\n")
            raise typer.Exit(ended.exit_code)
        return ended

    ended = run(work, format)
    sys.stdout.write((ended.model_dump_json() if format is Format.JSON else log_line(ended)) + "\n")
    if ended.failed:
        raise typer.Exit(EXIT_FAILED)


@cli.command(epilog=f"Example: {advising.EXAMPLE}")
def recommend(
    *,
    file: Annotated[
        str,
        typer.Option("--file", "-f", metavar="FILE", help="A payload of the input standard; - reads it from stdin."),
    ],
    patch: Annotated[
        bool, typer.Option("--patch", help="The YAML for kubectl patch --type strategic, and nothing else.")
    ] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="That patch with every number, also those that we leave out.")
    ] = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Replicas, requests, limits and autoscaler bounds for a payload, each with its reason."""
    answer = exit_on(advising.advise_file(file), format)
    text = patch_text(answer, complete=complete) if patch or complete else None
    if format is Format.JSON:
        print_json(answer.model_dump_json() if text is None else json.dumps({"schema_version": 1, "patch": text}))
    elif text is not None:
        sys.stdout.write(text)
    else:
        show_recommendation(OUT, answer)


cli_operations.add_to(cli)
cli_apply.add_to(cli)
cli.add_typer(knowledge, name="knowledge")


@cli.command("demo", epilog="Example: ai-provision demo")
def demo_verb(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """The whole loop on this computer: no account, no key, no cluster, no Docker."""
    demo = importlib.import_module(_DEMO)
    result = run(lambda _settings: demo.run(ERR if format is Format.JSON else OUT), format)
    if format is Format.JSON:
        print_json(result.model_dump_json(by_alias=True))


@cli.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        OUT.print(__version__)
        raise typer.Exit
