"""What every delivery does, the fake and kubectl on a real control plane alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.deploy import Manifests
from bot.errors import Code, Refused, Unavailable
from bot.model.applied import WorkloadRef

GOOD, BETTER, BROKEN, CRASHING = (
    f"registry.example.com/shop/web:{tag}" for tag in ("1.0", "1.1", "cannot-be-pulled", "crashes")
)
"""The image says how it fares: see ``tests/realparts/kwok_stages.yaml``."""
SECONDS = 60.0
FAILING = 4.0


class ManifestsWorld(Protocol):
    """A cluster and what a test sees of it without the port."""

    namespace: str
    folder: Path

    @property
    def manifests(self) -> Manifests: ...
    def administrator(self) -> Manifests: ...
    def unreachable(self) -> Manifests: ...
    def object(self, kind: str, name: str) -> dict[str, Any] | None: ...
    def namespace_labels(self, name: str) -> dict[str, str] | None: ...
    def someone_sets_replicas(self, name: str, replicas: int) -> None: ...
    def secret(self, namespace: str, name: str) -> dict[str, str]: ...
    def node_names(self) -> tuple[str, ...]: ...


def write(world: ManifestsWorld, image: str = GOOD, **more: Any) -> Path:
    """A bundle with one workload ``web``, its account and, on demand, a claim."""
    folder = world.folder
    folder.mkdir(exist_ok=True)
    objects = {"web.yaml": workload(image, **more), "account.yaml": _plain("v1", "ServiceAccount", "web")}
    if more.get("claim"):
        objects["pvc.yaml"] = {**_plain("v1", "PersistentVolumeClaim", "web-files"), "spec": claim_spec()}
    for name, thing in objects.items():
        (folder / name).write_text(json.dumps(thing))
    listed = {"namespace": world.namespace, "resources": sorted(objects)}
    (folder / "kustomization.yaml").write_text(json.dumps(listed))
    return folder


def workload(image: str, **more: Any) -> dict[str, Any]:
    """A Deployment or StatefulSet that Pod Security ``restricted`` takes. ``replicas`` None leaves them out."""
    kind, replicas = more.get("kind", "Deployment"), more.get("replicas", 2)
    labels = {"app.kubernetes.io/name": "web"}
    resources = {"cpu": more.get("cpu", "10m"), "memory": "16Mi"}
    container = {
        "name": "web",
        "image": image,
        "resources": {"requests": resources, "limits": {"memory": "16Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": not more.get("root"), "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"containers": [container], "securityContext": security, "serviceAccountName": "web"}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = "web"
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim_spec()}]
    return {**_plain("apps/v1", kind, "web"), "spec": spec}


def claim_spec() -> dict[str, Any]:
    """A GiB of the default class."""
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def _plain(version: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def web(world: ManifestsWorld, kind: Any = "Deployment") -> WorkloadRef:
    return WorkloadRef(kind=kind, name="web", namespace=world.namespace)


def image_of(world: ManifestsWorld, kind: str = "Deployment") -> str:
    found = world.object(kind, "web")
    assert found is not None
    image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def brought(world: ManifestsWorld, image: str = GOOD, *, seconds: float = SECONDS, **more: Any) -> str:
    """Apply, watch; the state of the one rollout."""
    refs = world.manifests.apply(write(world, image, **more))
    return world.manifests.watch(refs, seconds=seconds)[0].state


class ManifestsContract:
    """One cluster, one namespace for each test; ``world`` is a fixture of the module that names this class."""

    @pytest.fixture(autouse=True)
    def _namespace(self, world: ManifestsWorld) -> None:
        world.manifests.ensure_namespace(world.namespace)

    def test_a_missing_namespace_is_made_under_pod_security_restricted(self, world: ManifestsWorld) -> None:
        labels = world.namespace_labels(world.namespace) or {}
        levels = {key.rpartition("/")[2]: value for key, value in labels.items() if "pod-security" in key}
        assert levels == {"enforce": "restricted", "warn": "restricted", "audit": "restricted"}
        assert labels["app.kubernetes.io/managed-by"] == "ai-provision"
        assert not world.manifests.ensure_namespace(world.namespace)

    def test_an_apply_tells_the_workloads_and_a_second_one_changes_nothing(self, world: ManifestsWorld) -> None:
        refs = world.manifests.apply(write(world))
        assert refs == (web(world),)
        (told,) = world.manifests.watch(refs, seconds=SECONDS)
        assert (told.state, told.ready, told.wanted, told.why) == ("complete", 2, 2, "")
        before = world.manifests.revisions(refs)
        assert before == {"web": 1}
        assert world.manifests.diff(world.folder) == ""
        world.manifests.apply(world.folder)
        assert world.manifests.revisions(refs) == before

    def test_a_diff_tells_what_would_change_and_changes_nothing(self, world: ManifestsWorld) -> None:
        assert "web" in world.manifests.diff(write(world))
        assert world.object("Deployment", "web") is None
        world.manifests.apply(world.folder)
        told = world.manifests.diff(write(world, BETTER))
        assert BETTER in told
        assert image_of(world) == GOOD

    def test_a_diff_for_a_namespace_that_does_not_exist_names_everything_as_new(self, world: ManifestsWorld) -> None:
        world.namespace = f"{world.namespace}-later"
        told = world.manifests.diff(write(world))
        assert "Deployment/web" in told
        assert "ServiceAccount/web" in told
        assert world.namespace_labels(world.namespace) is None

    def test_a_rollout_that_fails_says_why_and_returns_to_what_ran_before(self, world: ManifestsWorld) -> None:
        assert brought(world) == "complete"
        before = world.manifests.revisions((web(world),))
        refs = world.manifests.apply(write(world, BROKEN))
        (failed,) = world.manifests.watch(refs, seconds=FAILING)
        assert failed.state == "failed"
        assert "cannot be pulled" in failed.why
        (returned,) = world.manifests.undo(refs, before)
        assert (returned.state, returned.ready, returned.wanted) == ("returned", 2, 2)
        assert image_of(world) == GOOD

    def test_after_a_return_the_next_apply_is_nobodys_conflict(self, world: ManifestsWorld) -> None:
        """``kubectl rollout undo`` makes itself the owner of the image; the edge gives it back."""
        brought(world)
        before = world.manifests.revisions((web(world),))
        brought(world, BROKEN, seconds=FAILING)
        world.manifests.undo((web(world),), before)
        assert brought(world, BETTER) == "complete"
        assert image_of(world) == BETTER

    def test_a_first_rollout_that_fails_is_scaled_to_nothing_and_the_next_one_comes_up(
        self, world: ManifestsWorld
    ) -> None:
        before = world.manifests.revisions((web(world),))
        assert before == {}
        assert brought(world, CRASHING, seconds=FAILING) == "failed"
        (returned,) = world.manifests.undo((web(world),), before)
        assert (returned.state, returned.ready, returned.wanted) == ("returned", 0, 0)
        assert world.manifests.revisions((web(world),)) == {}
        refs = world.manifests.apply(write(world, GOOD))
        (told,) = world.manifests.watch(refs, seconds=SECONDS)
        assert (told.state, told.ready) == ("complete", 2)

    def test_an_undo_of_what_did_not_change_leaves_it(self, world: ManifestsWorld) -> None:
        brought(world)
        before = world.manifests.revisions((web(world),))
        (told,) = world.manifests.undo((web(world),), before)
        assert (told.state, told.ready) == ("complete", 2)
        assert world.manifests.revisions((web(world),)) == before

    def test_a_stateful_set_returns_although_its_broken_pod_never_becomes_ready(self, world: ManifestsWorld) -> None:
        assert brought(world, kind="StatefulSet", replicas=1) == "complete"
        ref = web(world, "StatefulSet")
        before = world.manifests.revisions((ref,))
        assert brought(world, CRASHING, kind="StatefulSet", replicas=1, seconds=FAILING) == "failed"
        (returned,) = world.manifests.undo((ref,), before)
        assert (returned.state, returned.ready, returned.wanted) == ("returned", 1, 1)
        assert image_of(world, "StatefulSet") == GOOD
        assert brought(world, BETTER, kind="StatefulSet", replicas=1) == "complete"

    def test_a_workload_that_does_not_exist_fails_when_its_time_is_over(self, world: ManifestsWorld) -> None:
        (told,) = world.manifests.watch((web(world),), seconds=0.0)
        assert (told.state, told.ready, told.wanted) == ("failed", 0, 0)
        assert told.why == "Deployment web does not exist."

    def test_a_field_of_somebody_else_is_a_conflict_and_is_not_overwritten(self, world: ManifestsWorld) -> None:
        brought(world)
        world.someone_sets_replicas("web", 3)
        with pytest.raises(Refused) as told:
            world.manifests.apply(write(world, BETTER, replicas=4))
        assert told.value.refusal.code is Code.CONFLICT
        assert "somebody" in told.value.refusal.message
        found = world.object("Deployment", "web")
        assert found is not None
        assert found["spec"]["replicas"] == 3
        assert image_of(world) == GOOD

    def test_what_the_files_hold_is_deleted_and_claims_stay_without_their_word(self, world: ManifestsWorld) -> None:
        brought(world, claim=True)
        gone = world.manifests.delete(world.folder, claims=False)
        assert sorted(gone) == ["Deployment/web", "ServiceAccount/web"]
        assert world.object("Deployment", "web") is None
        assert world.object("PersistentVolumeClaim", "web-files") is not None
        assert world.manifests.delete(world.folder, claims=True) == ("PersistentVolumeClaim/web-files",)
        assert world.object("PersistentVolumeClaim", "web-files") is None
        assert world.manifests.delete(world.folder, claims=True) == ()
        assert world.namespace_labels(world.namespace) is not None

    def test_claims_that_a_stateful_set_made_go_with_the_word_alone(self, world: ManifestsWorld) -> None:
        brought(world, kind="StatefulSet", replicas=1)
        assert sorted(world.manifests.delete(world.folder, claims=False)) == ["ServiceAccount/web", "StatefulSet/web"]
        assert world.object("PersistentVolumeClaim", "data-web-0") is not None
        assert world.manifests.delete(world.folder, claims=True) == ("PersistentVolumeClaim/data-web-0",)
        assert world.object("PersistentVolumeClaim", "data-web-0") is None

    def test_a_secret_is_made_and_replaced(self, world: ManifestsWorld) -> None:
        world.manifests.ensure_namespace("ai-provision")
        name = f"{world.namespace}-kubeconfig"
        world.manifests.store_secret("ai-provision", name, {"kubeconfig": b"first\n", "other": b"x"})
        world.manifests.store_secret("ai-provision", name, {"kubeconfig": b"second\n"})
        assert world.secret("ai-provision", name) == {"kubeconfig": "second\n"}

    def test_nodes_that_are_ready_are_counted_with_their_version(self, world: ManifestsWorld) -> None:
        """The nodes of a new cluster are looked at with its own kubeconfig, not with the apply role."""
        names, manifests = world.node_names(), world.administrator()
        assert manifests.nodes_ready(names, seconds=0.0) == (len(names), "v1.34.1")
        assert manifests.nodes_ready((*names, "absent"), seconds=0.0)[0] == len(names)
        assert manifests.nodes_ready(("absent",), seconds=0.0) == (0, None)

    def test_a_namespace_without_an_ingress_has_no_address(self, world: ManifestsWorld) -> None:
        assert world.manifests.urls(world.namespace) == ()

    def test_a_cluster_that_does_not_answer_is_an_outage(self, world: ManifestsWorld) -> None:
        with pytest.raises(Unavailable) as told:
            world.unreachable().apply(write(world))
        assert told.value.code is Code.CAPACITY
        assert told.value.remedy
        assert world.unreachable().nodes_ready(("a",), seconds=0.0) == (0, None)
