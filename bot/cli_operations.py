"""The verbs that run the service: the server, more workers, and what an operator does with their records.

In: arguments and the environment. Out: a running process, or what was asked for. Never: the planning half of the
product (``bot.__main__`` starts ``serve`` from here, so that it listens within moments).
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bot import service
from bot.cli_shared import OUT, Format, FormatOption, group, print_json, run
from bot.errors import EXIT_FAILED, Code, Refusal
from bot.settings import Settings
from bot.terminal import plain, show_table

_REPLAYING: Final = "bot.replaying"
_MCP: Final = "bot.mcp_server"
"""Loaded when they are asked for: both bring the planning half of the product."""
_NO_MCP: Final = Refusal(
    code=Code.CONFIG,
    message="The Model Context Protocol is not installed here.",
    remedy="Install it with: pip install 'ai-provision[model]'",
)
_AUDIT_HEAD: Final = ("at", "who", "repository", "thread", "action", "decision", "detail")


def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; AI_PROVISION_HOST.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port; AI_PROVISION_PORT.")] = None,
    poll: Annotated[
        bool, typer.Option("--poll", help="Read GitHub instead of being called: for places without a public address.")
    ] = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Webhook server with a worker beside it."""
    run(lambda settings: service.serve(settings, host=host, port=port, poll=poll), format)


def worker(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """One more worker on the same database. Each needs an AI_PROVISION_EXECUTOR_ID of its own."""
    run(service.worker, format)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    *,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """A consistent copy of the SQLite database while everything runs. For Postgres use pg_dump."""
    run(lambda settings: service.backup(settings, file), format)
    if format is Format.JSON:
        print_json(json.dumps({"schema_version": 1, "backup": str(file)}))
    else:
        OUT.print(f"Copied to {file}", markup=False)


def audit(
    *,
    actor: Annotated[str | None, typer.Option("--actor", metavar="LOGIN", help="Only what this person asked.")] = None,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="OWNER/NAME", help="Only threads of this repository.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many entries.")] = 100,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """Who asked what, and what was decided; newest first."""
    entries = run(lambda settings: service.audit(settings, actor=actor, repo=repo, limit=limit), format)
    if format is Format.JSON:
        shown = [entry.model_dump(mode="json") for entry in entries]
        print_json(json.dumps({"schema_version": 1, "entries": shown}))
        return
    rows = [
        [
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.actor,
            entry.repo,
            "" if entry.thread is None else str(entry.thread),
            entry.action,
            entry.decision,
            entry.detail,
        ]
        for entry in entries
    ]
    show_table(OUT, f"{len(entries)} entries, times in UTC", _AUDIT_HEAD, rows)


def replay(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's key, or its first 12 digits.")],
    *,
    format: FormatOption = Format.TEXT,  # noqa: A002 - the option's public name
) -> None:
    """The judgement of a finished job once more, offline, compared byte by byte. Exit code 1 when it differs."""
    replaying: Any = importlib.import_module(_REPLAYING)
    replayed = run(lambda settings: replaying.replay(job, settings), format)
    if format is Format.JSON:
        print_json(replayed.model_dump_json())
    else:
        OUT.print(plain(replaying.report(replayed)), markup=False, soft_wrap=True)
    if not replayed.same:
        raise typer.Exit(EXIT_FAILED)


def mcp(*, format: FormatOption = Format.TEXT) -> None:  # noqa: A002 - the option's public name
    """The read-only tools survey, snapshot, plan, explain and check for other people's agents, on standard input."""
    run(_serve_tools, format)


def _serve_tools(settings: Settings) -> Refusal | None:
    try:
        server: Any = importlib.import_module(_MCP)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        return _NO_MCP
    refusal: Refusal | None = server.run(settings)
    return refusal


def add_to(line: typer.Typer) -> None:
    """Give a command line these verbs."""
    line.command(epilog="Example: AI_PROVISION_WEBHOOK_SECRET=… ai-provision serve --port 8080")(serve)
    line.command(epilog="Example: AI_PROVISION_EXECUTOR_ID=worker-2 ai-provision worker")(worker)
    line.command(epilog="Example: ai-provision backup /var/backups/ai-provision.sqlite")(backup)
    line.command(epilog="Example: ai-provision audit --actor ada --limit 20")(audit)
    line.command(epilog="Example: ai-provision replay 1f0c2a9b77de")(replay)
    line.command(epilog="Example: cd ~/checkouts && ai-provision mcp")(mcp)


cli: Final = group()
add_to(cli)
