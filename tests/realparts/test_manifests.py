"""The golden bundles on a real control plane: accepted, scheduled, limited and refused as the plan says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.model.plan import Rollout, Storage
from bot.model.quantity import Bytes
from tests.realparts.control_plane import ApiError, ControlPlane
from tests.realparts.delivery import (
    GOLDENS,
    Delivery,
    container,
    from_changes,
    from_golden,
    with_requests,
)
from tests.rendering.scenes import supermarket as supermarket_scene


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.parts[0])
def test_a_golden_bundle_runs_and_a_second_apply_changes_nothing(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, golden: Path
) -> None:
    bundle = from_golden(control_plane, namespace, golden, tmp_path / "bundle").applied().wait_ready(api=3, web=3)
    assert {pod["status"]["phase"] for pod in bundle.pods()} == {"Running"}
    bundle.wait_scaler("api")
    before = bundle.versions()
    bundle.applied()
    assert bundle.versions() == before


def test_every_node_of_the_example_snapshot_is_ready_and_as_large_as_it_says(control_plane: ControlPlane) -> None:
    found = {node["metadata"]["name"]: node for node in control_plane.request("GET", "/api/v1/nodes")["items"]}
    sizes = {
        name: (node["status"]["allocatable"]["cpu"], node["status"]["allocatable"]["memory"])
        for name, node in found.items()
    }
    worker = ("7800m", "31Gi")
    assert sizes == {"k8s-cp-1": ("3800m", "7516Mi"), **{f"k8s-worker-{i}": worker for i in range(1, 5)}}
    assert control_plane.ready_nodes() == set(sizes)


def test_pods_spread_over_nodes_and_zones_and_leave_the_control_plane_node_alone(supermarket: Delivery) -> None:
    supermarket.applied().wait_ready(api=3, web=3)
    zones = {"k8s-worker-1": "rack-a", "k8s-worker-2": "rack-b", "k8s-worker-3": "rack-c", "k8s-worker-4": "rack-a"}
    homes = {name: [pod["spec"]["nodeName"] for pod in supermarket.pods(name)] for name in ("api", "web")}
    assert {name: len(set(nodes)) for name, nodes in homes.items()} == {"api": 3, "web": 3}
    assert {zones[node] for node in homes["api"]} == {"rack-a", "rack-b", "rack-c"}


def test_the_autoscaler_raises_to_its_minimum_and_reports_missing_metrics(supermarket: Delivery) -> None:
    supermarket.applied().wait_ready(api=3)
    reasons = supermarket.wait_scaler("api")
    scaler = supermarket.object("HorizontalPodAutoscaler", "api")
    assert scaler["spec"]["minReplicas"] == supermarket.object("Deployment", "api")["spec"]["replicas"] == 3
    assert reasons == {"AbleToScale": "SucceededGetScale", "ScalingActive": "FailedGetResourceMetric"}


def test_pod_security_refuses_what_the_renderer_never_writes(supermarket: Delivery) -> None:
    """The proof that the level is enforced here: the same bundle, less one line, gets no pod."""
    done = supermarket.changed("web-deployment.yaml", _as_root).apply()
    assert 'would violate PodSecurity "restricted:latest": runAsNonRoot != true' in done.stderr
    supermarket.cluster.wait(lambda: bool(supermarket.events("FailedCreate")), "the refusal of the pods")
    assert 'violates PodSecurity "restricted:latest": runAsNonRoot != true' in supermarket.events("FailedCreate")[0]
    assert supermarket.pods("web") == []


def _as_root(found: dict[str, Any]) -> None:
    del found["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]


def test_a_resource_quota_counts_the_requests_of_the_bundle(supermarket: Delivery) -> None:
    """S02, the other side: room enough."""
    _limit(supermarket, "resourcequotas", {"hard": {"requests.cpu": "4", "requests.memory": "1Gi", "pods": "8"}})
    supermarket.applied().wait_ready(api=3, web=3)
    supermarket.cluster.wait(lambda: _used(supermarket).get("pods") == "6", "the quota's count")
    assert _used(supermarket) == {"requests.cpu": "2850m", "requests.memory": "768Mi", "pods": "6"}


def test_a_full_resource_quota_is_obeyed_and_says_so(supermarket: Delivery) -> None:
    """S02: quota full."""
    _limit(supermarket, "resourcequotas", {"hard": {"requests.cpu": "1"}})
    supermarket.applied()
    supermarket.cluster.wait(lambda: bool(supermarket.events("FailedCreate")), "the quota's refusal")
    told = supermarket.events("FailedCreate")[0]
    assert "exceeded quota: limit, requested: requests.cpu=" in told
    assert "limited: requests.cpu=1" in told
    asked = [pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in supermarket.pods()]
    assert 0 < sum(int(cpu.removesuffix("m")) for cpu in asked) <= 1000


def test_a_limit_range_is_obeyed_and_says_so(supermarket: Delivery) -> None:
    _limit(supermarket, "limitranges", {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]})
    supermarket.applied()
    supermarket.cluster.wait(lambda: bool(supermarket.events("FailedCreate")), "the limit's refusal")
    assert all(
        "maximum memory usage per Container is 64Mi, but limit is 128Mi" in told
        for told in supermarket.events("FailedCreate")
    )
    assert supermarket.pods() == []


def test_a_pod_that_does_not_fit_stays_pending_and_the_scheduler_says_why(supermarket: Delivery) -> None:
    supermarket.changed("web-deployment.yaml", with_requests(memory="40Gi")).applied()
    supermarket.cluster.wait(lambda: bool(supermarket.events("FailedScheduling")), "the scheduler's word")
    told = supermarket.events("FailedScheduling")[0]
    assert "0/5 nodes are available" in told
    assert "4 Insufficient memory" in told
    assert "1 node(s) had untolerated taint" in told
    assert {pod["status"]["phase"] for pod in supermarket.pods("web")} == {"Pending"}


def test_what_others_were_promised_is_taken_from_the_nodes(supermarket: Delivery) -> None:
    """A request of 7,800 milli-CPU is a whole worker; none is free, for others hold part of each."""
    supermarket.changed("web-deployment.yaml", with_requests(cpu="7800m")).applied()
    supermarket.cluster.wait(lambda: bool(supermarket.events("FailedScheduling")), "the scheduler's word")
    assert "4 Insufficient cpu" in supermarket.events("FailedScheduling")[0]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_service_with_storage_gets_its_claim_bound(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, kind: str
) -> None:
    storage = Storage(size=Bytes.of_gib(10))
    scene = supermarket_scene().with_api_plan(
        kind=kind,
        hpa=None,
        replicas=1,
        storage=storage,
        pdb=None,
        rollout=Rollout(recreate=kind == "Deployment", grace_seconds=31),
    )
    bundle = from_changes(control_plane, namespace, scene.render(), tmp_path / "bundle").applied()
    control_plane.wait(lambda: bundle.ready("api") == 1, f"the pod of the {kind}")
    claims = control_plane.request("GET", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")["items"]
    assert [(claim["status"]["phase"], claim["status"]["capacity"]["storage"]) for claim in claims] == [
        ("Bound", "20Gi")
    ]


def test_the_apply_user_may_deliver_and_nothing_else(supermarket: Delivery) -> None:
    cluster, home = supermarket.cluster, f"/api/v1/namespaces/{supermarket.namespace}"
    for method, path in [
        ("GET", f"{home}/secrets"),
        ("DELETE", home),
        ("DELETE", f"{home}/persistentvolumeclaims/any"),
        ("DELETE", "/api/v1/nodes/k8s-worker-1"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ("PATCH", "/api/v1/namespaces/kube-system"),
    ]:
        with pytest.raises(ApiError, match="forbidden") as refused:
            cluster.request(method, path, {} if method == "PATCH" else None, user="apply")
        assert refused.value.status == 403


def test_the_declared_probe_and_limits_are_what_the_api_server_keeps(supermarket: Delivery) -> None:
    """Nothing of the container is dropped as an unknown field, and nothing is rounded."""
    supermarket.applied()
    for (kind, name), declared in supermarket.declared().items():
        if kind == "Deployment":
            kept, wanted = container(supermarket.object(kind, name)), container(declared)
            assert kept["resources"] == wanted["resources"]
            assert _within(wanted, kept), name


def _within(wanted: Any, kept: Any) -> bool:
    """Whether everything wanted stands in what is kept; defaults may have come to it."""
    if isinstance(wanted, dict):
        return isinstance(kept, dict) and all(
            key in kept and _within(value, kept[key]) for key, value in wanted.items() if value != {}
        )
    if isinstance(wanted, list):
        return isinstance(kept, list) and len(kept) == len(wanted) and all(map(_within, wanted, kept))
    return bool(wanted == kept)


def _limit(bundle: Delivery, path: str, spec: dict[str, Any]) -> None:
    kind = {"resourcequotas": "ResourceQuota", "limitranges": "LimitRange"}[path]
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "limit"}, "spec": spec}
    bundle.cluster.request("POST", f"/api/v1/namespaces/{bundle.namespace}/{path}", body)
    home = f"/api/v1/namespaces/{bundle.namespace}/{path}/limit"
    if kind == "ResourceQuota":
        bundle.cluster.wait(
            lambda: "used" in bundle.cluster.request("GET", home).get("status", {}), "the quota's first count"
        )


def _used(bundle: Delivery) -> dict[str, str]:
    found = bundle.cluster.request("GET", f"/api/v1/namespaces/{bundle.namespace}/resourcequotas/limit")
    used: dict[str, str] = found["status"]["used"]
    return used
