"""The house: every port the flow may use, built once by ``bot.app`` and handed down.

In: ports. Out: one frozen value. Never: a real edge by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.ports import Clock, Forge, Inventory, Repos, Toolbox, YamlReader


@dataclass(frozen=True, kw_only=True)
class House:
    """What every command stands on."""

    repos: Repos
    inventory: Inventory
    toolbox: Toolbox
    yaml: YamlReader
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Office:
    """A house with a forge. ``infra_repo`` is ``owner/name``; None means the thread's own repository.

    ``git_hosts`` are the hosts that the settings allow; ``login`` is the bot's own account, when known.
    """

    house: House
    forge: Forge
    infra_repo: str | None = None
    git_hosts: tuple[str, ...] = ("github.com",)
    login: str | None = None
