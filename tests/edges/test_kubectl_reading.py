"""How far a rollout is, why it does not come up, and who owns a field: pure readings of Kubernetes objects."""

from __future__ import annotations

from typing import Any

import pytest

from bot.edges.kubectl.differences import shown
from bot.edges.kubectl.ownership import less, reowned, union
from bot.edges.kubectl.reading import progress, revision
from bot.edges.kubectl.reasons import reason
from bot.model.applied import WorkloadRef

REF = WorkloadRef(kind="Deployment", name="web", namespace="shop")
SET = WorkloadRef(kind="StatefulSet", name="web", namespace="shop")
LABELS = {"app": "web"}
DONE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


def deployment(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 2, "annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}, **spec},
        "status": status,
    }


def pod(status: dict[str, Any], name: str = "web-1") -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "uid": name, "labels": LABELS}, "status": status}


def event(why: str, message: str, name: str = "web-1") -> dict[str, Any]:
    about = {"name": name, "uid": name}
    return {"kind": "Event", "metadata": {}, "reason": why, "message": message, "involvedObject": about}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "web", "image": "shop/web:1", "restartCount": 4, **state}]}


def told(*objects: dict[str, Any], status: dict[str, Any] | None = None) -> str:
    return reason(REF, [deployment(status or {}), *objects], redact=str)


@pytest.mark.parametrize(
    "change",
    [
        {"observedGeneration": 1},
        {"updatedReplicas": 1},
        {"replicas": 3},
        {"readyReplicas": 1},
        {"availableReplicas": 1},
    ],
)
def test_a_deployment_is_complete_when_every_count_is_what_was_asked(change: dict[str, int]) -> None:
    assert progress(REF, [deployment(DONE)]).complete
    assert not progress(REF, [deployment({**DONE, **change})]).complete


def test_a_stateful_set_is_complete_when_all_of_it_runs_the_newest_revision() -> None:
    revisions = {"currentRevision": "web-2", "updateRevision": "web-2"}
    done = {**deployment({**DONE, **revisions}), "kind": "StatefulSet"}
    assert progress(SET, [done]).complete
    moving = {**deployment({**DONE, **revisions, "currentRevision": "web-1"}), "kind": "StatefulSet"}
    assert not progress(SET, [moving]).complete


def test_the_minimum_of_an_autoscaler_is_waited_for_except_at_nothing() -> None:
    target = {"kind": "Deployment", "name": "web"}
    scaler = {"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": target, "minReplicas": 3}}
    seen = progress(REF, [deployment(DONE), scaler])
    assert (seen.complete, seen.wanted) == (False, 3)
    nothing = progress(REF, [deployment({"observedGeneration": 2}, replicas=0), scaler])
    assert (nothing.complete, nothing.wanted) == (True, 0)


def test_revisions_are_numbers_and_nothing_that_is_scaled_to_nothing_has_one() -> None:
    assert revision(deployment({}), []) == 7
    assert revision(deployment({}, replicas=0), []) is None
    numbered = [
        {"kind": "ControllerRevision", "metadata": {"name": f"web-{each}"}, "revision": each} for each in (1, 2)
    ]
    thing = {**deployment({"currentRevision": "web-1", "updateRevision": "web-2"}), "kind": "StatefulSet"}
    assert (revision(thing, numbered), revision(thing, numbered, newest=True)) == (1, 2)


REASONS = [
    ([pod({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/5 nodes are available: 5 Insuf"}]})],
     "no node can take pod web-1: 0/5 nodes are available: 5 Insuf."),
    ([pod(container(state={"waiting": {"reason": "ErrImagePull", "message": "not found"}}))],
     "the image shop/web:1 cannot be pulled (ErrImagePull): not found."),
    ([pod(container(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 3}}))],
     "container web ends with exit code 3, 4 restarts (CrashLoopBackOff)."),
    ([pod(container(state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}))],
     'container web cannot start (CreateContainerConfigError): secret "x" not found.'),
    ([pod(container(state={"running": {}})), event("Unhealthy", "Readiness probe failed: HTTP 503")],
     "pod web-1 runs and is not ready: Readiness probe failed: HTTP 503."),
    ([pod(container(state={"running": {}}))], "container web runs and its readiness probe does not succeed."),
    ([pod(container(state={"waiting": {"reason": "ContainerCreating"}})), event("FailedMount", "no such volume")],
     "a volume of pod web-1 cannot be mounted: no such volume."),
    ([pod({"phase": "Failed", "reason": "Evicted", "message": "low on memory"})], "pod web-1 failed: low on memory."),
    ([], "no pod was made in time."),
]  # fmt: skip


