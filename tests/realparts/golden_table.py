"""The golden requests as people word them, and the words of a later change.

In: nothing. Out: ``GOLDEN`` (the fourteen), ``ON_8`` and ``BESIDE``, and a Kubernetes without room. Never: a size or a node; those are the planner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.emulators.proxmox.presets import Grant, backup_grants, ha_grants


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One request: its words, the words of a later change, how many machines each time.

    ``wide``: rights of the second token. ``more``: rights of the first one beside the apply role.
    ``application``: the words describe one, which is read from the example's repository.
    """

    words: str
    change: str
    machines: int
    after: int
    wide: tuple[Grant, ...] = ()
    more: tuple[Grant, ...] = ()
    application: bool = False


GOLDEN: Final[Mapping[str, Golden]] = {
    "dev-cluster": Golden(words="dev cluster", change="dev cluster with 2 workers", machines=2, after=3),
    "production-cluster": Golden(
        words="production cluster with 5 workers", change="production cluster with 6 workers", machines=6, after=7
    ),
    "ml-cluster": Golden(
        words="ML training cluster with 16GB RAM",
        change="ML training cluster with 16GB RAM and 2 workers",
        machines=4,
        after=3,
    ),
    "ci-cluster": Golden(
        words="CI/CD runner cluster", change="CI/CD runner cluster with 3 workers", machines=3, after=4
    ),
    "ha-cluster": Golden(
        words="HA cluster with monitoring", change="HA cluster with monitoring and 4 workers", machines=6, after=7
    ),
    "single-node-cluster": Golden(
        words="minimal single-node cluster", change="minimal single-node cluster with 4 cores", machines=1, after=1
    ),
    "staging-cluster": Golden(
        words="staging with calico and ingress",
        change="staging with calico and ingress and 3 workers",
        machines=3,
        after=4,
    ),
    "five-nodes": Golden(
        words="5 node cluster with 4 cores 8gb", change="6 node cluster with 4 cores 8gb", machines=5, after=6
    ),
    "web-server": Golden(
        words="a production web server VM named web-prod-01 using template 9001",
        change="a production web server VM named web-prod-01 using template 9001 with 4 cores",
        machines=1,
        after=1,
    ),
    "postgresql": Golden(
        words="PostgreSQL for 100 concurrent users",
        change="PostgreSQL for 100 concurrent users with 4 cores",
        machines=1,
        after=1,
    ),
    "balanced": Golden(
        words="web application with load balancing",
        change="web application with load balancing, 3 cores each",
        machines=3,
        after=3,
    ),
    "development": Golden(
        words="development environment", change="development environment with 6 cores", machines=1, after=1
    ),
    "container": Golden(
        words="an LXC container named dns-01 with 1 core and 512MB RAM from debian-12 template",
        change="an LXC container named dns-01 with 2 cores and 1GB RAM from debian-12 template",
        machines=1,
        after=1,
    ),
    "application": Golden(
        words="Supermarket inventory service, zero downtime, 2000 QPS peak, React frontend + Go/Gin API + PostgreSQL",
        change="Supermarket inventory service, zero downtime, 2400 QPS peak, React frontend + Go/Gin API + PostgreSQL",
        machines=1,
        after=2,
        application=True,
    ),
}
"""The fourteen of the issue: eight clusters, four machine requests, a container, an application that needs workers."""

ON_8: Final = ("dev-cluster", "web-server", "postgresql", "container")
"""Those that run on Proxmox VE 8 too."""

BESIDE: Final[Mapping[str, Golden]] = {
    "high-availability": Golden(
        words="two web server VMs named api with HA and 2 cores",
        change="two web server VMs named api with HA and 4 cores",
        machines=2,
        after=2,
        wide=ha_grants(),
    ),
    "image": Golden(
        words="a web server VM named edge from image https://cloud.example/images/noble.img with firewall",
        change="a web server VM named edge from image https://cloud.example/images/noble.img with 4 cores and firewall",
        machines=1,
        after=1,
        more=(Grant("/storage/nas", ("Datastore.Allocate",)),),
    ),
    "iso": Golden(
        words="a VM named installer from ISO debian-12.11.0-amd64-netinst.iso",
        change="a VM named installer from ISO debian-12.11.0-amd64-netinst.iso with 4 cores",
        machines=1,
        after=1,
    ),
    "backup": Golden(
        words="a web server VM named kept with nightly backup",
        change="a web server VM named kept with nightly backup and 4 cores",
        machines=1,
        after=1,
        wide=backup_grants("nas"),
    ),
}
"""What the fourteen do not show: HA, a cloud image behind a firewall, an installer, a backup job."""

LEFT: Final = {"k8s-worker-1": "5500m", "k8s-worker-2": "5", "k8s-worker-3": "6500m", "k8s-worker-4": "6500m"}
"""CPU that the workers of the example's cluster have left, but for a few hundred milli-CPU."""


def crowded(objects: dict[str, Any]) -> dict[str, Any]:
    """The same objects of Kubernetes with a pod on each worker that takes what was left."""
    pods = [_greedy(node, cpu) for node, cpu in LEFT.items()]
    return objects | {"/api/v1/pods": [*objects["/api/v1/pods"], *pods]}


def _greedy(node: str, cpu: str) -> dict[str, Any]:
    asked = {"name": "simulation", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    spec = {"nodeName": node, "containers": [asked]}
    return {
        "metadata": {"name": f"simulation-{node}", "namespace": "batch"},
        "spec": spec,
        "status": {"phase": "Running"},
    }
