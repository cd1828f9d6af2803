"""The port ``bot.deploy.Playbooks`` in memory: the hosts of a folder's inventory, and the ways a run can end.

In: a folder as it was rendered. Out: a recap, and ``artifacts/admin.conf`` where a cluster is built. Never: a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.errors import Code, Refusal, Refused

Fault = Literal["", "task", "unreachable", "collections", "missing"]
KUBECONFIG = "apiVersion: v1\nkind: Config\n"


@dataclass
class FakePlaybooks:
    """``runs`` keeps what was handed over, by folder; ``fault`` ends the next runs."""

    fault: Fault = ""
    runs: list[tuple[Path, dict[str, str]]] = field(default_factory=list)

    def run(self, folder: Path, *, extra: Mapping[str, str]) -> str:
        """See the port."""
        inventory: Any = yaml.safe_load((folder / "inventory.yml").read_text("utf-8"))
        names = list(inventory["all"]["hosts"])
        self.runs.append((folder, dict(extra)))
        if self.fault:
            raise Refused(_refusal(self.fault, names[0]))
        if "k8s_cluster" in inventory["all"].get("children", {}):
            artifacts = folder / "artifacts"
            artifacts.mkdir(mode=0o750, exist_ok=True)
            (artifacts / "admin.conf").write_text(KUBECONFIG, "utf-8")
        return f"{len(names)} host{'' if len(names) == 1 else 's'}: {len(names)} tasks ok, 0 changed"


def _refusal(fault: Fault, host: str) -> Refusal:
    message, remedy = {
        "task": (f"The playbook failed at the task `Fail` on `{host}`: it fails", "Mend it, then run this again."),
        "unreachable": (f"The playbook could not reach {host} by SSH: refused", "Check the key, then run this again."),
        "collections": (
            "ansible-galaxy could not install the collections.",
            "Run `ansible-galaxy collection install -r requirements.yml -p collections` by hand.",
        ),
        "missing": ("ansible-playbook is not installed on this machine.", "Install ansible-core."),
        "": ("", ""),
    }[fault]
    return Refusal(code=Code.CONFIG, message=message, remedy=remedy)
