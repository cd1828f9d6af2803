"""``/ai-provision``: its two fields, read strictly, and the belt that it starts.

In: the lines below the command, or options of the command line. Out: ``Provision``, or a ``Refusal`` with the right
form and an example that keeps what was right. Never: a guess at a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.errors import Code, Refusal
from bot.flow import provision as flow
from bot.flow.order import Request
from bot.handlers.command import CommandSpec, Counter, Written
from bot.handlers.fields import Mistake, checked_description, kept, read_fields
from bot.handlers.repo_url import EXAMPLE, parse_repo_url
from bot.model.command import FolderTarget, Provision
from bot.model.outcome import Published

SPEC: Final = CommandSpec(
    name="/ai-provision",
    usage='/ai-provision\n\ngit_repo: "https://github.com/org/repo"\napp_description: "200 QPS peak, zero downtime"',
    summary="reads the repository and the clusters, plans, and opens or updates one pull request",
    available=True,
    immediate=False,
)
_WORD: Final = re.compile(r"-{0,2}[A-Za-z][A-Za-z_-]{0,30}(?![\w@])", re.ASCII)
_DESCRIPTION: Final = "200 QPS peak, p99 under 100 ms, zero downtime, strong consistency, PostgreSQL"


def example(git_repo: str | None = None, app_description: str | None = None) -> str:
    """A right comment, keeping what was right."""
    repo, words = git_repo or EXAMPLE, (app_description or _DESCRIPTION).replace("\\", "\\\\").replace('"', '\\"')
    return f'{SPEC.name}\n\ngit_repo: "{repo}"\napp_description: "{words}"'


def read(written: Written) -> Provision | Refusal:
    """The two fields of a comment."""
    fields = read_fields(written.rest)
    if written.words:
        below = fields if isinstance(fields, Mistake) else kept("", fields.model_dump())
        return not_understood(f"{_named(written.words)} stands behind {SPEC.name}; {_OWN_LINES}", below)
    if isinstance(fields, Mistake):
        return not_understood(fields.problem, fields)
    target = parse_repo_url(fields.git_repo.strip(), hosts=written.hosts)
    if isinstance(target, Refusal):
        return target.model_copy(update={"example": example(app_description=fields.app_description)})
    return Provision(target=target, app_description=fields.app_description.strip())


_OWN_LINES: Final = "the fields belong on lines of their own"


def _named(words: str) -> str:
    """The first word, unless it could be or hold a credential: of ``key=value`` the key alone."""
    word = _WORD.match(words)
    return f"`{word[0]}`" if word else "something"


def not_understood(problem: str, below: Mistake | None = None) -> Refusal:
    """``syntax`` with the right form; ``below`` holds the fields that were right."""
    return Refusal(
        code=Code.SYNTAX,
        message=f"The command was not understood: {problem}{'' if problem.endswith('?') else '.'}",
        remedy="Write a new comment in this form; both fields, in this order, nothing else.",
        example=example(below.git_repo, below.app_description) if below else example(),
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


def run(command: Provision, counter: Counter) -> Published:
    """The whole belt. Raises Broken (a defect) only."""
    request = Request(order=counter.order, command=command)
    return flow.provision(request, counter.office, progress=counter.progress)
