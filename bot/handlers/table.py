"""Every command in one closed table; the parser, the dispatch, help and documentation are made from it.

In: the command files. Out: ``TABLE``, ``COMMANDS`` and the texts made from them. Never: a command that is not in the
table.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Broken
from bot.handlers import advice, destroy, explain, later, provision, records, refine
from bot.handlers import help as help_
from bot.handlers.command import CommandSpec, Counter, Row
from bot.model.command import Advice, Cancel, Command, Destroy, Explain, Help, Later, Provision, Refine, Retry, Status
from bot.model.outcome import Published
from bot.rendering.markdown import joined, table

AnyRow = (
    Row[Provision]
    | Row[Help]
    | Row[Status]
    | Row[Retry]
    | Row[Cancel]
    | Row[Explain]
    | Row[Refine]
    | Row[Advice]
    | Row[Destroy]
    | Row[Later]
)
TABLE: Final[tuple[AnyRow, ...]] = (
    Row(spec=provision.SPEC, kind=Provision, read=provision.read, run=provision.run),
    Row(spec=refine.SPEC, kind=Refine, read=refine.read, run=refine.run),
    Row(spec=explain.SPEC, kind=Explain, read=explain.read, run=explain.run),
    Row(spec=records.STATUS, kind=Status, read=records.read_status, run=records.run_status),
    Row(spec=records.RETRY, kind=Retry, read=records.read_retry, run=records.run_retry),
    Row(spec=records.CANCEL, kind=Cancel, read=records.read_cancel, run=records.run_cancel),
    Row(spec=help_.SPEC, kind=Help, read=help_.read, run=help_.run),
    Row(spec=destroy.SPEC, kind=Destroy, read=destroy.read, run=destroy.run),
)
COMMANDS: Final = tuple(row.spec for row in TABLE)
_ADVICE: Final = Row(spec=advice.SPEC, kind=Advice, read=advice.read, run=advice.run)
"""No command: it is not in the table, because nobody can write it."""
_LATER: Final = Row(spec=later.SPEC, kind=Later, read=later.read, run=later.run)


def spec_of(command: Command) -> CommandSpec:
    """The spec of a command. Raises Broken for a command without a row (a defect)."""
    for row in (*TABLE, _ADVICE, _LATER):
        if isinstance(command, row.kind):
            return row.spec
    raise Broken(f"no row of the table serves {type(command).__name__}")


def run(command: Command, counter: Counter) -> Published:
    """Serve a command by its row. Raises Broken for a command without one (a defect)."""
    for row in (*TABLE, _ADVICE, _LATER):
        published = row.served(command, counter)
        if published is not None:
            return published
    raise Broken(f"no row of the table serves {type(command).__name__}")


def commands_page() -> str:
    """The text of ``docs/commands.md``."""
    rows = [
        [
            f"`{spec.name}`",
            f"`{spec.usage}`" if "\n" not in spec.usage else "see below",
            spec.summary,
            spec.permission,
            "yes" if spec.available else "later",
        ]
        for spec in COMMANDS
    ]
    return joined([_INTRODUCTION, table(["command", "write", "what it does", "who", "in this version"], rows), _RULES])


_INTRODUCTION: Final = """# Commands

A command is the first line of a new comment, or of the description of a new issue or pull request, at column 0, in
lower case. Leading empty lines do not matter. Commands inside fences, quotes, HTML comments or below the first line are
prose; edited comments and comments of bots are never read."""

_RULES: Final = f"""## `/ai-provision`

```text
{COMMANDS[0].usage}
```

Exactly these two fields, in this order, as YAML scalars (plain or quoted, or a folded block `>`), each on one line
after unfolding. `git_repo` is `https://host/owner/name`, perhaps with `/tree/<ref>/<path>` for a part of a monorepo;
branch names with slashes work. The description holds at most 4,000 characters; [description.md](description.md) lists
what is understood in it. A wrong comment is answered with a reason code, the nearest right form and an example that
keeps what was right.

"Who" is the permission on the repository of the thread, asked live from GitHub when the command is
read; `.ai-provision.yaml` can ask for more."""
