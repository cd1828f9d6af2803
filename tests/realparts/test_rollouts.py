"""Rollout, return and drain of a golden bundle on a real control plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realparts.control_plane import ApiError, ControlPlane
from tests.realparts.delivery import Delivery, container, with_image

WEB = "web-deployment.yaml"


@pytest.fixture
def running(supermarket: Delivery) -> Delivery:
    return supermarket.applied().wait_ready(api=3, web=3)


@pytest.fixture
def uncordoned(control_plane: ControlPlane) -> Iterator[None]:
    """Every node takes pods again afterwards."""
    yield
    _cordon(control_plane, on=False)


def _cordon(cluster: ControlPlane, *, on: bool) -> None:
    for name in cluster.ready_nodes():
        cluster.request("PATCH", f"/api/v1/nodes/{name}", {"spec": {"unschedulable": on}})


def test_a_changed_image_rolls_out_and_undo_brings_the_former_back(running: Delivery) -> None:
    before = _image(running)
    running.changed(WEB, with_image("fedcba987654")).applied()
    done = running.rollout("status", "web", "--timeout=30s")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, 'deployment "web" successfully rolled out')
    assert {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in running.pods("web")} == {"fedcba987654"}
    undone = running.rollout("undo", "web")
    assert undone.returncode == 0, undone.stderr
    running.wait_ready(web=3)
    assert _image(running) == before
    assert {pod["spec"]["containers"][0]["image"] for pod in running.pods("web")} == {before}


@pytest.mark.parametrize(
    ("tag", "reason"),
    [("crashes", "CrashLoopBackOff"), ("cannot-be-pulled", "ImagePullBackOff"), ("out-of-memory", "CrashLoopBackOff")],
)
def test_a_rollout_that_fails_keeps_every_old_pod_and_undo_ends_it(running: Delivery, tag: str, reason: str) -> None:
    before = _image(running)
    running.changed(WEB, with_image(tag)).applied()
    running.cluster.wait(lambda: reason in _waiting(running), f"a pod in {reason}")
    done = running.rollout("status", "web", "--timeout=1s")
    assert done.returncode != 0
    assert "timed out" in done.stderr
    assert running.ready("web") == 3
    assert running.rollout("undo", "web").returncode == 0
    running.wait_ready(web=3)
    assert _image(running) == before


def test_after_an_undo_the_next_apply_needs_to_force_its_fields(running: Delivery) -> None:
    """``kubectl rollout undo`` makes itself the owner of the image: delivery has to take it back, or it is refused."""
    running.changed(WEB, with_image("fedcba987654")).applied().wait_ready(web=3)
    assert running.rollout("undo", "web").returncode == 0
    running.changed(WEB, with_image("0f0f0f0f0f0f"))
    refused = running.apply()
    assert refused.returncode != 0
    assert 'conflict with "kubectl-rollout"' in refused.stderr or 'conflict with "kubectl"' in refused.stderr
    done = running.cluster.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=ai-provision",
        "-k",
        running.folder,
        user="apply",
    )
    assert done.returncode == 0, done.stderr
    running.wait_ready(web=3)
    assert _image(running).endswith(":0f0f0f0f0f0f")


@pytest.mark.usefixtures("uncordoned")
def test_a_second_eviction_waits_until_the_first_pod_is_replaced(running: Delivery) -> None:
    """With every node cordoned no replacement can come, so the budget of one is spent by the first eviction."""
    _cordon(running.cluster, on=True)
    first, second, _ = (pod["metadata"]["name"] for pod in running.pods("web"))
    _evict(running, first)
    running.cluster.wait(lambda: running.ready("web") == 2, "the eviction")
    running.cluster.wait(lambda: _allowed(running) == 0, "the budget's count")
    with pytest.raises(ApiError, match="would violate the pod's disruption budget") as refused:
        _evict(running, second)
    assert refused.value.status == 429
    _cordon(running.cluster, on=False)
    running.wait_ready(web=3)
    running.cluster.wait(lambda: _allowed(running) == 1, "a new budget")
    _evict(running, second)
    running.wait_ready(web=3)


@pytest.mark.usefixtures("uncordoned")
def test_draining_a_node_moves_its_pods_elsewhere(running: Delivery) -> None:
    node = running.pods("web")[0]["spec"]["nodeName"]
    selector = "--pod-selector=app.kubernetes.io/managed-by=ai-provision"
    done = running.cluster.kubectl(
        "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=50s", selector
    )
    assert done.returncode == 0, done.stderr
    running.wait_ready(api=3, web=3)
    assert node not in {pod["spec"]["nodeName"] for pod in running.pods()}


def _evict(bundle: Delivery, pod: str) -> None:
    home = f"/api/v1/namespaces/{bundle.namespace}"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": bundle.namespace}}
    bundle.cluster.request("POST", f"{home}/pods/{pod}/eviction", body)


def _allowed(bundle: Delivery) -> int:
    return int(bundle.object("PodDisruptionBudget", "web")["status"]["disruptionsAllowed"])


def _image(bundle: Delivery) -> str:
    return str(container(bundle.object("Deployment", "web"))["image"])


def _waiting(bundle: Delivery) -> set[str]:
    statuses = [one for pod in bundle.pods("web") for one in pod["status"].get("containerStatuses", [])]
    return {one["state"]["waiting"]["reason"] for one in statuses if "waiting" in one["state"]}
