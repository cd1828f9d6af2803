"""A bundle on its way to the real control plane: copied, changed where a test says so, applied by kubectl, looked at.

In: a golden folder or rendered changes, a running control plane. Out: what the cluster made of it. Never: a change of the
golden itself; the copy differs in its namespace and in what the test names.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.model.changes import ChangeSet
from tests.realparts.control_plane import ControlPlane, User
from tests.realparts.objects import is_ready

GOLDEN = Path(__file__).parents[1] / "rendering" / "golden"
GOLDENS = sorted(folder.relative_to(GOLDEN) for folder in GOLDEN.glob("*/apps/*/kubernetes"))
SUPERMARKET = Path("supermarket/apps/supermarket-inventory/kubernetes")
FIELD_MANAGER = "ai-provision"
_PATHS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Service": "api/v1/namespaces/{}/services",
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "PersistentVolumeClaim": "api/v1/namespaces/{}/persistentvolumeclaims",
}


@dataclass(frozen=True)
class Delivery:
    """One bundle in one namespace."""

    cluster: ControlPlane
    namespace: str
    folder: Path

    def apply(self, *, user: User = "apply") -> subprocess.CompletedProcess[str]:
        """``kubectl apply --server-side -k``, as the apply step does it."""
        manager = f"--field-manager={FIELD_MANAGER}"
        return self.cluster.kubectl("apply", "--server-side", manager, "-k", self.folder, user=user)

    def applied(self) -> Delivery:
        """The same, accepted."""
        done = self.apply()
        assert done.returncode == 0, done.stderr
        return self

    def rollout(self, verb: str, name: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """``kubectl rollout VERB deployment/NAME``."""
        return self.cluster.kubectl("-n", self.namespace, "rollout", verb, f"deployment/{name}", *flags, user="apply")

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """As the API server has it."""
        return self.cluster.request("GET", f"/{_PATHS[kind].format(self.namespace)}/{name}")

    def declared(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every object of the bundle's files by kind and name."""
        files = [file for file in sorted(self.folder.glob("*.yaml")) if file.name != "kustomization.yaml"]
        objects = [yaml.safe_load(file.read_text("utf-8")) for file in files]
        return {(one["kind"], one["metadata"]["name"]): one for one in objects}

    def versions(self) -> dict[tuple[str, str], str]:
        """The resourceVersion of each."""
        return {key: self.object(*key)["metadata"]["resourceVersion"] for key in self.declared()}

    def pods(self, name: str | None = None) -> list[dict[str, Any]]:
        """Pods that are not on their way out, of one service or of all."""
        found = self.cluster.request("GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        alive = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
        return [pod for pod in alive if name in {None, pod["metadata"]["labels"]["app.kubernetes.io/name"]}]

    def ready(self, name: str) -> int:
        """How many of its pods are Ready."""
        return sum(is_ready(pod) for pod in self.pods(name))

    def wait_ready(self, **replicas: int) -> Delivery:
        """Until each service has exactly so many pods, all Ready, and its Deployment says so."""
        self.cluster.wait(
            lambda: all(self._settled(name, wanted) for name, wanted in replicas.items()),
            f"{replicas} in {self.namespace}",
        )
        return self

    def wait_scaler(self, name: str) -> dict[str, str]:
        """The reasons of the autoscaler's conditions, once it has looked for metrics (there is no metrics API)."""
        found: dict[str, str] = {}

        def has_looked() -> bool:
            status = self.object("HorizontalPodAutoscaler", name).get("status", {})
            found.update({one["type"]: one["reason"] for one in status.get("conditions", [])})
            return "ScalingActive" in found

        self.cluster.wait(has_looked, f"the autoscaler {name}")
        return found

    def _settled(self, name: str, wanted: int) -> bool:
        found = self.object("Deployment", name)
        status = found.get("status", {})
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        return seen and counts == {wanted} and self.ready(name) == wanted == len(self.pods(name))

    def events(self, reason: str) -> list[str]:
        """The messages of events with this reason."""
        found = self.cluster.request("GET", f"/api/v1/namespaces/{self.namespace}/events")["items"]
        return [event["message"] for event in found if event["reason"] == reason]

    def changed(self, file: str, change: Callable[[dict[str, Any]], None]) -> Delivery:
        """The same bundle with one file changed by ``change``."""
        path = self.folder / file
        found = yaml.safe_load(path.read_text("utf-8"))
        change(found)
        path.write_text(yaml.safe_dump(found, sort_keys=False), "utf-8")
        return self


def from_golden(cluster: ControlPlane, namespace: str, golden: Path, target: Path) -> Delivery:
    """A copy of the golden bundle for this namespace."""
    shutil.copytree(GOLDEN / golden, target)
    return _in_namespace(Delivery(cluster, namespace, target))


def from_changes(cluster: ControlPlane, namespace: str, changes: ChangeSet, target: Path) -> Delivery:
    """The Kubernetes files of a rendering."""
    root = f"{changes.root}/kubernetes/"
    target.mkdir()
    for file in changes.files:
        if file.path.startswith(root):
            (target / file.path.removeprefix(root)).write_text(file.content, "utf-8")
    return _in_namespace(Delivery(cluster, namespace, target))


def _in_namespace(delivery: Delivery) -> Delivery:
    return delivery.changed("kustomization.yaml", lambda found: found.update(namespace=delivery.namespace))


def container(found: dict[str, Any]) -> dict[str, Any]:
    """The first container of a workload."""
    only: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return only


def with_image(tag: str) -> Callable[[dict[str, Any]], None]:
    """Another tag of the same image."""

    def change(found: dict[str, Any]) -> None:
        spec = container(found)
        spec["image"] = f"{spec['image'].rpartition(':')[0]}:{tag}"

    return change


def with_requests(**requests: str) -> Callable[[dict[str, Any]], None]:
    """Other requests; a memory request is the limit too."""

    def change(found: dict[str, Any]) -> None:
        resources = container(found)["resources"]
        resources["requests"].update(requests)
        resources["limits"].update({key: value for key, value in requests.items() if key == "memory"})

    return change
