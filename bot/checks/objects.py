"""Our own policy on objects: which kinds, names, namespaces and counts are allowed, and that objects fit together.

In: the bundle. Out: findings on kinds, names, namespaces, replicas and on links between objects. Never: an exception
for our own renderer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bot.checks.bundle import Bundle, Json, Manifest, mapping, sequence
from bot.model.finding import Finding

_KINDS: Final = frozenset(
    {
        "Deployment", "StatefulSet", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceAccount",
        "NetworkPolicy", "PersistentVolumeClaim", "Ingress", "Kustomization",
    }
)  # fmt: skip
_NAME: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SYSTEM: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def kinds(bundle: Bundle) -> Iterator[Finding]:
    """Only kinds that an application needs: no roles, no namespaces, no custom objects."""
    for manifest in bundle.manifests:
        if manifest.kind not in _KINDS:
            message = f"The kind {manifest.kind[:60]!a} is not allowed in an application."
            yield manifest.finding("forbidden-kind", message, "Leave it to the cluster's administrators.", at=("kind",))


def names(bundle: Bundle) -> Iterator[Finding]:
    """DNS-1035 names, each kind and name once; the schema knows neither."""
    seen: set[tuple[str, str]] = set()
    for manifest in bundle.manifests:
        if manifest.kind == "Kustomization":
            continue
        if not _NAME.fullmatch(manifest.name):
            remedy = "Use lower-case letters, digits and hyphens, beginning with a letter."
            yield manifest.finding("name", f"{manifest.name[:60]!a} is no name.", remedy, at=("metadata", "name"))
        if (manifest.kind, manifest.name) in seen:
            message = f"A second {manifest.kind} has the name {manifest.name[:60]!a}."
            yield manifest.finding("name", message, "Give each object its own name.", at=("metadata", "name"))
        seen.add((manifest.kind, manifest.name))


def namespaces(bundle: Bundle) -> Iterator[Finding]:
    """The kustomization alone names the namespace, and it is one that the config file allows."""
    allowed = bundle.config.limits.namespaces
    for manifest in bundle.manifests:
        if manifest.kind == "Kustomization":
            name = str(manifest.value.get("namespace", ""))
            if not _NAMESPACE.fullmatch(name) or name in _SYSTEM or name.startswith("kube-"):
                remedy = "Name a namespace of the application's own."
                yield manifest.finding("namespace", f"{name[:60]!a} is not allowed.", remedy, at=("namespace",))
            elif allowed and name not in allowed:
                remedy = "Use a namespace that .ai-provision.yaml lists."
                yield manifest.finding("namespace", f"{name} is not in the config file.", remedy, at=("namespace",))
        elif "namespace" in mapping(manifest.value.get("metadata")):
            message, at = "The object names a namespace of its own.", ("metadata", "namespace")
            yield manifest.finding("namespace", message, "Leave it to kustomization.yaml.", at=at)


def replicas(bundle: Bundle) -> Iterator[Finding]:
    """At least 1, at most what the config file allows; one owner of the number."""
    most = bundle.config.limits.max_replicas
    scaled = {_target(hpa) for hpa in bundle.of_kind("HorizontalPodAutoscaler")}
    for manifest in bundle.workloads:
        count = manifest.spec.get("replicas")
        at = ("spec", "replicas")
        if (manifest.kind, manifest.name) in scaled:
            if count is not None:
                message = "The autoscaler and this number would fight."
                yield manifest.finding("replicas-beside-hpa", message, "Remove replicas.", at=at)
        elif not _whole(count, 1, most):
            yield manifest.finding("replicas", f"Not between 1 and {most}.", "Change the number or the limit.", at=at)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _target(hpa: Manifest) -> tuple[str, str]:
    target = mapping(hpa.spec.get("scaleTargetRef"))
    return str(target.get("kind")), str(target.get("name"))


def autoscalers(bundle: Bundle) -> Iterator[Finding]:
    """The target exists, and 1 <= min <= max <= the config file's limit."""
    most = bundle.config.limits.max_replicas
    known = {(manifest.kind, manifest.name) for manifest in bundle.workloads}
    for hpa in bundle.of_kind("HorizontalPodAutoscaler"):
        least, top = hpa.spec.get("minReplicas"), hpa.spec.get("maxReplicas")
        if _target(hpa) not in known:
            yield hpa.finding("hpa-target", "It scales a workload that is not here.", "Name one.", at=("spec",))
        if not _whole(least, 1, most) or not _whole(top, 1, most) or (least or 0) > (top or 0):
            yield hpa.finding("hpa-bounds", f"Not 1 <= min <= max <= {most}.", "Change the bounds.", at=("spec",))
        for metric in map(mapping, sequence(hpa.spec.get("metrics"))):
            target = mapping(mapping(metric.get("resource")).get("target"))
            if not _whole(target.get("averageUtilization"), 1, 100):
                yield hpa.finding("hpa-target", "The target is not 1 to 100 %.", "Change it.", at=("spec", "metrics"))


