"""What became of a command: a pull request, or a refusal with its code.

In: facts from GitHub. Out: immutable outcomes. Never: tokens.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import Noun


class PullRequest(Noun):
    """An open pull request of the bot."""

    number: int
    url: str
    branch: str
    head_sha: str
    draft: bool = False
    created: bool = True


class Published(Noun):
    """The terminal state of one command: a pull request, an answer, or a refusal code."""

    kind: Literal["pull-request", "answered", "refused", "failed"]
    code: str | None = None
    pull: PullRequest | None = None
    comment_url: str | None = None
