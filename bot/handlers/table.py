"""Every command in one closed table; help, documentation and the parser are made from it.

In: nothing. Out: ``COMMANDS`` and the texts made from it. Never: a command that is not in the table.
"""

from __future__ import annotations

from typing import Final

from bot.model.noun import Noun
from bot.rendering.markdown import joined, table


class CommandSpec(Noun):
    """One command: how it is written, what it does, who may give it, and whether this version runs it."""

    name: str
    usage: str
    summary: str
    permission: str = "write"
    available: bool = False


COMMANDS: Final = (
    CommandSpec(
        name="/ai-provision",
        usage=(
            '/ai-provision\n\ngit_repo: "https://github.com/org/repo"\napp_description: "200 QPS peak, zero downtime"'
        ),
        summary="reads the repository and the clusters, plans, and opens or updates one pull request",
        available=True,
    ),
    CommandSpec(name="/ai-help", usage="/ai-help", summary="shows this list", available=True),
    CommandSpec(
        name="/ai-refine",
        usage="/ai-refine replicas=5 memory=1Gi",
        summary="changes the plan of the bot's open pull request and updates it in place",
    ),
    CommandSpec(
        name="/ai-explain",
        usage="/ai-explain services.api.requests.cpu",
        summary="says why this number: formula, inputs, source, rejected alternatives",
    ),
    CommandSpec(name="/ai-status", usage="/ai-status", summary="says what the last command of this thread is doing"),
    CommandSpec(name="/ai-retry", usage="/ai-retry", summary="runs the last command of this thread again"),
    CommandSpec(name="/ai-cancel", usage="/ai-cancel", summary="stops the running command of this thread"),
    CommandSpec(
        name="/ai-destroy",
        usage="/ai-destroy supermarket-inventory",
        summary="opens a pull request that takes the application away",
    ),
)


def help_text() -> str:
    """The answer to ``/ai-help``."""
    now = [f"`{spec.name}` {spec.summary} (needs {spec.permission})" for spec in COMMANDS if spec.available]
    later = ", ".join(f"`{spec.name}`" for spec in COMMANDS if not spec.available)
    return joined(
        [
            "**ai-provision** understands, on the first line of a new comment or description:",
            "\n".join(f"- {line}" for line in now),
            f"```text\n{COMMANDS[0].usage}\n```",
            f"Known, but not in this version: {later}." if later else "",
        ]
    )


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
after unfolding. `git_repo` is `https://host/owner/name`, perhaps with `/tree/<ref>/<path>` for a part of a monorepo; branch
names with slashes work. The description holds at most 4,000 characters; [description.md](description.md) lists what is
understood in it. A wrong comment is answered with a reason code, the nearest right form and an example that keeps what
was right.

"Who" is the permission on the repository of the thread, asked live from GitHub when the command is
read; `.ai-provision.yaml` can ask for more."""
