"""Worker machines that join the cluster which runs the application.

In: a scene whose plan adds workers. Out: file texts by path below ``ansible/``. Never: a join token (``join_command``
is given when the playbook runs), a kubelet newer than the cluster.

Why not the collection's own way to add nodes: it needs the inventory of the whole cluster and root on its control
planes, and nobody gave us either. ``kubeadm join`` needs a bootstrap token alone, which dies after hours.
"""

from __future__ import annotations

import re
from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.model.plan import Machine, Plan
from bot.rendering.ansible_hosts import LEASED, fixed, host_values, is_leased, leased_group, named
from bot.rendering.data_text import yaml_text
from bot.rendering.scene import Scene

WORKER: Final = "kubernetes-worker"
_VERSION: Final = re.compile(r"v?(1\.\d{2})\.(\d{1,2})", re.ASCII)


def joining(plan: Plan) -> tuple[Machine, ...]:
    """The machines that have to join a cluster which exists; those of a new cluster do not count."""
    ours = {cluster.name for cluster in plan.clusters}
    return tuple(machine for machine in plan.machines if machine.role == WORKER and machine.cluster not in ours)


def worker_files(scene: Scene) -> dict[str, str]:
    """Raises Refused(config) when the cluster is none that ``kubeadm join`` knows, or its version was not read."""
    machines = joining(scene.plan)
    inventory = {
        "all": {
            "hosts": {machine.name: host_values(machine) for machine in machines},
            "children": {"new_workers": named(machines), **leased_group(machines)},
        }
    }
    files = {
        "ansible.cfg": fixed("ansible.cfg"),
        "site.yml": fixed("join.yml"),
        "inventory.yml": yaml_text(inventory, comment="The worker machines that join the cluster."),
        "group_vars/all.yml": yaml_text(_variables(scene), comment="How they are reached, and what they run."),
    }
    if any(map(is_leased, machines)):
        files[f"group_vars/{LEASED}.yml"] = fixed(f"{LEASED}.yml")
    return files


def _variables(scene: Scene) -> dict[str, object]:
    minor, patch = _version(scene)
    return {
        "ansible_user": scene.config.defaults.username,
        "kubernetes_line": f"v{minor}",
        "kubernetes_version": f"{minor}.{patch}",
    }


def _version(scene: Scene) -> tuple[str, int]:
    """The oldest version of the cluster's parts: a kubelet may be older than the API server, never newer."""
    facts = scene.snapshot.kubernetes
    texts = [node.version for node in scene.snapshot.of("kubernetes")] + [facts.version if facts else None]
    known = [text for text in texts if text]
    if not known:
        raise Refused(_cannot_join("its version was not read"))
    matches = [_VERSION.fullmatch(text) for text in known]
    strange = next((text for text, match in zip(known, matches, strict=True) if match is None), None)
    if strange is not None:
        raise Refused(_cannot_join(f"it runs {strange[:40]!a}, which is no version of kubeadm's"))
    return min(((match[1], int(match[2])) for match in matches if match), key=_order)


def _order(version: tuple[str, int]) -> tuple[int, int]:
    return int(version[0].partition(".")[2]), version[1]


def _cannot_join(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"Worker machines cannot be added to the cluster: {why}, and workers join by kubeadm.",
        remedy="Add nodes the way the cluster was built, or free room on it; with kubernetes.add_workers: false in "
        ".ai-provision.yaml no workers are planned.",
    )
