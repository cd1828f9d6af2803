"""The kinds of clusters that a request may name, with the sizes that they stand for. Words that say otherwise win.

In: nothing. Out: ``PRESETS``, in the order in which they are tried, and ``ADDONS``. Never: a size outside of this table.

Sizes per machine follow kubeadm's least (2 cores, 2 GiB; kubernetes.io, "Installing kubeadm", before you begin).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One kind: the words that name it, its machines (cores, GiB each), its add-ons, and why."""

    id: str
    name: str
    pattern: str
    control_planes: int
    workers: int
    cores: int
    gib: int
    addons: tuple[str, ...] = ()
    why: str


PRESETS: Final[tuple[Preset, ...]] = (
    Preset(
        id="single-node", name="single-node-cluster", pattern=r"\b(?:minimal|single[- ]node|one[- ]node|1[- ]node|tiny|all-in-one)\b",
        control_planes=1, workers=0, cores=2, gib=2, why="one machine does everything; kubeadm's least size",
    ),
    Preset(
        id="ml-training", name="ml-cluster", pattern=r"\b(?:ml|machine[- ]learning|ai|deep[- ]learning|(?:model )?training)\b",
        control_planes=1, workers=3, cores=8, gib=16, why="training wants cores and memory on its workers",
    ),
    Preset(
        id="ci-cd", name="ci-cluster", pattern=r"\b(?:ci ?/ ?cd|ci|cicd|runners?|build)\b",
        control_planes=1, workers=2, cores=4, gib=4, why="runners want cores more than memory",
    ),
    Preset(
        id="production", name="production-cluster", pattern=r"\b(?:production|prod|live)\b",
        control_planes=1, workers=3, cores=4, gib=8, addons=("metrics-server", "ingress-nginx"),
        why="room for a node's loss, metrics for scaling, a way in",
    ),
    Preset(
        id="staging", name="staging-cluster", pattern=r"\b(?:staging|stage|pre-?prod(?:uction)?|uat)\b",
        control_planes=1, workers=2, cores=2, gib=4, why="two workers, so that spreading and draining can be tried, at half of production's size",
    ),
    Preset(
        id="development", name="dev-cluster", pattern=r"\b(?:dev(?:el(?:opment)?)?|test(?:ing)?|sandbox|lab|home ?lab|demo)\b",
        control_planes=1, workers=1, cores=2, gib=2, why="the smallest cluster with a worker of its own; kubeadm's least size",
    ),
    Preset(
        id="high-availability", name="ha-cluster", pattern=r"\b(?:ha|high(?:ly)?[- ]availab(?:le|ility))\b",
        control_planes=3, workers=3, cores=4, gib=8, why="three control planes keep etcd's quorum when one is lost",
    ),
    Preset(
        id="general", name="cluster", pattern=r"", control_planes=1, workers=2, cores=2, gib=4, why="no kind was named: two workers of a modest size",
    ),
)  # fmt: skip
HA_CONTROL_PLANES: Final = 3

ADDONS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("metrics-server", r"metrics[- ]?server|metrics", ("metrics-server",)),
    ("ingress-nginx", r"ingress[- ]nginx|nginx[- ]ingress|ingress(?:[- ]controller)?", ("ingress", "nginx ingress", "ingress-nginx")),
    ("dashboard", r"(?:kubernetes |k8s )?dashboard", ("dashboard",)),
    ("prometheus", r"prometheus|monitoring", ("monitoring", "prometheus")),
    ("grafana", r"grafana", ("grafana",)),
    ("cert-manager", r"cert[- ]?manager", ("cert-manager",)),
    ("metallb", r"metal ?lb", ("MetalLB",)),
    ("longhorn", r"longhorn", ("Longhorn",)),
    ("argocd", r"argo ?-?cd", ("Argo CD", "argocd")),
    ("rancher", r"rancher", ("Rancher",)),
)  # fmt: skip
ADDON_NAMES: Final = tuple(name for name, _, _ in ADDONS)
