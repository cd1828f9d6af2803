"""Deployment or StatefulSet, claim, ServiceAccount, autoscaler and disruption budget of one workload.

In: a planned workload. Out: Kubernetes objects as plain data. Never: ``replicas`` beside an autoscaler.
"""

from __future__ import annotations

from bot.model.plan import Pdb, ServicePlan
from bot.rendering.pod import pod_template
from bot.rendering.scene import Scene, metadata, selector, source_note
from bot.rendering.volumes import DATA, claim_name, claim_spec

Manifest = dict[str, object]


def workload(scene: Scene, planned: ServicePlan) -> Manifest:
    """The Deployment or StatefulSet. The autoscaler owns the replica count where there is one."""
    spec: Manifest = {} if planned.hpa is not None else {"replicas": planned.replicas}
    if planned.kind == "StatefulSet":
        spec["serviceName"] = planned.name
    else:
        spec["strategy"] = _strategy(planned)
    spec["selector"] = {"matchLabels": selector(scene.plan.app, planned.name)}
    spec["template"] = pod_template(scene, planned)
    if planned.kind == "StatefulSet" and planned.storage is not None:
        claim = {"metadata": {"name": DATA}, "spec": claim_spec(planned.storage)}
        spec["volumeClaimTemplates"] = [claim]
    described = {**metadata(scene, planned.name), **source_note(scene)}
    return {"apiVersion": "apps/v1", "kind": planned.kind, "metadata": described, "spec": spec}


def _strategy(planned: ServicePlan) -> Manifest:
    if planned.rollout.recreate:
        return {"type": "Recreate"}
    rolling = {"maxUnavailable": planned.rollout.max_unavailable, "maxSurge": planned.rollout.max_surge}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def claim(scene: Scene, planned: ServicePlan) -> Manifest | None:
    """The claim of a Deployment with storage; None where the StatefulSet makes its own."""
    if planned.storage is None or planned.kind == "StatefulSet":
        return None
    described = {**metadata(scene, planned.name), "name": claim_name(planned)}
    spec = claim_spec(planned.storage)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": described, "spec": spec}


def service_account(scene: Scene, planned: ServicePlan) -> Manifest:
    """An identity of its own, without a token: the application does not talk to the Kubernetes API."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(scene, planned.name),
        "automountServiceAccountToken": False,
    }


def autoscaler(scene: Scene, planned: ServicePlan) -> Manifest | None:
    """HorizontalPodAutoscaler: up by at most 100 % every 15 s, down after 300 s of calm."""
    if planned.hpa is None:
        return None
    target = {"type": "Utilization", "averageUtilization": planned.hpa.target_cpu_percent}
    up = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": planned.kind, "name": planned.name},
        "minReplicas": planned.hpa.min,
        "maxReplicas": planned.hpa.max,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleUp": up, "scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    described = metadata(scene, planned.name)
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": described, "spec": spec}


def disruption_budget(scene: Scene, planned: ServicePlan) -> Manifest | None:
    """PodDisruptionBudget, when the plan has one."""
    if planned.pdb is None:
        return None
    spec = {**_budget(planned.pdb), "selector": {"matchLabels": selector(scene.plan.app, planned.name)}}
    described = metadata(scene, planned.name)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": described, "spec": spec}


def _budget(pdb: Pdb) -> Manifest:
    if pdb.max_unavailable is not None:
        return {"maxUnavailable": pdb.max_unavailable}
    return {"minAvailable": pdb.min_available if pdb.min_available is not None else 1}
