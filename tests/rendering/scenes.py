"""The supermarket example as nouns, made by hand: what a planner would hand to the renderer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot, KubernetesFacts, Missing, Node, Store
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.document import Request
from bot.model.plan import (
    Confidence,
    DataDisk,
    Hpa,
    Image,
    Machine,
    Nic,
    Pdb,
    Placed,
    Plan,
    PodLimits,
    Rejected,
    Requests,
    Rollout,
    ServicePlan,
    Source,
    Spread,
)  # fmt: skip
from bot.model.profile import AppProfile, Dependency, EnvName, Evidence, Health, Port, Service
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.rendering.files import render
from bot.rendering.scene import Scene

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DESCRIPTION = (
    "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, "
    "React frontend + Go/Gin API + PostgreSQL backend"
)


@dataclass(frozen=True, kw_only=True)
class Nouns(Scene):
    """The input of one rendering; ``changed`` replaces single nouns."""

    def render(self) -> ChangeSet:
        return render(self)

    def changed(self, **nouns: object) -> Nouns:
        return replace(self, **nouns)

    def with_plan(self, **fields: object) -> Nouns:
        return replace(self, plan=self.plan.model_copy(update=fields))

    def with_api(self, **fields: object) -> Nouns:
        """The same with other repository facts about the service ``api``."""
        first, *rest = self.profile.services
        services = (first.model_copy(update=fields), *rest)
        return replace(self, profile=self.profile.model_copy(update={"services": services}))

    def with_api_plan(self, **fields: object) -> Nouns:
        """The same with another plan of the service ``api``."""
        first, *rest = self.plan.services
        return self.with_plan(services=(first.model_copy(update=fields), *rest))

    def with_machine(self, **fields: object) -> Nouns:
        """The same with only the first machine, changed."""
        return self.with_plan(machines=(self.plan.machines[0].model_copy(update=fields),))


def seen(path: str, line: int) -> tuple[Evidence, ...]:
    return (Evidence(path=path, line=line),)


def api_facts() -> Service:
    return Service(
        name="api",
        path="api",
        language="Go",
        framework="Gin",
        dockerfile="api/Dockerfile",
        base_image="gcr.io/distroless/static-debian12:nonroot",
        ports=(Port(port=8080, protocol="http", name="http", evidence=seen("api/main.go", 41)),),
        dependencies=(Dependency(kind="postgresql", evidence=seen("api/store.go", 12)),),
        health=Health(kind="http", path="/healthz", ready_path="/readyz", port=8080),
        env=(
            EnvName(name="DATABASE_URL", required=True, secret=True),
            EnvName(name="LOG_LEVEL"),
            EnvName(name="PORT"),
        ),
        kind="api",
    )


def web_facts() -> Service:
    return Service(
        name="web",
        path="web",
        language="JavaScript",
        framework="React",
        dockerfile="web/Dockerfile",
        base_image="docker.io/library/nginx:1.27-alpine",
        ports=(Port(port=80, protocol="http", name="http", evidence=seen("web/Dockerfile", 9)),),
        calls=("api",),
        kind="static",
    )


def api_plan() -> ServicePlan:
    return ServicePlan(
        name="api",
        kind="Deployment",
        replicas=3,
        hpa=Hpa(min=3, max=10, target_cpu_percent=65),
        requests=Requests(cpu=MilliCpu(850), memory=Bytes.of_mib(128)),
        limits=PodLimits(memory=Bytes.of_mib(128)),
        pdb=Pdb(max_unavailable=1),
        rollout=Rollout(max_unavailable=0, max_surge=1, grace_seconds=31, pre_stop_seconds=10, startup_seconds=40),
        spread=Spread(by_zone=True),
        image=Image(
            reference="ghcr.io/myorg/supermarket-inventory-api:0123456789ab",
            exists=False,
            build_first="Build api/Dockerfile and push it as ghcr.io/myorg/supermarket-inventory-api:0123456789ab.",
        ),
        qps=2000.0,
        latency_p95_ms=9.8,
        runtime_env={"GOMEMLIMIT": "115MiB"},
        confidence=0.414,
    )


def web_plan() -> ServicePlan:
    return ServicePlan(
        name="web",
        kind="Deployment",
        replicas=3,
        requests=Requests(cpu=MilliCpu(100), memory=Bytes.of_mib(128)),
        limits=PodLimits(memory=Bytes.of_mib(128)),
        pdb=Pdb(max_unavailable=1),
        rollout=Rollout(grace_seconds=31),
        image=Image(reference="ghcr.io/myorg/supermarket-inventory-web:0123456789ab", exists=False),
        confidence=0.5,
    )


def database(index: int) -> Machine:
    return Machine(
        name=f"supermarket-db-{index}",
        kind="vm",
        role="postgresql primary" if index == 1 else "postgresql standby",
        source=Source(template_id=9000),
        node=f"pve{index}",
        cores=8,
        memory=Bytes.of_gib(32),
        disk=Bytes.of_gib(32),
        vm_id=200 + index,
        address=f"10.20.0.{10 + index}/24",
        gateway="10.20.0.1",
        datastore="local-zfs",
        data_disks=(DataDisk(size=Bytes.of_gib(64), datastore="local-zfs"),),
        nics=(Nic(bridge="vmbr0", vlan=30),),
        pool="apps",
        tags=("production", "ai-provision", "database"),
        agent=True,
        template_node="pve1",
        serves="postgresql",
        settings={"shared_buffers": "8GB", "max_connections": "106"},
    )


def decisions() -> tuple[Decision, ...]:
    return (
        Decision(
            path="services.api.requests.cpu", value="850m", origin="rule", why="peak load with one pod lost",
            source="sizing 7.5", formula="max(C/(u*n_min), C/(0.85*(n_min-f)))", inputs={"C": 1.42194, "u": 0.65},
            tag="M",
        ),
        Decision(
            path="services.api.hpa.max", value=10, origin="rule", why="upper end of the 80 % interval",
            source="sizing 7.7", formula="ceil(n*exp(1.28*sigma))", rejected=("5: below the interval",),
        ),
        Decision(path="machines.supermarket-db-1.cores", value=8, origin="rule", why="C_db = 2.99 at most 70 %",
                 source="sizing 7.10"),
    )  # fmt: skip


def supermarket() -> Nouns:
    """The scene of the golden bundle."""
    nodes = tuple(
        Node(name=f"pve{i}", system="proxmox", capacity=Resources(cpu=MilliCpu(64000), memory=Bytes.of_gib(256)))
        for i in (1, 2, 3)
    )
    return Nouns(
        request=Request(
            git_repo="https://github.com/myorg/supermarket-inventory", app_description=DESCRIPTION, ref="main",
            commit=COMMIT,
        ),
        demand=Demand(qps_peak=2000.0, zero_downtime=True, strong_consistency=True, environment="production"),
        profile=AppProfile(name="supermarket-inventory", services=(api_facts(), web_facts())),
        snapshot=ClusterSnapshot(
            taken_at=datetime(2026, 9, 1, 8, 30, tzinfo=UTC),
            nodes=nodes,
            stores=(Store(name="local-zfs", system="proxmox", kind="zfspool", nodes=("pve1", "pve2", "pve3")),),
            missing=(Missing(system="prometheus", what="request rates", code="config", reason="not configured",
                             remedy="Set PROMETHEUS_URL."),),
            kubernetes=KubernetesFacts(version="v1.33.2", name="prod"),
        ),
        plan=Plan(
            app="supermarket-inventory",
            environment="production",
            namespace="supermarket-inventory",
            cluster="prod",
            services=(api_plan(), web_plan()),
            machines=(database(1), database(2)),
            placement=(
                Placed(name="supermarket-db-1", system="proxmox", node="pve1", alternatives=("pve3",),
                       rejected=(Rejected(node="pve4", constraint="memory", reason="8 GiB free, 32 GiB needed"),),
                       why="least loaded after placing"),
                Placed(name="supermarket-db-2", system="proxmox", node="pve2", why="not beside supermarket-db-1"),
                Placed(name="api", system="kubernetes", node=None, why="2.55 cores fit on 3 nodes"),
            ),
            confidence=Confidence(value=0.414, sigma=0.88193, low_cores=0.46, high_cores=4.397, draft=False,
                                  why="no load test and no metrics yet"),
            capacity_verified=True,
            decisions=decisions(),
        ),
        config=Config.model_validate(
            {"defaults": {"ssh_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ops",),
                          "dns": {"servers": ("10.20.0.1",), "domain": "internal.example"}},
             "state": {"backend": "s3", "settings": {"bucket": "terraform-state", "region": "eu-central-1"}}}
        ),
    )  # fmt: skip
