"""Plans of machines and clusters, made by hand: what a planner would hand to the renderer for each kind of request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.model.cluster import ClusterSnapshot, Node, Store
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.document import Request
from bot.model.plan import (
    Backup,
    ClusterPlan,
    Confidence,
    DataDisk,
    Firewall,
    Machine,
    Nic,
    Placed,
    Plan,
    Source,
)
from bot.model.profile import AppProfile
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.rendering.scenes import Nouns

CLOUD_IMAGE = "https://cloud.example.org/images/noble/ubuntu-24.04-server.img"
CONTAINER_TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
STATE = {
    "backend": "s3",
    "settings": {"bucket": "terraform-state", "region": "eu-central-1", "endpoint": "https://s3.example.org"},
}
CONFIG = {
    "defaults": {
        "ssh_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ops",),
        "dns": {"servers": ("10.20.0.1",), "domain": "internal.example"},
    },
    "state": STATE,
}


def vm(name: str, number: int, **fields: Any) -> Machine:
    """A small VM cloned from template 9001 on the first node."""
    made: dict[str, Any] = {
        "kind": "vm",
        "role": "server",
        "source": Source(template_id=9001),
        "node": "pve1",
        "cores": 2,
        "memory": Bytes.of_gib(4),
        "disk": Bytes.of_gib(32),
        "vm_id": number,
        "address": f"10.20.0.{number % 200}/24",
        "gateway": "10.20.0.1",
        "datastore": "local-zfs",
        "nics": (Nic(bridge="vmbr0", vlan=30),),
        "pool": "apps",
        "tags": ("ai-provision",),
        "template_node": "pve1",
    }
    return Machine(name=name, **{**made, **fields})


def planned(app: str, wish: str, machines: tuple[Machine, ...], **fields: Any) -> Nouns:
    """The scene of a request for machines alone."""
    nodes = tuple(
        Node(name=f"pve{i}", system="proxmox", capacity=Resources(cpu=MilliCpu(64000), memory=Bytes.of_gib(256)))
        for i in (1, 2, 3)
    )
    placement = tuple(Placed(name=m.name, system="proxmox", node=m.node, why="least loaded") for m in machines)
    decisions = tuple(
        Decision(
            path=f"machines.{m.name}.cores", value=m.cores, origin="rule", why="the kind of machine", source="plan"
        )
        for m in machines
    )
    plan = {
        "app": app,
        "environment": "production",
        "namespace": app,
        "machines": machines,
        "placement": placement,
        "confidence": Confidence(
            value=0.7, sigma=0.35, low_cores=1.0, high_cores=4.0, draft=False, why="sizes follow the kind of machine"
        ),
        "capacity_verified": True,
        "decisions": decisions,
        **fields,
    }
    return Nouns(
        request=Request(git_repo="", app_description=wish),
        demand=Demand(),
        profile=AppProfile(name=app),
        snapshot=ClusterSnapshot(
            taken_at=datetime(2026, 9, 1, 8, 30, tzinfo=UTC),
            nodes=nodes,
            stores=(
                Store(name="local", system="proxmox", kind="dir", content=("import", "iso", "vztmpl"), nodes=("pve1", "pve2", "pve3")),
                Store(name="local-zfs", system="proxmox", kind="zfspool", nodes=("pve1", "pve2", "pve3")),
            ),
        ),
        plan=Plan(**plan),
        config=Config.model_validate(CONFIG),
    )  # fmt: skip


def web() -> Nouns:
    """A production web server from a template."""
    machine = vm("web-prod-01", 110, role="web", agent=True, firewall=Firewall(ports=(80, 443)))
    return planned("web-prod-01", "a production web server VM named web-prod-01 using template 9001", (machine,))


def postgresql() -> Nouns:
    """A database with a data disk, backed up every night."""
    machine = vm(
        "postgresql", 111, role="database", cores=4, memory=Bytes.of_gib(16), serves="postgresql", agent=True,
        data_disks=(DataDisk(size=Bytes.of_gib(100), datastore="local-zfs"),), backup=True,
        settings={"max_connections": "106", "shared_buffers": "4GB"},
    )  # fmt: skip
    return planned("postgresql", "PostgreSQL for 100 concurrent users", (machine,), backup=Backup(datastore="backups"))


def balanced() -> Nouns:
    """A web application behind a load balancer."""
    machines = (
        vm("lb", 120, role="load-balancer", firewall=Firewall(ports=(80, 443))),
        *(vm(f"web-{i}", 120 + i, role="web", node=f"pve{i}", firewall=Firewall(ports=(8080,))) for i in (1, 2)),
    )
    return planned("webapp", "web application with load balancing", machines)


def container() -> Nouns:
    """An LXC container with an address of its own VLAN."""
    machine = vm("dev", 130, kind="container", role="development", source=Source(ct_template=CONTAINER_TEMPLATE))
    return planned("dev", "a development environment as LXC container", (machine,), environment="development")


def two_nics() -> Nouns:
    """A cloud image with a leased and a static address of the other family."""
    nics = (
        Nic(bridge="vmbr0"),
        Nic(bridge="vmbr1", vlan=40, address="2001:db8:40::10/64"),
        Nic(bridge="vmbr1", vlan=41, address="10.41.0.10/24", gateway="10.41.0.1"),
    )
    machine = vm(
        "edge", 131, source=Source(image=CLOUD_IMAGE), address="dhcp", gateway=None, nics=nics, template_node=None
    )
    return planned("edge", "an Ubuntu VM with three network interfaces", (machine,))


def available(ha: str) -> Nouns:
    """Two equal servers and a replicated database under high availability."""
    servers = tuple(vm(f"api-{i}", 140 + i, node=f"pve{i}", ha=True, datastore="ceph") for i in (1, 2))
    store = vm(
        "store", 143, role="database", node="pve2", ha=True, replicate_to="pve3", serves="redis",
        data_disks=(DataDisk(size=Bytes.of_gib(20), datastore="local-zfs"),),
    )  # fmt: skip
    return planned("api", "two API servers and Redis with HA", (*servers, store), ha=ha)


def gpu() -> Nouns:
    """A VM with a device that is passed through by mapping."""
    machine = vm("train", 150, cores=16, memory=Bytes.of_gib(64), pci_mapping="a100", cpu_type="host")
    return planned("train", "a training VM with a GPU", (machine,))


def cluster() -> Nouns:
    """Three control planes and three workers with monitoring, scaled down."""
    planes = tuple(
        vm(
            f"ha-control-plane-{i}",
            200 + i,
            role="kubernetes-control-plane",
            cluster="ha",
            node=f"pve{i}",
            cores=4,
            memory=Bytes.of_gib(8),
            source=Source(image=CLOUD_IMAGE),
            template_node=None,
        )
        for i in (1, 2, 3)
    )
    workers = tuple(
        vm(
            f"ha-worker-{i}",
            210 + i,
            role="kubernetes-worker",
            cluster="ha",
            node=f"pve{i}",
            cores=4,
            memory=Bytes.of_gib(8),
            source=Source(image=CLOUD_IMAGE),
            template_node=None,
        )
        for i in (1, 2, 3)
    )
    plan = ClusterPlan(
        name="ha",
        control_planes=3,
        workers=3,
        version="1.33.4",
        cni="flannel",
        pod_cidr="10.244.0.0/16",
        addons=("metrics-server", "prometheus"),
        why="three control planes keep a quorum with one lost; 64 GiB are free",
        cores=4,
        memory=Bytes.of_gib(8),
        disk=Bytes.of_gib(32),
        asked="3+3 8/16",
        endpoint="10.20.0.1",
    )
    return planned("ha", "HA cluster with monitoring", (*planes, *workers), clusters=(plan,))


def adopted() -> Nouns:
    """A VM and a container that exist already, beside a new one."""
    machines = (
        vm("legacy", 160, adopted=True, agent=True),
        vm("legacy-ct", 161, kind="container", source=Source(ct_template=CONTAINER_TEMPLATE), adopted=True),
        vm("fresh", 162),
    )
    return planned("mixed", "take over legacy and add fresh", machines)


KINDS = {
    "machine-web": web,
    "machine-postgresql": postgresql,
    "machines-balanced": balanced,
    "machine-container": container,
    "machine-two-nics": two_nics,
    "machines-ha-rules": lambda: available("rules"),
    "machines-ha-groups": lambda: available("groups"),
    "machine-gpu": gpu,
    "machines-adopted": adopted,
    "cluster-ha": cluster,
}
