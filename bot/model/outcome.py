"""What became of a command: a pull request, or a refusal with its code.

In: facts from GitHub. Out: immutable outcomes. Never: tokens.
"""

from __future__ import annotations

from typing import Literal

from bot.model.consultation import Effort
from bot.model.noun import Noun


class PullRequest(Noun):
    """A pull request of the bot, as it was just published."""

    number: int
    url: str
    branch: str
    head_sha: str
    draft: bool = False
    created: bool = True


class OpenPull(Noun):
    """A pull request of the bot as it stands open. ``key`` is its unseen marker: the application and its owner."""

    number: int
    url: str
    branch: str
    head_sha: str
    key: str | None = None


class Published(Noun):
    """The terminal state of one command: a pull request, a question, an answer, a refusal code, or a stop that was
    asked for. ``efforts`` is what the agents' models cost.
    """

    kind: Literal["pull-request", "asked", "answered", "refused", "failed", "cancelled"]
    code: str | None = None
    pull: PullRequest | None = None
    comment_url: str | None = None
    efforts: tuple[Effort, ...] = ()