def budgets(bundle: Bundle) -> Iterator[Finding]:
    """A disruption budget that selects pods and leaves room to drain a node."""
    for pdb in bundle.of_kind("PodDisruptionBudget"):
        chosen = _selected(bundle, mapping(mapping(pdb.spec.get("selector")).get("matchLabels")))
        down, up = pdb.spec.get("maxUnavailable"), pdb.spec.get("minAvailable")
        if (down is None) == (up is None) or down == 0 or (up is not None and not _whole(up, 1, 1_000_000)):
            yield pdb.finding(
                "pdb", "It never lets a node drain, or says two things.", "Set one of the two.", at=("spec",)
            )
        for manifest in chosen:
            if _whole(up, _least(bundle, manifest), 1_000_000):
                yield pdb.finding("pdb", "It keeps every pod: no node can drain.", "Allow one pod down.", at=("spec",))


def _least(bundle: Bundle, manifest: Manifest) -> int:
    for hpa in bundle.of_kind("HorizontalPodAutoscaler"):
        if _target(hpa) == (manifest.kind, manifest.name):
            least = hpa.spec.get("minReplicas")
            return least if isinstance(least, int) else 1
    count = manifest.spec.get("replicas")
    return count if isinstance(count, int) else 1


def _selected(bundle: Bundle, wanted: Json) -> list[Manifest]:
    return [manifest for manifest in bundle.workloads if wanted and wanted.items() <= _pod_labels(manifest).items()]


def _pod_labels(manifest: Manifest) -> Json:
    template = mapping(manifest.spec.get("template"))
    return mapping(mapping(template.get("metadata")).get("labels"))


def selectors(bundle: Bundle) -> Iterator[Finding]:
    """Every selector finds exactly one workload of this bundle."""
    for manifest in bundle.manifests:
        pointer = _SELECTORS.get(manifest.kind)
        if pointer is None:
            continue
        wanted: Any = manifest.value
        for part in pointer:
            wanted = mapping(wanted).get(part)
        found = _selected(bundle, mapping(wanted))
        if len(found) != 1 or (manifest in bundle.workloads and found[0] is not manifest):
            message = f"The selector finds {len(found)} workloads of this bundle."
            yield manifest.finding("selector", message, "Select the labels of one workload.", at=pointer)


_SELECTORS: Final[dict[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "selector", "matchLabels"),
    "StatefulSet": ("spec", "selector", "matchLabels"),
    "Service": ("spec", "selector"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
    "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
}


def services(bundle: Bundle) -> Iterator[Finding]:
    """Inside the cluster only, and to ports that the pods have."""
    for service in bundle.of_kind("Service"):
        if service.spec.get("type", "ClusterIP") != "ClusterIP" or service.spec.get("externalIPs"):
            message = "The Service opens a way into the cluster."
            yield service.finding("service-type", message, "Use ClusterIP and an Ingress.", at=("spec", "type"))
        known = _port_names(_selected(bundle, mapping(service.spec.get("selector"))))
        for index, port in enumerate(map(mapping, sequence(service.spec.get("ports")))):
            at = ("spec", "ports", index)
            if not _whole(port.get("port"), 1, 65535):
                yield service.finding("port", "The port is not between 1 and 65535.", "Change it.", at=at)
            if port.get("targetPort") not in known:
                message = "It points to a port that no pod has."
                yield service.finding("service-port", message, "Use the name of a container port.", at=at)


def _port_names(workloads: list[Manifest]) -> set[Any]:
    found = set()
    for manifest in workloads:
        template = mapping(manifest.spec.get("template"))
        for container in map(mapping, sequence(mapping(template.get("spec")).get("containers"))):
            found |= {mapping(port).get("name") for port in sequence(container.get("ports"))}
    return found


def companions(bundle: Bundle) -> Iterator[Finding]:
    """Every workload has its account, its network policy and, if it listens, the Service that it names."""
    accounts = {manifest.name for manifest in bundle.of_kind("ServiceAccount")}
    headless = {manifest.name for manifest in bundle.of_kind("Service") if manifest.spec.get("clusterIP") == "None"}
    guarded = [
        found
        for policy in bundle.of_kind("NetworkPolicy")
        for found in _selected(bundle, mapping(mapping(policy.spec.get("podSelector")).get("matchLabels")))
    ]
    for manifest in bundle.workloads:
        pod = mapping(mapping(manifest.spec.get("template")).get("spec"))
        if pod.get("serviceAccountName") not in accounts:
            yield manifest.finding("service-account", "Its account is not here.", "Add the ServiceAccount.")
        if manifest not in guarded:
            yield manifest.finding("network-policy", "No network policy selects its pods.", "Add one.")
        listens = bool(_port_names([manifest]))
        if manifest.kind == "StatefulSet" and listens and manifest.spec.get("serviceName") not in headless:
            message = "Its headless Service is not here."
            yield manifest.finding("service-name", message, "Add the Service.", severity="warn")
