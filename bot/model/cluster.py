"""What the clusters hold and can give: the snapshot file, exactly as ``snapshot --out`` writes and ``--cluster`` reads.

In: readings. Out: one immutable ``ClusterSnapshot``. Never: a missing fact disguised as zero; what was not read stands
in ``missing``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from bot.model.noun import Noun
from bot.model.quantity import Bytes, Resources

System = Literal["proxmox", "kubernetes"]

NOT_CONFIGURED = "not-configured"
"""The code of a system that nobody set up; every other code of a gap is a reason code."""
WHOLE_SYSTEM = "nodes and capacity"
"""What is missing when nothing of a system was read."""


class Missing(Noun):
    """A fact that could not be read, and what its absence means."""

    system: Literal["proxmox", "kubernetes", "prometheus"]
    what: str
    code: str
    reason: str
    remedy: str


class Bridge(Noun):
    """A network that a guest may join on one node: a Linux/OVS bridge or an SDN vnet."""

    name: str
    kind: Literal["bridge", "vnet"] = "bridge"
    active: bool = True
    vlan_aware: bool = False
    vlans: str | None = None
    cidr: str | None = None
    gateway: str | None = None
    zone: str | None = None
    tag: int | None = None


class Taint(Noun):
    """A Kubernetes node taint."""

    key: str
    value: str | None = None
    effect: str


class Node(Noun):
    """A Proxmox host or a Kubernetes node.

    ``capacity``: Proxmox threads and physical memory; Kubernetes allocatable. ``promised``: configured guests (running,
    or stopped with onboot or HA), or the sum of pod requests. ``used``: measured at ``taken_at`` when known.
    """

    name: str
    system: System
    state: Literal["ready", "offline", "unknown", "maintenance", "unschedulable"] = "ready"
    capacity: Resources
    promised: Resources = Resources()
    used: Resources | None = None
    used_p95: Resources | None = None
    version: str | None = None
    architecture: str = "x86_64"
    operating_system: str = "linux"
    cpu_model: str | None = None
    cpu_flags: tuple[str, ...] = ()
    zone: str | None = None
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    pods_capacity: int | None = None
    pods: int | None = None
    bridges: tuple[Bridge, ...] = ()
    pci_mappings: tuple[str, ...] = ()
    zfs_arc_max: Bytes | None = None


class Store(Noun):
    """A Proxmox datastore (per node unless shared) or a Kubernetes storage class."""

    name: str
    system: System
    kind: str
    nodes: tuple[str, ...] = ()
    shared: bool = False
    active: bool = True
    content: tuple[str, ...] = ()
    total: Bytes | None = None
    available: Bytes | None = None
    default: bool = False
    expandable: bool = False
    volumes: tuple[str, ...] = ()


class Guest(Noun):
    """An existing Proxmox guest. Names and tags are untrusted text."""

    vm_id: int
    name: str
    kind: Literal["vm", "container"]
    node: str
    status: str
    template: bool = False
    cores: int = 1
    memory: Bytes = Bytes(0)
    memory_used: Bytes | None = None
    disk: Bytes = Bytes(0)
    on_boot: bool = False
    ha: bool = False
    agent: bool | None = None
    pool: str | None = None
    tags: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    vlans: tuple[int, ...] = ()
    lock: str | None = None
    datastores: tuple[str, ...] = ()
    balloon: Bytes | None = None
    pci: tuple[str, ...] = ()


class HaRule(Noun):
    """A PVE 9 affinity rule, or a PVE 8 group under the same words."""

    name: str
    type: Literal["node-affinity", "resource-affinity", "group"]
    resources: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    strict: bool = False
    affinity: Literal["positive", "negative"] | None = None


class Subnet(Noun):
    """An SDN subnet with its gateway, DHCP ranges (``first-last``) and the leases that IPAM holds."""

    cidr: str
    vnet: str
    gateway: str | None = None
    dhcp_ranges: tuple[str, ...] = ()
    leases: tuple[str, ...] = ()


class ProxmoxFacts(Noun):
    """What is true of the whole Proxmox cluster. ``next_id``: free at ``taken_at``, advisory."""

    version: str | None = None
    name: str | None = None
    quorate: bool | None = None
    guests: tuple[Guest, ...] = ()
    pools: tuple[str, ...] = ()
    ha_rules: tuple[HaRule, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    next_id: int | None = None
    next_id_lower: int = 100
    next_id_upper: int = 1_000_000
    permissions: dict[str, tuple[str, ...]] = {}


class Quota(Noun):
    """A ResourceQuota: hard limits and what is used. Zero-valued parts that the quota does not name are None."""

    namespace: str
    name: str
    hard: dict[str, str] = {}
    used: dict[str, str] = {}


class LimitRange(Noun):
    """A LimitRange for containers: Kubernetes quantity strings by resource."""

    namespace: str
    name: str
    default_limit: dict[str, str] = {}
    default_request: dict[str, str] = {}
    maximum: dict[str, str] = {}
    minimum: dict[str, str] = {}
    max_ratio: dict[str, str] = {}


class Workload(Noun):
    """An existing Deployment or StatefulSet, so that an update is not mistaken for a new application."""

    namespace: str
    kind: str
    name: str
    replicas: int
    requests: Resources = Resources()


class KubernetesFacts(Noun):
    """What is true of the whole Kubernetes cluster."""

    version: str | None = None
    name: str | None = None
    namespaces: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    limit_ranges: tuple[LimitRange, ...] = ()
    ingress_classes: tuple[str, ...] = ()
    default_ingress_class: str | None = None
    workloads: tuple[Workload, ...] = ()
    daemon_requests: Resources = Resources()
    metrics_api: bool | None = None


class ClusterSnapshot(Noun):
    """Everything the plan may use. ``taken_at`` is None when nothing was read."""

    schema_version: Literal[1] = 1
    taken_at: AwareDatetime | None = None
    nodes: tuple[Node, ...] = ()
    stores: tuple[Store, ...] = ()
    missing: tuple[Missing, ...] = ()
    proxmox: ProxmoxFacts | None = None
    kubernetes: KubernetesFacts | None = None

    def of(self, system: System) -> tuple[Node, ...]:
        """The nodes of one system."""
        return tuple(node for node in self.nodes if node.system == system)

    @property
    def down(self) -> tuple[Missing, ...]:
        """The systems that are configured and gave nothing at all."""
        return tuple(gap for gap in self.missing if gap.what == WHOLE_SYSTEM and gap.code != NOT_CONFIGURED)


class Room(Noun):
    """What one node can still give, after reserves and overcommit (``capacity.headroom``).

    ``limit`` is the plannable total, ``free`` what is left of it. ``why`` names the reserve and overcommit used.
    """

    node: str
    system: System
    usable: bool
    limit: Resources
    free: Resources
    cpu_load: float
    memory_load: float
    why: str


class Headroom(Noun):
    """Rooms of all nodes and the totals per system; empty when nothing was read."""

    rooms: tuple[Room, ...] = ()

    def of(self, system: System) -> tuple[Room, ...]:
        """The rooms of one system."""
        return tuple(room for room in self.rooms if room.system == system)

    def free(self, system: System) -> Resources:
        """The sum over usable nodes of one system."""
        total = Resources()
        for room in self.of(system):
            if room.usable:
                total = total + room.free
        return total
