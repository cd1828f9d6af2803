"""Everything that an apply works with, and the order that it was given.

In: ports, facts of the run. Out: frozen values. Never: a real edge by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.counsel import Metrics, Troubles
from bot.deploy import Checkout, Doors, Manifests, Playbooks, Review, Terraform
from bot.model.config import Config
from bot.model.noun import Noun
from bot.ports import Clock, Inventory, Progress, YamlReader


class Run(Noun):
    """The run of CI, or of a person on a laptop.

    ``event`` and ``ref`` are GitHub's words (``push``, ``refs/heads/main``); ``local``: GitHub is not asked.
    """

    repo: str
    commit: str
    event: str = "local"
    ref: str = ""
    url: str | None = None
    pull: int | None = None
    local: bool = False
    only: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The ports of an apply. None: not there, so what needs it is refused or skipped with a reason.

    ``workdir`` receives the files of each stack; ``kept`` what must outlive the run, such as an unsaved state;
    ``join_command`` is the line by which new workers join a cluster that exists; ``cluster_at`` opens the cluster of a
    kubeconfig that was just made.
    """

    checkout: Checkout
    inventory: Inventory
    clock: Clock
    yaml: YamlReader
    workdir: Path
    kept: Path
    config: Config
    terraform: Terraform
    doors: Doors
    progress: Progress
    redact: Callable[[str], str]
    manifests: Manifests | None = None
    playbooks: Playbooks | None = None
    join_command: str | None = None
    cluster_at: Callable[[Path], Manifests] | None = None
    review: Review | None = None
    metrics: Metrics | None = None
    troubles: Troubles | None = None
