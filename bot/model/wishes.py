"""A request for machines or a whole Kubernetes cluster, as its words were understood.

In: what the reader of the text found. Out: immutable wishes; what nobody stated is None and is decided by the planner.
Never: a node, an id or an address that was not asked for by name.
"""

from __future__ import annotations

from typing import Literal

from bot.model.decision import Decision
from bot.model.demand import Criticality, Phrase
from bot.model.noun import Noun
from bot.model.plan import Cni, Source
from bot.model.profile import DependencyKind, Doubt
from bot.model.quantity import Bytes

MachineRole = Literal[
    "server",
    "web",
    "load-balancer",
    "database",
    "development",
    "kubernetes-control-plane",
    "kubernetes-worker",
]


class NicWish(Noun):
    """A network interface. ``address``: CIDR, ``dhcp``, or None for the next free one of the configured range."""

    bridge: str | None = None
    vlan: int | None = None
    address: str | None = None
    gateway: str | None = None


class MachineWish(Noun):
    """One kind of machine, ``count`` times. ``name`` is a stem (``web-prod-01`` alone, ``web`` numbered from 1).

    ``connections``: concurrent users of a database. ``gpu``: a PCI mapping's name, or ``any``. ``ports``: what the
    firewall lets in beside SSH, when ``firewall`` is set. ``engine``: the database that the machine is for.
    """

    name: str
    role: MachineRole = "server"
    kind: Literal["vm", "container"] = "vm"
    count: int = 1
    cores: int | None = None
    memory: Bytes | None = None
    disk: Bytes | None = None
    source: Source | None = None
    data_disks: tuple[Bytes, ...] = ()
    nics: tuple[NicWish, ...] = ()
    node: str | None = None
    datastore: str | None = None
    pool: str | None = None
    tags: tuple[str, ...] = ()
    ha: bool | None = None
    firewall: bool | None = None
    ports: tuple[int, ...] = ()
    backup: bool | None = None
    replicate: bool | None = None
    gpu: str | None = None
    engine: DependencyKind | None = None
    connections: int | None = None


class ClusterWish(Noun):
    """A whole Kubernetes cluster. Sizes are of each machine. ``preset`` names the kind that was recognised."""

    name: str
    preset: str
    control_planes: int
    workers: int
    cores: int
    memory: Bytes
    disk: Bytes | None = None
    version: str | None = None
    cni: Cni | None = None
    pod_cidr: str | None = None
    addons: tuple[str, ...] = ()
    node_wish: MachineWish | None = None


class Wishes(Noun):
    """Everything one request asks for. ``name`` is the slug of its folder; ``decisions`` say from which words each
    number comes; ``unsure`` is shown in the pull request with answers that can be copied.
    """

    name: str
    environment: str | None = None
    criticality: Criticality | None = None
    machines: tuple[MachineWish, ...] = ()
    clusters: tuple[ClusterWish, ...] = ()
    decisions: tuple[Decision, ...] = ()
    unsure: tuple[Doubt, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    not_acted_on: tuple[Phrase, ...] = ()