@pytest.mark.parametrize(("objects", "sentence"), REASONS)
def test_the_reason_of_a_failure_is_one_sentence(objects: list[dict[str, Any]], sentence: str) -> None:
    assert told(*objects) == sentence


def test_a_pod_that_was_refused_is_told_before_a_pod_that_waits() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: limit"}
    waiting = pod(container(state={"running": {}}))
    assert told(waiting, status={"conditions": [refused]}) == "the namespace's quota is full: exceeded quota: limit."


def test_a_cause_is_told_before_a_probe_that_only_waits() -> None:
    calm = pod(container(state={"running": {}}), "web-2")
    crashing = pod(
        container(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 1}})
    )
    assert "exit code 1" in told(calm, crashing)


def test_an_undo_gives_back_only_the_fields_that_it_took() -> None:
    def entry(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
        return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields}

    ours = entry("ai-provision", "Apply", **{"f:a": {}})
    person = entry("kubectl-edit", "Update", **{"f:p": {}})
    status = {**entry("kube-controller-manager", "Update", **{"f:s": {}}), "subresource": "status"}
    undone = entry("kubectl-edit", "Update", **{"f:p": {}, "f:b": {"f:c": {}}})
    made = reowned([ours, person, status], [entry("ai-provision", "Apply", **{"f:a": {}}), undone, status])
    assert made == [entry("ai-provision", "Apply", **{"f:a": {}, "f:b": {"f:c": {}}}), person, status]
    assert reowned([ours, person], [ours, person]) is None


def test_sets_of_fields_are_joined_and_parted() -> None:
    one, other = {"f:a": {"f:b": {}, "f:c": {}}}, {"f:a": {"f:c": {}, "f:d": {}}}
    assert union(one, other) == {"f:a": {"f:b": {}, "f:c": {}, "f:d": {}}}
    assert less(one, other) == {"f:a": {"f:b": {}}}
    assert less(one, one) == {}


DIFF = """diff -u -N /tmp/LIVE-12/apps.v1.Deployment.shop.web /tmp/MERGED-34/apps.v1.Deployment.shop.web
--- /tmp/LIVE-12/apps.v1.Deployment.shop.web\t2026-01-01 10:00:00 +0000
+++ /tmp/MERGED-34/apps.v1.Deployment.shop.web\t2026-01-01 10:00:01 +0000
@@ -1 +1 @@
-image: a
+image: hunter2
diff -u -N /tmp/LIVE-12/v1.Secret.shop.key /tmp/MERGED-34/v1.Secret.shop.key
--- /tmp/LIVE-12/v1.Secret.shop.key\t2026-01-01 10:00:00 +0000
+++ /tmp/MERGED-34/v1.Secret.shop.key\t2026-01-01 10:00:00 +0000
@@ -1 +1 @@
+value: CANARY
"""


def test_a_diff_is_the_same_every_time_and_holds_no_line_of_a_secret() -> None:
    assert shown(DIFF, redact=lambda text: text.replace("hunter2", "***"), most=999).splitlines() == [
        "--- apps.v1.Deployment.shop.web",
        "+++ apps.v1.Deployment.shop.web",
        "@@ -1 +1 @@",
        "-image: a",
        "+image: ***",
        "--- v1.Secret.shop.key",
        "+++ v1.Secret.shop.key",
        "(a Secret differs; its values are not shown)",
    ]
    assert shown(DIFF, redact=str, most=10).endswith("\n[…]")
