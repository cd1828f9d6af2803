"""Kubernetes objects that a test cluster needs before anything is delivered to it: nodes, occupants, volumes, namespaces.

In: nodes of a capacity snapshot, or rows of name, CPU and memory. Out: objects as the API takes them. Never: a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.model.cluster import Node

OTHERS = "others"


@dataclass(frozen=True)
class NodeRow:
    """A node: sizes as Kubernetes writes them ("7800m", "31Gi"); ``taken_*`` is promised to others already."""

    name: str
    cpu: str
    memory: str
    zone: str | None = None
    pods: int = 110
    taken_cpu: str = "0"
    taken_memory: str = "0"
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_occupied(self) -> bool:
        """Whether others have been promised anything."""
        return (self.taken_cpu, self.taken_memory) != ("0", "0")


def rows(nodes: Iterable[Node | NodeRow]) -> list[NodeRow]:
    """Rows as they are; of a snapshot's nodes those of Kubernetes."""
    return [
        node if isinstance(node, NodeRow) else _row(node)
        for node in nodes
        if isinstance(node, NodeRow) or node.system == "kubernetes"
    ]


def _row(node: Node) -> NodeRow:
    return NodeRow(
        name=node.name,
        cpu=node.capacity.cpu.to_k8s(),
        memory=node.capacity.memory.to_k8s(),
        zone=node.zone,
        pods=node.pods_capacity or 110,
        taken_cpu=node.promised.cpu.to_k8s(),
        taken_memory=node.promised.memory.to_k8s(),
        labels=tuple(node.labels.items()),
        taints=tuple((taint.key, taint.value or "", taint.effect) for taint in node.taints),
    )


def node(row: NodeRow) -> dict[str, Any]:
    """KWOK makes it Ready and keeps its sizes."""
    sizes = {"cpu": row.cpu, "memory": row.memory, "pods": str(row.pods), "ephemeral-storage": "90Gi"}
    own = {"kubernetes.io/hostname": row.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    zone = {} if row.zone is None else {"topology.kubernetes.io/zone": row.zone}
    taints = [{"key": key, "value": value, "effect": effect} for key, value, effect in row.taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": row.name, "labels": {**own, **zone, **dict(row.labels)}},
        "spec": {"taints": taints},
        "status": {"allocatable": sizes, "capacity": sizes, "nodeInfo": _NODE_INFO},
    }


_NODE_INFO = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": "kwok",
    "kernelVersion": "kwok",
    "kubeProxyVersion": "",
    "kubeletVersion": "v1.34.1",
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "kwok",
    "systemUUID": "",
}


def is_ready(found: dict[str, Any]) -> bool:
    """Whether the condition Ready of a node or pod is True."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def occupant(row: NodeRow) -> dict[str, Any]:
    """A pod on this node that requests what is promised to others."""
    container = {
        "name": "others",
        "image": "others",
        "resources": {"requests": {"cpu": row.taken_cpu, "memory": row.taken_memory}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"promised-{row.name}"},
        "spec": {"nodeName": row.name, "containers": [container], "tolerations": [{"operator": "Exists"}]},
    }


def namespace(name: str, enforce: str) -> dict[str, Any]:
    """Pod Security of the present version at this level."""
    level = {"pod-security.kubernetes.io/enforce": enforce, "pod-security.kubernetes.io/enforce-version": "latest"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}}


def storage_class(name: str, *, default: bool) -> dict[str, Any]:
    """A class without a provisioner: its volumes are made by hand."""
    marks = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": marks},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
        "reclaimPolicy": "Delete",
    }


def volume(size: str, storage_class: str) -> dict[str, Any]:
    """A hostPath volume; nothing is ever written to it."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"generateName": f"{storage_class}-"},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/var/lib/volumes"},
        },
    }
