"""The house: every port the flow may use, built once by ``bot.app`` and handed down.

In: ports. Out: one frozen value. Never: a real edge by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.agents.desk import EMPTY, Desk
from bot.counsel import Lessons
from bot.model.refusal import Refusal
from bot.ports import Clock, Forge, Inventory, Repos, Steps, Toolbox, YamlReader
from bot.records import Audit, Jobs


@dataclass(frozen=True, kw_only=True)
class House:
    """What every command stands on."""

    repos: Repos
    inventory: Inventory
    toolbox: Toolbox
    yaml: YamlReader
    clock: Clock
    desk: Desk = EMPTY


@dataclass(frozen=True, kw_only=True)
class Books:
    """The records that a running command reads and writes."""

    jobs: Jobs
    audit: Audit
    lessons: Lessons | None = None


@dataclass(frozen=True, kw_only=True)
class Office:
    """A house with a forge, for one command. ``infra_repo`` is ``owner/name``; None means the thread's own repository.

    ``git_hosts`` are the hosts that the settings allow; ``login`` is the bot's own account, when known. ``books`` is
    None where nothing outlives the process (the GitHub Action): no quotas, no holds, no memory of earlier commands.
    ``barred`` is why no command of this thread can be served: the answer to everybody who may command here.
    """

    house: House
    forge: Forge
    steps: Steps
    books: Books | None = None
    infra_repo: str | None = None
    git_hosts: tuple[str, ...] = ("github.com",)
    login: str | None = None
    barred: Refusal | None = None
