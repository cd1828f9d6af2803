"""The contract of a delivery, kept by kubectl on a real control plane under the printed role; and what only that can show."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.deploy import Manifests
from bot.edges.kubectl import KubectlManifests
from bot.errors import Code, Refused, Unavailable
from bot.model.applied import Url, WorkloadRef
from tests.edges.kubectl_contract import (
    BETTER,
    BROKEN,
    CRASHING,
    FAILING,
    GOOD,
    SECONDS,
    ManifestsContract,
    brought,
    image_of,
    web,
    write,
)
from tests.realparts.control_plane import ControlPlane
from tests.realparts.delivery import Delivery
from tests.realparts.delivery_kit import LIMITS, USER, RealWorld, give, kubeconfig


@pytest.fixture(scope="module")
def apply_config(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    control_plane.add_volumes(4, "1Gi")
    give(control_plane, USER)
    return kubeconfig(control_plane, tmp_path_factory.mktemp("apply") / "config", USER)


@pytest.fixture
def world(control_plane: ControlPlane, apply_config: Path, tmp_path: Path) -> Iterator[RealWorld]:
    name = f"d-{uuid.uuid4().hex[:8]}"
    manifests = KubectlManifests(apply_config, redact=str, limits=LIMITS)
    made = RealWorld(control_plane, name, tmp_path / "kubernetes", apply_config, manifests)
    yield made
    made.namespace = name
    made.drop()


class TestContract(ManifestsContract):
    """Every test of the contract on the control plane."""


@pytest.fixture
def home(world: RealWorld) -> RealWorld:
    """The same with its namespace."""
    world.manifests.ensure_namespace(world.namespace)
    return world


def post(world: RealWorld, path: str, body: dict[str, Any]) -> None:
    world.cluster.request("POST", f"/{path.format(world.namespace)}", body)


def limit(world: RealWorld, **hard: str) -> None:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limit"}, "spec": {"hard": hard}}
    post(world, "api/v1/namespaces/{}/resourcequotas", body)
    path = f"/api/v1/namespaces/{world.namespace}/resourcequotas/limit"
    world.cluster.wait(lambda: "used" in world.cluster.request("GET", path).get("status", {}), "the quota's count")


def refused(manifests: Manifests, folder: Path) -> Refused:
    with pytest.raises(Refused) as told:
        manifests.apply(folder)
    return told.value


def test_the_golden_bundle_is_delivered_twice_and_taken_away(supermarket: Delivery, apply_config: Path) -> None:
    manifests = KubectlManifests(apply_config, redact=str, limits=LIMITS)
    assert not manifests.ensure_namespace(supermarket.namespace)
    refs = manifests.apply(supermarket.folder)
    assert {each.name for each in refs} == {"api", "web"}
    rollouts = manifests.watch(refs, seconds=SECONDS)
    assert {(each.workload.name, each.state, each.ready, each.wanted) for each in rollouts} == {
        ("api", "complete", 3, 3), ("web", "complete", 3, 3),
    }  # fmt: skip
    supermarket.wait_scaler("api")  # its own controller writes the autoscaler's status once more
    before = supermarket.versions()
    assert manifests.diff(supermarket.folder) == ""
    manifests.apply(supermarket.folder)
    assert supermarket.versions() == before
    gone = manifests.delete(supermarket.folder, claims=False)
    assert sorted(gone) == sorted(f"{kind}/{name}" for kind, name in before)
    assert supermarket.pods() == []


def test_pods_that_no_node_can_take_say_so_and_the_former_revision_goes_on(home: RealWorld) -> None:
    brought(home)
    before = home.manifests.revisions((web(home),))
    refs = home.manifests.apply(write(home, BETTER, cpu="900"))
    (failed,) = home.manifests.watch(refs, seconds=FAILING)
    assert failed.state == "failed"
    assert "no node can take pod web-" in failed.why
    assert "Insufficient cpu" in failed.why
    (returned,) = home.manifests.undo(refs, before)
    assert (returned.state, returned.ready) == ("returned", 2)
    assert image_of(home) == GOOD


def test_a_container_that_ends_is_told_with_its_exit_code(home: RealWorld) -> None:
    refs = home.manifests.apply(write(home, CRASHING))
    (failed,) = home.manifests.watch(refs, seconds=FAILING)
    assert failed.why == "container web ends with exit code 1, 3 restarts (CrashLoopBackOff)."


def test_a_container_that_was_killed_for_memory_is_told_so(home: RealWorld) -> None:
    refs = home.manifests.apply(write(home, GOOD.replace("1.0", "out-of-memory")))
    (failed,) = home.manifests.watch(refs, seconds=FAILING)
    assert "used more memory than its limit (OOMKilled" in failed.why


def test_a_full_quota_is_the_reason_of_a_rollout(home: RealWorld) -> None:
    """S02: quota full."""
    limit(home, **{"requests.cpu": "5m"})
    refs = home.manifests.apply(write(home))
    (failed,) = home.manifests.watch(refs, seconds=FAILING)
    assert "the namespace's quota is full" in failed.why
    assert "requested: requests.cpu=10m, used: requests.cpu=0, limited: requests.cpu=5m" in failed.why


def test_a_quota_that_the_apply_itself_meets_is_a_lack_of_capacity_and_nothing_is_applied(home: RealWorld) -> None:
    """S02: quota full."""
    limit(home, persistentvolumeclaims="0")
    told = refused(home.manifests, write(home, claim=True)).refusal
    assert told.code is Code.CAPACITY
    assert "quota" in told.message
    assert home.object("Deployment", "web") is None


def test_pods_that_pod_security_would_refuse_are_refused_before_anything_is_applied(home: RealWorld) -> None:
    told = refused(home.manifests, write(home, root=True)).refusal
    assert told.code is Code.POLICY
    assert "runAsNonRoot != true" in told.message
    assert home.object("Deployment", "web") is None


def test_a_value_that_is_not_allowed_is_against_policy(home: RealWorld) -> None:
    told = refused(home.manifests, write(home, replicas=-5)).refusal
    assert told.code is Code.POLICY
    assert "must be greater than or equal to 0" in told.message


def test_a_field_that_cannot_change_is_a_conflict_that_says_what_to_do(home: RealWorld) -> None:
    brought(home)
    folder = write(home)
    thing = json.loads((folder / "web.yaml").read_text())
    thing["spec"]["selector"]["matchLabels"]["tier"] = "a"
    thing["spec"]["template"]["metadata"]["labels"]["tier"] = "a"
    (folder / "web.yaml").write_text(json.dumps(thing))
    told = refused(home.manifests, folder).refusal
    assert told.code is Code.CONFLICT
    assert "field is immutable" in told.message
    assert "another name" in told.remedy


def test_a_kind_that_the_cluster_does_not_know_is_named(home: RealWorld) -> None:
    folder = write(home)
    thing = {"apiVersion": "example.com/v1", "kind": "Unknown", "metadata": {"name": "x"}}
    (folder / "account.yaml").write_text(json.dumps(thing))
    told = refused(home.manifests, folder).refusal
    assert told.code is Code.CONFIG
    assert 'no matches for kind "Unknown"' in told.message.replace("'", '"')


def test_a_conflict_names_the_manager_and_the_field(home: RealWorld) -> None:
    brought(home)
    home.someone_sets_replicas("web", 3)
    told = refused(home.manifests, write(home, BETTER, replicas=4)).refusal
    assert "`somebody`" in told.message
    assert "`.spec.replicas`" in told.message


def test_an_autoscaled_workload_is_waited_for_until_its_minimum_runs(home: RealWorld) -> None:
    folder = write(home, replicas=None)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 3,
            "maxReplicas": 4,
        },
    }
    (folder / "hpa.yaml").write_text(json.dumps(scaler))
    listed = json.loads((folder / "kustomization.yaml").read_text())
    listed["resources"].append("hpa.yaml")
    (folder / "kustomization.yaml").write_text(json.dumps(listed))
    refs = home.manifests.apply(folder)
    (told,) = home.manifests.watch(refs, seconds=SECONDS)
    assert (told.state, told.ready, told.wanted) == ("complete", 3, 3)


def test_a_person_who_undid_a_rollout_keeps_the_fields(home: RealWorld) -> None:
    """Only what the edge itself took is given back: never a hidden ``--force-conflicts``."""
    brought(home)
    assert brought(home, BETTER) == "complete"
    done = home.cluster.kubectl("-n", home.namespace, "rollout", "undo", "deployment/web")
    assert done.returncode == 0, done.stderr
    told = refused(home.manifests, write(home, BROKEN)).refusal
    assert told.code is Code.CONFLICT
    assert image_of(home) == GOOD


def test_addresses_and_certificates_are_told(home: RealWorld) -> None:
    rules = [
        {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": _backend()}]}}
        for host, path in (("shop.example.com", "/"), ("plain.example.com", "/api"))
    ]
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {"rules": rules, "tls": [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}]},
    }
    post(home, "apis/networking.k8s.io/v1/namespaces/{}/ingresses", ingress)
    assert home.manifests.urls(home.namespace) == (
        Url(host="plain.example.com", path="/api", tls="none"),
        Url(host="shop.example.com", path="/", tls="unknown"),
    )


def _backend() -> dict[str, Any]:
    return {"service": {"name": "web", "port": {"number": 80}}}


def test_a_namespace_that_is_going_away_is_an_outage_that_says_to_wait(home: RealWorld) -> None:
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    post(home, "api/v1/namespaces/{}/configmaps", held)
    home.cluster.request("DELETE", f"/api/v1/namespaces/{home.namespace}")
    with pytest.raises(Unavailable) as told:
        home.manifests.ensure_namespace(home.namespace)
    path = f"/api/v1/namespaces/{home.namespace}/configmaps/held"
    home.cluster.request("PATCH", path, {"metadata": {"finalizers": None}})
    assert told.value.code is Code.CONFLICT
    assert "is being deleted" in str(told.value)


def test_a_namespace_that_does_not_exist_runs_nothing(world: RealWorld) -> None:
    ref = WorkloadRef(kind="Deployment", name="web", namespace="absent")
    assert world.manifests.revisions((ref,)) == {}
