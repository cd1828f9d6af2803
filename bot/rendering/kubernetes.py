"""All Kubernetes files of one application: one object a file, and the kustomization that lists them.

In: a scene. Out: rendered files, path relative to the application's folder. Never: a Namespace object (the apply step
creates a missing one under Pod Security ``restricted``), an empty folder's kustomization.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.model.plan import ServicePlan
from bot.rendering.data_text import yaml_text
from bot.rendering.network import network_policy, service
from bot.rendering.scene import Scene
from bot.rendering.workload import (
    Manifest,
    autoscaler,
    claim,
    disruption_budget,
    service_account,
    workload,
)

FOLDER: Final = "kubernetes"
_COMMENT: Final = "Made by ai-provision. Every number has its reason in ../README.md."

OBJECTS: Final[tuple[tuple[str, Callable[[Scene, ServicePlan], Manifest | None]], ...]] = (
    ("workload", workload),
    ("service", service),
    ("hpa", autoscaler),
    ("pdb", disruption_budget),
    ("serviceaccount", service_account),
    ("networkpolicy", network_policy),
    ("pvc", claim),
)
"""The objects of one workload and the last word of their file names."""


def kubernetes_files(scene: Scene) -> dict[str, str]:
    """File texts by path below the application's folder; empty without workloads."""
    objects = {
        f"{planned.name}-{_word(word, planned)}.yaml": manifest
        for planned in scene.plan.services
        for word, make in OBJECTS
        if (manifest := make(scene, planned)) is not None
    }
    if not objects:
        return {}
    files = {name: yaml_text(manifest, comment=_COMMENT) for name, manifest in objects.items()}
    files["kustomization.yaml"] = yaml_text(_kustomization(scene, sorted(objects)), comment=_COMMENT)
    return {f"{FOLDER}/{name}": text for name, text in files.items()}


def _word(word: str, planned: ServicePlan) -> str:
    return planned.kind.lower() if word == "workload" else word


def _kustomization(scene: Scene, names: list[str]) -> Manifest:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": scene.plan.namespace,
        "resources": names,
    }
