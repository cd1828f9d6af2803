"""Ansible files: a whole cluster by a well-kept collection, or workers that join the cluster that runs an application.

In: a scene. Out: file texts by path below the stack's folder. Never: a value pasted by a template (values stand in the
inventory and in ``group_vars``, written by the serialiser; playbooks are fixed text), a secret, a host key that is
passed over.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.rendering.ansible_cluster import cluster_files
from bot.rendering.ansible_join import joining, worker_files
from bot.rendering.scene import Scene

FOLDER: Final = "ansible"


def ansible_files(scene: Scene) -> dict[str, str]:
    """File texts by path; empty where nothing has to be installed.

    Raises Refused(config) for a Kubernetes version, a network or a cluster that the playbook cannot serve, and
    Refused(syntax) for several clusters in one request.
    """
    files: dict[str, str] = {}
    if len(scene.plan.clusters) > 1:
        raise Refused(_SEVERAL)
    if scene.plan.clusters:
        files = cluster_files(scene, scene.plan.clusters[0])
    elif joining(scene.plan):
        files = worker_files(scene)
    return {f"{FOLDER}/{path}": files[path] for path in sorted(files)}


_SEVERAL: Final = Refusal(
    code=Code.SYNTAX,
    message="The request names several Kubernetes clusters; one stack holds one.",
    remedy="Ask for each cluster in a request of its own.",
)
