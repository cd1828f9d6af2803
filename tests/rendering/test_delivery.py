"""The object by which Argo CD or Flux takes the manifests: whole, without a credential, and never a way to lose data."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bot.errors import Code, Refused
from bot.model.config import Config
from bot.model.plan import Storage
from bot.model.quantity import Bytes
from bot.rendering.delivery import delivery_files
from tests.rendering.scenes import Nouns, supermarket

REPOSITORY = "https://github.com/myorg/infrastructure.git"


def scene(**config: Any) -> Nouns:
    return supermarket().changed(config=Config(**config))


def with_claim(**config: Any) -> Nouns:
    found = supermarket().with_api_plan(storage=Storage(size=Bytes.of_gib(10)), hpa=None)
    return found.changed(config=Config(**config))


def read(found: Nouns, name: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(delivery_files(found)[f"delivery/{name}"])
    return made


def test_kubectl_needs_no_object_of_a_tool() -> None:
    assert delivery_files(scene()) == {}


@pytest.mark.parametrize(
    ("tool", "file"), [("argocd", "application.yaml"), ("flux", "flux-kustomization.yaml")], ids=["argocd", "flux"]
)
def test_the_kustomization_lists_the_one_object_and_the_same_input_gives_the_same_bytes(tool: str, file: str) -> None:
    found = scene(delivery=tool, delivery_repository=REPOSITORY)
    assert sorted(delivery_files(found)) == sorted([f"delivery/{file}", "delivery/kustomization.yaml"])
    assert read(found, "kustomization.yaml")["resources"] == [file]
    assert delivery_files(found) == delivery_files(found)


def test_without_workloads_there_is_nothing_to_deliver() -> None:
    assert delivery_files(scene(delivery="flux").with_plan(services=())) == {}


def test_argo_cd_reads_the_folder_of_the_application_and_makes_a_restricted_namespace() -> None:
    made = read(scene(delivery="argocd", delivery_repository=REPOSITORY), "application.yaml")
    assert (made["apiVersion"], made["kind"]) == ("argoproj.io/v1alpha1", "Application")
    assert made["metadata"]["namespace"] == "argocd"
    assert made["spec"]["source"] == {
        "repoURL": REPOSITORY,
        "path": "apps/supermarket-inventory/kubernetes",
        "targetRevision": "HEAD",
    }
    policy = made["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert {"CreateNamespace=true", "ServerSideApply=true"} <= set(policy["syncOptions"])
    assert policy["managedNamespaceMetadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert made["spec"]["destination"]["namespace"] == supermarket().plan.namespace


def test_flux_reads_the_same_folder_from_its_own_source() -> None:
    made = read(scene(delivery="flux"), "flux-kustomization.yaml")
    assert (made["apiVersion"], made["kind"]) == ("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
    assert made["metadata"]["namespace"] == "flux-system"
    assert made["spec"]["path"] == "./apps/supermarket-inventory/kubernetes"
    assert made["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "flux-system"}
    assert made["spec"]["targetNamespace"] == supermarket().plan.namespace
    assert made["spec"]["timeout"] == "600s"


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_the_namespace_of_the_tool_comes_from_the_configuration(tool: str) -> None:
    found = scene(delivery=tool, delivery_repository=REPOSITORY, delivery_namespace="gitops")
    (name,) = (path for path in delivery_files(found) if path.rpartition("/")[2] != "kustomization.yaml")
    assert read(found, name.removeprefix("delivery/"))["metadata"]["namespace"] == "gitops"


def test_argo_cd_without_the_repository_is_refused_with_the_key_to_set() -> None:
    with pytest.raises(Refused) as told:
        delivery_files(scene(delivery="argocd"))
    assert told.value.refusal.code is Code.CONFIG
    assert "delivery_repository:" in told.value.refusal.remedy


def test_neither_tool_may_delete_a_claim() -> None:
    argo = read(with_claim(delivery="argocd", delivery_repository=REPOSITORY), "application.yaml")
    flux = read(with_claim(delivery="flux"), "flux-kustomization.yaml")
    patches = [argo["spec"]["source"]["kustomize"]["patches"][0], flux["spec"]["patches"][0]]
    assert [each["target"] for each in patches] == [{"kind": "PersistentVolumeClaim"}] * 2
    annotations = [yaml.safe_load(each["patch"])["metadata"]["annotations"] for each in patches]
    assert annotations == [
        {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"},
        {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
    ]
