"""The one object by which Argo CD or Flux takes an application's manifests from the infrastructure repository.

In: a scene. Out: the files of ``delivery/``, none for ``delivery: kubectl`` or without workloads. Never: a Namespace
object, a credential, a claim that the tool may delete: data goes by the second word of ``/ai-destroy`` alone.

Sources: argo-cd.readthedocs.io/en/stable/user-guide/sync-options, fluxcd.io/flux/components/kustomize/kustomizations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.rendering.data_text import yaml_text
from bot.rendering.kubernetes import FOLDER as MANIFESTS
from bot.rendering.scene import MANAGED_BY, Scene
from bot.rendering.workload import Manifest

FOLDER: Final = "delivery"
ARGOCD: Final = "argocd"
FLUX: Final = "flux-system"
"""The namespaces of the tools' own installation guides, and the name of the source that ``flux bootstrap`` makes."""
_COMMENT: Final = "Made by ai-provision: what brings ../kubernetes into the cluster."
_HERE: Final = "https://kubernetes.default.svc"
_LEVELS: Final = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


def delivery_files(scene: Scene) -> dict[str, str]:
    """File texts by path below the application's folder. Raises Refused(config) for Argo CD without a repository."""
    made = _MADE.get(scene.config.delivery)
    if made is None or not scene.plan.services:
        return {}
    name, make = made
    listed: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [name],
    }
    files = {name: make(scene), "kustomization.yaml": listed}
    return {f"{FOLDER}/{path}": yaml_text(manifest, comment=_COMMENT) for path, manifest in files.items()}


def _application(scene: Scene) -> Manifest:
    """Prune and self-heal: what is not in git goes, what somebody changed by hand comes back."""
    repository = scene.config.delivery_repository
    if repository is None:
        raise Refused(_NO_REPOSITORY)
    source: Manifest = {"repoURL": repository, "path": f"{scene.root}/{MANIFESTS}", "targetRevision": "HEAD"}
    if _has_claims(scene):
        kept = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
        source["kustomize"] = {"patches": [_on_claims(kept)]}
    policy = {
        "automated": {"prune": True, "selfHeal": True},
        "syncOptions": ["CreateNamespace=true", "ServerSideApply=true", "PruneLast=true"],
        "managedNamespaceMetadata": {"labels": _LEVELS},
        "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
    }
    described = _metadata(scene, ARGOCD)
    described["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    spec = {
        "project": "default",
        "source": source,
        "destination": {"server": _HERE, "namespace": scene.plan.namespace},
        "syncPolicy": policy,
    }
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": described, "spec": spec}


def _kustomization(scene: Scene) -> Manifest:
    """The namespace is made by ``ai-provision apply``: Flux makes none."""
    spec: Manifest = {
        "interval": "10m0s",
        "retryInterval": "1m0s",
        "timeout": f"{scene.config.apply.rollout_seconds}s",
        "path": f"./{scene.root}/{MANIFESTS}",
        "prune": True,
        "wait": True,
        "sourceRef": {"kind": "GitRepository", "name": scene.config.delivery_source or FLUX},
        "targetNamespace": scene.plan.namespace,
    }
    if _has_claims(scene):
        spec["patches"] = [_on_claims({"kustomize.toolkit.fluxcd.io/prune": "disabled"})]
    described = _metadata(scene, FLUX)
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": described,
        "spec": spec,
    }


def _metadata(scene: Scene, namespace: str) -> Manifest:
    labels = {"app.kubernetes.io/part-of": scene.plan.app, "app.kubernetes.io/managed-by": MANAGED_BY}
    where = scene.config.delivery_namespace or namespace
    return {"name": scene.plan.app, "namespace": where, "labels": labels}


def _has_claims(scene: Scene) -> bool:
    """Claims of a StatefulSet are its own and neither tool knows of them."""
    return any(each.storage is not None and each.kind != "StatefulSet" for each in scene.plan.services)


def _on_claims(annotations: Mapping[str, str]) -> Manifest:
    pairs = "".join(f"    {key}: {value}\n" for key, value in annotations.items())
    patch = f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: any\n  annotations:\n{pairs}"
    return {"target": {"kind": "PersistentVolumeClaim"}, "patch": patch}


_MADE: Final[Mapping[str, tuple[str, Callable[[Scene], Manifest]]]] = {
    "argocd": ("application.yaml", _application),
    "flux": ("flux-kustomization.yaml", _kustomization),
}

_NO_REPOSITORY: Final = Refusal(
    code=Code.CONFIG,
    message="`delivery: argocd` needs the address from which Argo CD reads this repository.",
    remedy="Set `delivery_repository:` in .ai-provision.yaml, as it stands in Argo CD's list of repositories.",
    example="delivery_repository: https://github.com/myorg/infrastructure.git",
)
