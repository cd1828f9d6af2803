"""The fake is held to the contract of kubectl; kubectl itself on a real control plane: ``tests/realparts``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.deploy import Manifests
from tests.edges.kubectl_contract import ManifestsContract
from tests.fakes.manifests import FakeManifests


@dataclass
class FakeWorld:
    """``ManifestsWorld`` in memory."""

    folder: Path
    namespace: str = "shop"
    manifests: FakeManifests = field(
        default_factory=lambda: FakeManifests(nodes={"worker-1": "v1.34.1", "worker-2": "v1.34.1"})
    )

    def administrator(self) -> Manifests:
        return self.manifests

    def unreachable(self) -> Manifests:
        return FakeManifests(fault="unreachable")

    def object(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.manifests.objects.get((self.namespace, kind, name))

    def namespace_labels(self, name: str) -> dict[str, str] | None:
        return self.manifests.namespaces.get(name)

    def someone_sets_replicas(self, name: str, replicas: int) -> None:
        key = (self.namespace, "Deployment", name)
        self.manifests.objects[key]["spec"]["replicas"] = replicas
        self.manifests.owners[key] = "somebody"

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        return {key: value.decode() for key, value in self.manifests.secrets[namespace, name].items()}

    def node_names(self) -> tuple[str, ...]:
        return tuple(self.manifests.nodes)


@pytest.fixture
def world(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path / "kubernetes")


class TestContract(ManifestsContract):
    """Every test of the contract on the fake."""
