"""What a renderer looks at: every noun of one run side by side, and the few look-ups that all renderers share.

In: the nouns. Out: one frozen value. Never: a file, a decision about sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.consultation import Consultation
from bot.model.demand import Demand
from bot.model.document import Request
from bot.model.evidence import Piece
from bot.model.finding import Verdict
from bot.model.plan import Machine, Plan, ServicePlan
from bot.model.profile import AppProfile, Service

MANAGED_BY: Final = "ai-provision"
_VERSION: Final = re.compile(r"v?(\d{1,2})\.(\d{1,3})(?:\D.*)?", re.ASCII | re.DOTALL)
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything one bundle is made from. ``agents``, ``rounds`` and ``retrieved`` are known when the review has ended;
    they stand in ``plan.json`` alone.
    """

    request: Request
    demand: Demand
    profile: AppProfile
    snapshot: ClusterSnapshot
    plan: Plan
    config: Config
    agents: tuple[Consultation, ...] = ()
    rounds: tuple[Verdict, ...] = ()
    retrieved: tuple[Piece, ...] = ()

    @property
    def root(self) -> str:
        """The only folder that the bundle may touch."""
        return self.plan.root

    def facts(self, planned: ServicePlan) -> Service:
        """What the repository says about a planned workload; an empty service when it says nothing."""
        found = (service for service in self.profile.services if service.name == planned.name)
        return next(found, Service(name=planned.name, path=""))

    def machines_for(self, facts: Service) -> tuple[Machine, ...]:
        """The planned machines that hold a backing store which this workload uses."""
        kinds = {need.kind for need in facts.dependencies if need.in_use}
        return tuple(machine for machine in self.plan.machines if machine.serves in kinds)

    @property
    def kubernetes_version(self) -> tuple[int, int] | None:
        """Major and minor version of the oldest part of the cluster, or None when it was not read."""
        facts = self.snapshot.kubernetes
        texts = [node.version for node in self.snapshot.of("kubernetes")]
        texts += [facts.version] if facts is not None else []
        found = [(int(match[1]), int(match[2])) for text in texts if (match := _VERSION.fullmatch(text or ""))]
        return min(found, default=None)

    @property
    def commit(self) -> str | None:
        """The commit that was read, when it is one."""
        commit = self.request.commit
        return commit if commit is not None and _COMMIT.fullmatch(commit) else None


def selector(app: str, service: str) -> dict[str, str]:
    """The labels that tell one workload's pods from all others; they never change after creation."""
    return {"app.kubernetes.io/name": service, "app.kubernetes.io/instance": app}


def labels(app: str, service: str) -> dict[str, str]:
    """The labels of every object of one workload."""
    return {
        **selector(app, service),
        "app.kubernetes.io/part-of": app,
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }


def metadata(scene: Scene, service: str) -> dict[str, object]:
    """Name and labels. No namespace: ``kustomization.yaml`` sets it once for all."""
    return {"name": service, "labels": labels(scene.plan.app, service)}


def source_note(scene: Scene) -> dict[str, object]:
    """The annotation that names the commit a workload was planned for; on the object, not on its pods, so that a new
    commit alone restarts nothing.
    """
    return {"annotations": {f"{MANAGED_BY}/source-commit": scene.commit}} if scene.commit is not None else {}
