"""kubectl behind the port ``bot.deploy.Manifests``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bot.model.applied import Rollout, Url, WorkloadRef


class KubectlManifests:
    """``bot.deploy.Manifests``."""

    def __init__(self, kubeconfig: Path, *, redact: Callable[[str], str]) -> None:
        self._kubeconfig = kubeconfig
        self._redact = redact

    def diff(self, folder: Path) -> str:
        raise NotImplementedError

    def ensure_namespace(self, name: str) -> bool:
        raise NotImplementedError

    def apply(self, folder: Path) -> tuple[WorkloadRef, ...]:
        raise NotImplementedError

    def revisions(self, workloads: tuple[WorkloadRef, ...]) -> dict[str, int]:
        raise NotImplementedError

    def watch(self, workloads: tuple[WorkloadRef, ...], *, seconds: float) -> tuple[Rollout, ...]:
        raise NotImplementedError

    def undo(self, workloads: tuple[WorkloadRef, ...], revisions: Mapping[str, int]) -> tuple[Rollout, ...]:
        raise NotImplementedError

    def delete(self, folder: Path, *, claims: bool) -> tuple[str, ...]:
        raise NotImplementedError

    def store_secret(self, namespace: str, name: str, values: Mapping[str, bytes]) -> None:
        raise NotImplementedError

    def nodes_ready(self, names: tuple[str, ...], *, seconds: float) -> tuple[int, str | None]:
        raise NotImplementedError

    def urls(self, namespace: str) -> tuple[Url, ...]:
        raise NotImplementedError
