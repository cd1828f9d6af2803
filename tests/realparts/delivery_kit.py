"""kubectl's edge on the real control plane, with exactly the rights that ``bot/edges/kubectl/role.py`` prints.

In: a control plane. Out: kubeconfigs of users with given rules, and a world for the contract. Never: the administrator's
rights in what the edge does; the tests look at the cluster as the administrator.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.deploy import Manifests
from bot.edges.kubectl import KubectlLimits, KubectlManifests
from bot.edges.kubectl.role import roles
from tests.realparts.children import free_ports
from tests.realparts.control_plane import ControlPlane

USER = "delivery-test"
LIMITS = KubectlLimits(look=0.3, gone=60, returning=30.0)
_PATHS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "PersistentVolumeClaim": "api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "api/v1/namespaces/{}/services",
}
Change = Callable[[list[dict[str, Any]]], None]


def kubeconfig(cluster: ControlPlane, target: Path, user: str) -> Path:
    """The administrator's, acting as ``user``: then the API server knows no other rights than the user's."""
    found = yaml.safe_load(cluster.kubeconfig.read_text("utf-8"))
    found["users"][0]["user"]["as"] = user
    target.write_text(yaml.safe_dump(found), "utf-8")
    target.chmod(0o600)
    return target


def give(cluster: ControlPlane, user: str, *, delivery: Any = "kubectl", change: Change = lambda _: None) -> None:
    """The roles as they are printed, bound to this user under names of its own; ``change`` may take rules away."""
    made = [json.loads(json.dumps(each)) for each in roles(user, delivery=delivery, name=user)]
    for each in made:
        if each["kind"] in {"ClusterRole", "Role"}:
            change(each["rules"])
    done = cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
    assert done.returncode == 0, done.stderr


@dataclass
class RealWorld:
    """``ManifestsWorld`` on the control plane."""

    cluster: ControlPlane
    namespace: str
    folder: Path
    config: Path
    manifests: KubectlManifests

    def administrator(self) -> Manifests:
        return KubectlManifests(self.cluster.kubeconfig, redact=str, limits=LIMITS)

    def unreachable(self) -> Manifests:
        found = yaml.safe_load(self.config.read_text("utf-8"))
        found["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_ports(1)[0]}"
        target = self.config.with_name("unreachable.kubeconfig")
        target.write_text(yaml.safe_dump(found), "utf-8")
        return KubectlManifests(target, redact=str, limits=LIMITS)

    def object(self, kind: str, name: str) -> dict[str, Any] | None:
        found = self.cluster.find(f"/{_PATHS[kind].format(self.namespace)}/{name}")
        return None if found is None or "deletionTimestamp" in found["metadata"] else found

    def namespace_labels(self, name: str) -> dict[str, str] | None:
        found = self.cluster.find(f"/api/v1/namespaces/{name}")
        return None if found is None else dict(found["metadata"]["labels"])

    def someone_sets_replicas(self, name: str, replicas: int) -> None:
        patch = json.dumps({"spec": {"replicas": replicas}})
        flags = ("--type=merge", "-p", patch, "--field-manager=somebody")
        done = self.cluster.kubectl("-n", self.namespace, "patch", f"deployment/{name}", *flags)
        assert done.returncode == 0, done.stderr

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        found = self.cluster.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def node_names(self) -> tuple[str, ...]:
        return tuple(sorted(self.cluster.ready_nodes()))

    def drop(self) -> None:
        """The namespaces of this test go; their pods are waited for, as others count nodes' room."""
        for name in (self.namespace, f"{self.namespace}-later"):
            if self.cluster.find(f"/api/v1/namespaces/{name}") is not None:
                self.cluster.request("DELETE", f"/api/v1/namespaces/{name}")
                path = f"/api/v1/namespaces/{name}/pods"
                self.cluster.wait(
                    lambda path=path: not self.cluster.request("GET", path)["items"], "an empty namespace"
                )
