"""The pod of one workload: container, probes, security, spread.

In: a planned workload and its facts. Out: ``spec.template``. Never: a privilege, a value of a variable.
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import ServicePlan
from bot.model.profile import Service
from bot.rendering.environment import env_entries
from bot.rendering.identity import container_security, pod_security
from bot.rendering.ports import NamedPort, container_ports
from bot.rendering.probes import probes
from bot.rendering.scene import Scene, labels, selector
from bot.rendering.volumes import mounts, pod_volumes

PRE_STOP_SLEEP_SINCE: Final = (1, 30)
"""``lifecycle.preStop.sleep`` is on by default from Kubernetes 1.30 (KEP-3960)."""

_MATCH_LABEL_KEYS_SINCE: Final = (1, 27)
_ZONE: Final = "topology.kubernetes.io/zone"
_HOST: Final = "kubernetes.io/hostname"


def pod_template(scene: Scene, planned: ServicePlan) -> dict[str, object]:
    """``spec.template`` of a Deployment or StatefulSet."""
    return {"metadata": {"labels": labels(scene.plan.app, planned.name)}, "spec": _pod(scene, planned)}


def _pod(scene: Scene, planned: ServicePlan) -> dict[str, object]:
    facts = scene.facts(planned)
    ports = container_ports(facts)
    spec: dict[str, object] = {
        "serviceAccountName": planned.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": planned.rollout.grace_seconds,
    }
    if facts.windows:
        spec |= {"os": {"name": "windows"}, "nodeSelector": {"kubernetes.io/os": "windows"}}
    spec["securityContext"] = pod_security(facts, ports, keeps_data=planned.storage is not None)
    spread = _spread(scene, planned)
    if spread:
        spec["topologySpreadConstraints"] = spread
    spec["containers"] = [_container(scene, planned, facts)]
    volumes = pod_volumes(planned, facts)
    return {**spec, "volumes": volumes} if volumes else spec


def _container(scene: Scene, planned: ServicePlan, facts: Service) -> dict[str, object]:
    ports = container_ports(facts)
    optional: dict[str, object] = {
        "ports": [_port(port) for port in ports],
        "env": env_entries(planned, facts, ports),
        "resources": _resources(planned),
        **probes(planned, facts),
        "lifecycle": _lifecycle(scene, planned),
        "securityContext": container_security(facts),
        "volumeMounts": mounts(planned, facts),
    }
    filled = {key: value for key, value in optional.items() if value}
    return {"name": planned.name, "image": planned.image.reference, **filled}


def _port(port: NamedPort) -> dict[str, object]:
    return {"name": port.name, "containerPort": port.number, "protocol": port.transport}


def _resources(planned: ServicePlan) -> dict[str, object]:
    """Requests and limits; no CPU limit unless the plan names one, so that a burst is not throttled."""
    limits = {"memory": planned.limits.memory.to_k8s()}
    if planned.limits.cpu is not None:
        limits = {"cpu": planned.limits.cpu.to_k8s(), **limits}
    requests = {"cpu": planned.requests.cpu.to_k8s(), "memory": planned.requests.memory.to_k8s()}
    return {"requests": requests, "limits": limits}


def sleeps_before_stop(scene: Scene, planned: ServicePlan) -> bool:
    """True when the cluster is known to have the sleep action; an ``exec`` of ``sleep`` would need a shell."""
    version = scene.kubernetes_version
    wanted = planned.rollout.pre_stop_seconds > 0 and bool(container_ports(scene.facts(planned)))
    return wanted and version is not None and version >= PRE_STOP_SLEEP_SINCE


def _lifecycle(scene: Scene, planned: ServicePlan) -> dict[str, object]:
    if not sleeps_before_stop(scene, planned):
        return {}
    return {"preStop": {"sleep": {"seconds": planned.rollout.pre_stop_seconds}}}


def _spread(scene: Scene, planned: ServicePlan) -> list[dict[str, object]]:
    if planned.replicas <= 1 and planned.hpa is None:
        return []
    keys = [_ZONE, _HOST] if planned.spread.by_zone else [_HOST]
    return [_constraint(scene, planned, key) for key in keys]


def _constraint(scene: Scene, planned: ServicePlan, key: str) -> dict[str, object]:
    made: dict[str, object] = {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule" if planned.spread.hard else "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(scene.plan.app, planned.name)},
    }
    version = scene.kubernetes_version
    if planned.kind == "Deployment" and version is not None and version >= _MATCH_LABEL_KEYS_SINCE:
        made["matchLabelKeys"] = ["pod-template-hash"]
    return made
