"""ansible-playbook behind the port ``bot.deploy.Playbooks``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class AnsiblePlaybooks:
    """``bot.deploy.Playbooks``."""

    redact: Callable[[str], str]

    def run(self, folder: Path, *, extra: Mapping[str, str]) -> str:
        """See ``bot.deploy.Playbooks``."""
        raise NotImplementedError(folder, extra)
