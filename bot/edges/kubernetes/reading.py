"""Kubernetes objects as our nouns.

In: rows as the API server sent them. Out: nodes, stores, quotas and the like. Never: an exception for an odd object: it
is left out, or its odd field is absent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from bot.edges.kubernetes.demand import is_running, pod_requests, resources, rows, size, table
from bot.model.cluster import LimitRange, Node, Quota, Store, Taint, Workload
from bot.model.quantity import Resources

State = Literal["ready", "offline", "unknown", "unschedulable"]

_ZONES: Final = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_ARCHITECTURES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_DEFAULT_CLASSES: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
    "ingressclass.kubernetes.io/is-default-class",
)
_LONGEST: Final = 253


def nodes(found: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Every node with what its pods have been promised, sorted by name."""
    promised: dict[str, Resources] = defaultdict(Resources)
    counts: dict[str, int] = defaultdict(int)
    for pod in filter(is_running, pods):
        home = text(table(pod.get("spec")).get("nodeName"))
        if home:
            promised[home] = promised[home] + pod_requests(table(pod.get("spec")))
            counts[home] += 1
    read = (_node(row, promised[name_of(row)], counts[name_of(row)]) for row in found if name_of(row))
    return tuple(sorted(read, key=lambda node: node.name))


def _node(row: Mapping[str, Any], promised: Resources, pods: int) -> Node:
    spec, status = table(row.get("spec")), table(row.get("status"))
    info, labels = table(status.get("nodeInfo")), _texts(_meta(row).get("labels"))
    allocatable = table(status.get("allocatable"))
    architecture = text(info.get("architecture"))
    return Node(
        name=name_of(row),
        system="kubernetes",
        state=_state(spec, status),
        capacity=resources(allocatable),
        promised=promised,
        version=text(info.get("kubeletVersion")) or None,
        architecture=_ARCHITECTURES.get(architecture, architecture) or "x86_64",
        operating_system=text(info.get("operatingSystem")) or "linux",
        zone=next((labels[key] for key in _ZONES if labels.get(key)), None),
        labels=labels,
        taints=tuple(_taint(taint) for taint in rows(spec.get("taints")) if text(taint.get("key"))),
        pods_capacity=_whole(allocatable.get("pods")),
        pods=pods,
    )


def _state(spec: Mapping[str, Any], status: Mapping[str, Any]) -> State:
    ready = next((row.get("status") for row in rows(status.get("conditions")) if row.get("type") == "Ready"), None)
    if ready == "True":
        return "unschedulable" if spec.get("unschedulable") is True else "ready"
    return "offline" if ready == "False" else "unknown"


def _taint(row: Mapping[str, Any]) -> Taint:
    return Taint(key=text(row.get("key")), value=text(row.get("value")) or None, effect=text(row.get("effect")))


def stores(found: Iterable[Mapping[str, Any]]) -> tuple[Store, ...]:
    """Storage classes, sorted by name."""
    read = (
        Store(
            name=name_of(row),
            system="kubernetes",
            kind=text(row.get("provisioner")) or "unknown",
            default=is_default(row),
            expandable=row.get("allowVolumeExpansion") is True,
        )
        for row in found
        if name_of(row)
    )
    return tuple(sorted(read, key=lambda store: store.name))


def quotas(found: Iterable[Mapping[str, Any]]) -> tuple[Quota, ...]:
    """Resource quotas, sorted by namespace and name."""
    read = (
        Quota(
            namespace=namespace_of(row),
            name=name_of(row),
            hard=_texts(table(row.get("status")).get("hard") or table(row.get("spec")).get("hard")),
            used=_texts(table(row.get("status")).get("used")),
        )
        for row in found
    )
    return tuple(sorted(read, key=lambda quota: (quota.namespace, quota.name)))


def limit_ranges(found: Iterable[Mapping[str, Any]]) -> tuple[LimitRange, ...]:
    """The container parts of limit ranges, sorted by namespace and name."""
    read = (
        LimitRange(
            namespace=namespace_of(row),
            name=name_of(row),
            default_limit=_texts(limit.get("default")),
            default_request=_texts(limit.get("defaultRequest")),
            maximum=_texts(limit.get("max")),
            minimum=_texts(limit.get("min")),
            max_ratio=_texts(limit.get("maxLimitRequestRatio")),
        )
        for row in found
        for limit in rows(table(row.get("spec")).get("limits"))
        if limit.get("type") == "Container"
    )
    return tuple(sorted(read, key=lambda limit: (limit.namespace, limit.name)))


def workloads(found: Iterable[Mapping[str, Any]], kind: str) -> tuple[Workload, ...]:
    """Deployments or StatefulSets with the requests of one replica."""
    return tuple(
        Workload(
            namespace=namespace_of(row),
            kind=kind,
            name=name_of(row),
            replicas=_replicas(row),
            requests=template_requests(row),
        )
        for row in found
        if name_of(row)
    )


def template_requests(row: Mapping[str, Any]) -> Resources:
    """The requests of one pod of a workload."""
    return pod_requests(table(table(table(row.get("spec")).get("template")).get("spec")))


def daemon_requests(found: Iterable[Mapping[str, Any]]) -> Resources:
    """What every node gives to DaemonSets before anything else: one pod of each that is bound to no kind of node."""
    total = Resources()
    for row in found:
        template = table(table(table(row.get("spec")).get("template")).get("spec"))
        if not _is_bound(template):
            total = total + pod_requests(template)
    return total


def _is_bound(template: Mapping[str, Any]) -> bool:
    selector = set(table(template.get("nodeSelector"))) - {"kubernetes.io/os"}
    return bool(selector) or bool(table(table(template.get("affinity")).get("nodeAffinity")))


def names(found: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names, sorted."""
    return tuple(sorted(filter(None, map(name_of, found))))


def default_name(found: Iterable[Mapping[str, Any]]) -> str | None:
    """The first class marked as default."""
    return next(iter(names(row for row in found if is_default(row))), None)


def is_default(row: Mapping[str, Any]) -> bool:
    """True for a class with one of the default annotations."""
    annotations = table(_meta(row).get("annotations"))
    return any(annotations.get(key) == "true" for key in _DEFAULT_CLASSES)


def name_of(row: Mapping[str, Any]) -> str:
    """``metadata.name``, or the empty string."""
    return text(_meta(row).get("name"))


def namespace_of(row: Mapping[str, Any]) -> str:
    """``metadata.namespace``, or the empty string."""
    return text(_meta(row).get("namespace"))


def text(value: Any) -> str:
    """A short printable text, or the empty string."""
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def _meta(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return table(row.get("metadata"))


def _texts(value: Any) -> dict[str, str]:
    read = ((text(key), item) for key, item in table(value).items())
    return {key: text(item) if isinstance(item, str) else str(item) for key, item in read if key}


def _replicas(row: Mapping[str, Any]) -> int:
    stated = table(row.get("spec")).get("replicas")
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated >= 0 else 1


def _whole(value: Any) -> int | None:
    found = size(value)
    return None if found is None else int(found)
