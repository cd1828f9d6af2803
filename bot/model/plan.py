"""The plan as data: what runs, how big, how many, where, at what cost, how sure.

In: decisions. Out: an immutable ``Plan`` that can be printed, compared and approved. Never: Terraform, YAML, secrets.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.decision import Decision
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.profile import DependencyKind
from bot.model.quantity import Bytes, MilliCpu, Resources

Cni = Literal["flannel", "calico", "cilium"]


class Hpa(Noun):
    """HorizontalPodAutoscaler bounds."""

    min: int
    max: int
    target_cpu_percent: int


class Pdb(Noun):
    """PodDisruptionBudget: exactly one of the two."""

    min_available: int | None = None
    max_unavailable: int | None = None


class Storage(Noun):
    """A persistent volume claim per replica. ``class`` None means the cluster's default class."""

    size: Bytes
    storage_class: str | None = Field(default=None, alias="class")


class Requests(Noun):
    """CPU and memory requests of one pod."""

    cpu: MilliCpu
    memory: Bytes


class PodLimits(Noun):
    """Limits of one pod; ``cpu`` None means no CPU limit, on purpose."""

    cpu: MilliCpu | None = None
    memory: Bytes


class Rollout(Noun):
    """How pods are replaced. Times in seconds."""

    max_unavailable: int = 0
    max_surge: int = 1
    grace_seconds: int = 30
    pre_stop_seconds: int = 10
    startup_seconds: int = 40
    recreate: bool = False


class Spread(Noun):
    """Topology spread: always by host; by zone when there are zones; ``hard`` is DoNotSchedule."""

    by_zone: bool = False
    hard: bool = False


class Image(Noun):
    """The container image. ``exists`` is True when the repository names it; else ``build_first`` says which build
    has to come first.
    """

    reference: str
    exists: bool
    build_first: str | None = None


class ServicePlan(Noun):
    """One Kubernetes workload. ``latency_p95_ms`` is the predicted p95; rates are per second at peak."""

    name: str
    kind: Literal["Deployment", "StatefulSet"]
    replicas: int
    hpa: Hpa | None = None
    requests: Requests
    limits: PodLimits
    pdb: Pdb | None = None
    storage: Storage | None = None
    rollout: Rollout = Rollout()
    spread: Spread = Spread()
    image: Image
    qps: float | None = None
    latency_p95_ms: float | None = None
    runtime_env: dict[str, str] = {}
    session_affinity: bool = False
    confidence: float


class Source(Noun):
    """Where a machine's disk comes from: exactly one."""

    template_id: int | None = None
    image: str | None = None
    iso_image: str | None = None
    ct_template: str | None = None


class DataDisk(Noun):
    """A disk that must outlive its machine (``prevent_destroy`` and its own resource where the provider allows)."""

    size: Bytes
    datastore: str
    interface: str = "scsi1"


class Nic(Noun):
    """A network interface of a machine. ``address``: CIDR or ``dhcp``; None: the machine's own (first interface)."""

    bridge: str
    vlan: int | None = None
    address: str | None = None
    gateway: str | None = None


class Firewall(Noun):
    """Proxmox VE's firewall of one guest: everything is dropped but SSH and ``ports`` (TCP)."""

    ports: tuple[int, ...] = ()


class Machine(Noun):
    """A Proxmox guest. ``address`` is CIDR or ``dhcp``. ``settings`` are engine parameters (``shared_buffers``).

    ``cluster`` is the Kubernetes cluster that it is a part of; ``replicate_to`` the node that receives copies of its
    disks; ``adopted``: it exists, and Terraform imports it instead of creating it.
    """

    name: str
    kind: Literal["vm", "container"]
    role: str
    source: Source
    node: str
    cores: int
    memory: Bytes
    disk: Bytes
    vm_id: int
    address: str
    gateway: str | None = None
    datastore: str
    data_disks: tuple[DataDisk, ...] = ()
    nics: tuple[Nic, ...] = ()
    pool: str | None = None
    tags: tuple[str, ...] = ()
    cpu_type: str = "x86-64-v2-AES"
    agent: bool = False
    template_node: str | None = None
    serves: DependencyKind | None = None
    settings: dict[str, str] = {}
    ha: bool = False
    pci_mapping: str | None = None
    firewall: Firewall | None = None
    backup: bool = False
    replicate_to: str | None = None
    cluster: str | None = None
    adopted: bool = False


class Backup(Noun):
    """One vzdump job for the machines that want one. ``schedule`` is a systemd calendar event."""

    datastore: str
    schedule: str = "02:30"
    keep_last: int = 7


class ClusterPlan(Noun):
    """A whole Kubernetes cluster to build. ``cores``, ``memory`` and ``disk`` are of each machine; ``asked`` is what
    was wanted before it was scaled down (``1+5 4/8``), None when everything fits. ``endpoint``: the API's address.
    """

    name: str
    control_planes: int
    workers: int
    version: str
    cni: Cni
    pod_cidr: str
    addons: tuple[str, ...] = ()
    why: str
    service_cidr: str = "10.96.0.0/16"
    cores: int | None = None
    memory: Bytes | None = None
    disk: Bytes | None = None
    asked: str | None = None
    endpoint: str | None = None


class Rejected(Noun):
    """A node that was not chosen, with the name of the constraint."""

    node: str
    constraint: str
    reason: str


class Placed(Noun):
    """Where one machine or one set of pods goes. Loads are shares of the plannable limit, 0 to 1."""

    name: str
    system: Literal["proxmox", "kubernetes"]
    node: str | None
    alternatives: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    why: str


class NodeChange(Noun):
    """Capacity of one node before and after the plan."""

    node: str
    system: Literal["proxmox", "kubernetes"]
    limit: Resources
    before: Resources
    after: Resources


class CostLine(Noun):
    """One priced item per month."""

    name: str
    monthly: float
    formula: str


class Exceeded(Noun):
    """A monthly budget that the plan passes. ``total`` counts the other applications of a namespace too."""

    scope: Literal["application", "namespace"]
    name: str
    limit: float
    total: float


class Cost(Noun):
    """``priced`` is False without prices in the config file; then there are no amounts. ``exceeded``: budgets that the
    plan passes and nobody confirmed.
    """

    priced: bool
    currency: str | None = None
    monthly: float | None = None
    lines: tuple[CostLine, ...] = ()
    note: str = "not priced: add `prices` to .ai-provision.yaml"
    exceeded: tuple[Exceeded, ...] = ()


class Confidence(Noun):
    """``value`` = exp(-sigma); the 80 % interval is of busy cores. ``draft``: below the configured bound."""

    value: float
    sigma: float
    low_cores: float
    high_cores: float
    draft: bool
    why: str


class PlanView(Noun):
    """The plan without decisions and findings. ``app`` is the validated slug; ``capacity_verified`` is False when no
    cluster was read.
    """

    app: str
    environment: str | None = None
    namespace: str
    cluster: str | None = None
    services: tuple[ServicePlan, ...] = ()
    machines: tuple[Machine, ...] = ()
    clusters: tuple[ClusterPlan, ...] = ()
    backup: Backup | None = None
    ha: Literal["none", "groups", "rules"] = "none"
    placement: tuple[Placed, ...] = ()
    capacity: tuple[NodeChange, ...] = ()
    cost: Cost
    confidence: Confidence
    capacity_verified: bool = False

    @property
    def root(self) -> str:
        """The only folder of the infrastructure repository that the plan may touch."""
        return f"clusters/{self.app}" if self.clusters and not self.services else f"apps/{self.app}"


class Plan(PlanView):
    """The whole plan."""

    cost: Cost = Cost(priced=False)
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()
