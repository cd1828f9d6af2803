"""``.ai-provision.yaml`` of the infrastructure repository's default branch: who may, where to, how much.

In: parsed YAML. Out: one immutable ``Config``. Never: the application repository's wishes, secrets.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.model.noun import Noun
from bot.model.quantity import Bytes

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class Commands(Noun):
    """Who may command."""

    minimum_permission: Literal["write", "maintain", "admin"] = "write"
    users: tuple[str, ...] = ()
    per_minute: Annotated[int, Field(ge=1, le=10_000)] = 30
    per_hour: Annotated[int, Field(ge=1, le=100_000)] = 600
    reply_to_strangers: bool = True


class Dns(Noun):
    """DNS for machines."""

    servers: tuple[str, ...] = ()
    domain: str | None = None


class Defaults(Noun):
    """Values for what a command does not name. None means: derive from the cluster, or say that it is missing."""

    cluster: str | None = None
    environment: str | None = None
    namespace: Name | None = None
    registry: str | None = None
    image_tag: str | None = None
    storage_class: str | None = None
    ingress_class: str | None = None
    template_id: Annotated[int, Field(ge=100, le=999_999_999)] | None = None
    image: str | None = None
    datastore: str | None = None
    data_datastore: str | None = None
    image_datastore: str | None = None
    bridge: str | None = None
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    pool: str | None = None
    gateway: str | None = None
    addresses: str | None = None
    dns: Dns = Dns()
    ssh_keys: tuple[str, ...] = ()
    username: Name = "provision"
    tags: tuple[Name, ...] = ("ai-provision",)


class State(Noun):
    """Where Terraform keeps its state: a backend and its settings, which are written into ``backend.tf``.

    Never a credential: those come from CI's environment. ``allow_local`` and ``allow_unencrypted`` silence the doctor.
    ``key`` holds ``{stack}`` where the folder's name belongs.
    """

    backend: Literal["http", "s3", "pg", "kubernetes", "local"]
    settings: dict[str, str | int | bool] = {}
    key: str = "{stack}/terraform.tfstate"
    allow_local: bool = False
    allow_unencrypted: bool = False


class Apply(Noun):
    """What has to be true before CI applies, and how long it waits. Seconds.

    ``reviews``: approvals of the merged pull request by people with write permission other than its author.
    ``after``: environment -> the environment in which the same application must be applied and healthy first.
    ``approvals``: environment -> approvals that it asks for, when more than ``reviews``.
    ``parallelism``: of Terraform; parallel clones of one template wait for each other's lock.
    """

    reviews: Annotated[int, Field(ge=0, le=6)] = 1
    after: dict[str, str] = {}
    approvals: dict[str, Annotated[int, Field(ge=0, le=6)]] = {}
    rollout_seconds: Annotated[int, Field(ge=10, le=3600)] = 600
    ssh_port: Annotated[int, Field(ge=1, le=65_535)] = 22
    ssh_seconds: Annotated[int, Field(ge=10, le=3600)] = 300
    lock_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    parallelism: Annotated[int, Field(ge=1, le=10)] = 2
    return_on_failure: bool = True


class Backups(Noun):
    """Backup jobs for machines. Without a datastore none are made."""

    datastore: str | None = None
    schedule: Annotated[str, Field(pattern=r"^[A-Za-z0-9*,:/. -]{1,60}$")] = "02:30"
    keep_last: Annotated[int, Field(ge=1, le=365)] = 7


class Kubernetes(Noun):
    """Defaults of whole clusters, and of worker machines that join an existing one."""

    version: Annotated[str, Field(pattern=r"^1\.\d{2}(\.\d{1,2})?$")] | None = None
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    cni: Literal["flannel", "calico", "cilium"] | None = None
    add_workers: bool = True
    load_balancer_addresses: str | None = None


class VmIds(Noun):
    """The range from which VMIDs are reserved."""

    first: Annotated[int, Field(ge=100)] = 100
    last: Annotated[int, Field(le=999_999_999)] = 999_999_999


class Limits(Noun):
    """Policy bounds; a plan beyond them is refused with ``policy`` or clamped with the reason."""

    namespaces: tuple[str, ...] = ()
    max_replicas: Annotated[int, Field(ge=1)] = 50
    max_cores_per_machine: Annotated[int, Field(ge=1)] = 64
    max_memory_per_machine: Bytes = Bytes.of_gib(512)
    max_machines: Annotated[int, Field(ge=0)] = 20
    cpu_overcommit: Annotated[float, Field(gt=0, le=16)] = 3.0
    registries: tuple[str, ...] = ()


class Prices(Noun):
    """Your own unit prices; money is only computed from these."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    vcpu_hour: Annotated[float, Field(ge=0)]
    gib_hour: Annotated[float, Field(ge=0)]
    storage_gib_month: Annotated[float, Field(ge=0)] = 0.0


Amount = Annotated[float, Field(gt=0)]


class Budget(Noun):
    """Monthly budgets in the currency of the prices: of every application, of named ones, of whole namespaces.

    A plan beyond one waits for a confirmation in the thread.
    """

    monthly: Amount | None = None
    applications: dict[Name, Amount] = {}
    namespaces: dict[Name, Amount] = {}


class Metrics(Noun):
    """Where requests per second stand in your Prometheus; without it CPU and memory are read alone.

    ``requests`` is the name of a counter, ``workload_label`` its label that holds the workload's name.
    """

    requests: Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]{0,120}$")] | None = None
    workload_label: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,60}$")] = "deployment"


class Config(Noun):
    """The config file. Every field has a default: without the file, write permission commands.

    ``git_hosts`` None means: the hosts that the server's settings allow; else both have to allow a host. ``knowledge``:
    paths of Markdown files in the same repository that hold the team's own rules.
    """

    version: Literal[1] = 1
    commands: Commands = Commands()
    git_hosts: tuple[str, ...] | None = None
    defaults: Defaults = Defaults()
    vm_ids: VmIds = VmIds()
    limits: Limits = Limits()
    prices: Prices | None = None
    budget: Budget | None = None
    metrics: Metrics = Metrics()
    knowledge: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    state: State | None = None
    apply: Apply = Apply()
    backups: Backups = Backups()
    kubernetes: Kubernetes = Kubernetes()
    high_availability: bool = False
    firewall: bool = False
    delivery: Literal["kubectl", "argocd", "flux"] = "kubectl"
    delivery_repository: Annotated[str, Field(pattern=r"^(https|ssh)://[A-Za-z0-9@._:/~-]{3,200}$")] | None = None
    delivery_namespace: Name | None = None
    delivery_source: Name | None = None
    mode: Literal["manual", "auto"] = "manual"
    when_unreachable: Literal["refuse", "draft"] = "refuse"
    draft_below_confidence: Annotated[float, Field(ge=0, le=1)] = 0.40
