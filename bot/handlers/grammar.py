"""From words to a command, or to silence, or to a refusal that shows the right form.

In: a comment, a description of a thread, or options of the command line. Out: ``Command``, ``Refusal``, or None when
the text is no command. Never: a reaction to prose, quotes, fences, HTML comments or anything below the first line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

from bot.errors import Code, Refusal
from bot.handlers.fields import Mistake, checked_description, read_fields
from bot.handlers.repo_url import EXAMPLE, parse_repo_url
from bot.handlers.table import COMMANDS
from bot.model.command import Command, FolderTarget, Help, Later, Provision

_DESCRIPTION: Final = "200 QPS peak, p99 under 100 ms, zero downtime, strong consistency, PostgreSQL"
_TOKEN: Final = re.compile(r"/ai-[a-z-]{1,30}(?=[ \t]|$)", re.ASCII)
_NAMES: Final = tuple(spec.name for spec in COMMANDS)
_CLOSE: Final = 0.8


def example(git_repo: str | None = None, app_description: str | None = None) -> str:
    """A right comment, keeping what was right."""
    repo, words = git_repo or EXAMPLE, (app_description or _DESCRIPTION).replace("\\", "\\\\").replace('"', '\\"')
    return f'/ai-provision\n\ngit_repo: "{repo}"\napp_description: "{words}"'


def parse_comment(body: str, *, hosts: Sequence[str]) -> Command | Refusal | None:
    """Read a new comment, or the description of a new issue or pull request."""
    text = body.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    first, _, rest = _without_leading_blank_lines(text).partition("\n")
    match = _TOKEN.match(first)
    if match is None:
        return None
    name, words = match[0], first[match.end() :].strip()
    if name not in _NAMES:
        return _near_miss(name)
    if name == "/ai-provision":
        return _provision(words, rest, hosts=hosts)
    return Help() if name == "/ai-help" else Later(name=name)


def _without_leading_blank_lines(text: str) -> str:
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip(" \t")), 0)
    return "\n".join(lines[start:])


def _near_miss(name: str) -> Refusal | None:
    """A typing mistake gets the nearest command; another word that merely begins alike is prose."""
    if any(name.startswith(known) for known in _NAMES):
        return None
    near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=_CLOSE)
    if not near:
        return None
    return _syntax(f"{name} is no command, did you mean {near[0]}?", Mistake(problem=""))


def _provision(words: str, rest: str, *, hosts: Sequence[str]) -> Provision | Refusal:
    fields = read_fields(rest)
    if words:
        shown = words if len(words) <= 60 else f"{words[:60]}…"
        return _syntax(f"`{shown}` stands behind /ai-provision; the fields belong on lines of their own", fields)
    if isinstance(fields, Mistake):
        return _syntax(fields.problem, fields)
    target = parse_repo_url(fields.git_repo.strip(), hosts=hosts)
    if isinstance(target, Refusal):
        return target.model_copy(update={"example": example(app_description=fields.app_description)})
    return Provision(target=target, app_description=fields.app_description.strip())


def _syntax(problem: str, seen: object) -> Refusal:
    kept = seen if isinstance(seen, Mistake) else Mistake(problem="")
    return Refusal(
        code=Code.SYNTAX,
        message=f"The command was not understood: {problem}.",
        remedy="Write a new comment in this form; both fields, in this order, nothing else.",
        example=example(kept.git_repo, kept.app_description),
    )


def parse_request(
    git_repo: str, app_description: str, *, hosts: Sequence[str], folders: bool = False
) -> Provision | Refusal:
    """The same two fields from the command line, where ``git_repo`` may be a folder on this computer."""
    problem = checked_description(app_description)
    if problem is not None:
        return Refusal(
            code=Code.SYNTAX, message=f"The request was not understood: {problem}.", remedy=f"Example: {_DESCRIPTION}"
        )
    if folders and _looks_like_a_folder(git_repo):
        return Provision(target=FolderTarget(folder=git_repo), app_description=app_description.strip())
    target = parse_repo_url(git_repo.strip(), hosts=hosts)
    if isinstance(target, Refusal):
        return target
    return Provision(target=target, app_description=app_description.strip())


def _looks_like_a_folder(text: str) -> bool:
    """A path: nothing that names a scheme, a remote helper or an scp-like address, and nothing that is an option."""
    return (
        bool(text.strip()) and text.isprintable() and not text.startswith("-") and ":" not in text and "@" not in text
    )
