"""What the application is: its services, what they listen on, need and keep, every fact with file and line.

In: the survey's facts. Out: ``AppProfile``. Never: values of environment variables, only their names.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import Noun
from bot.model.quantity import Bytes, MilliCpu

DependencyKind = Literal[
    "postgresql",
    "mysql",
    "mariadb",
    "mssql",
    "mongodb",
    "redis",
    "valkey",
    "memcached",
    "rabbitmq",
    "kafka",
    "nats",
    "elasticsearch",
    "opensearch",
    "sqlite",
    "s3",
    "minio",
    "consul",
    "etcd",
    "cassandra",
    "spanner",
    "smtp",
    "other",
]
RELATIONAL = frozenset({"postgresql", "mysql", "mariadb", "mssql"})


class Evidence(Noun):
    """Where a fact was seen: repository path, 1-based line, and a short excerpt without values of variables."""

    path: str
    line: int | None = None
    excerpt: str = ""


class Endpoint(Noun):
    """An HTTP route that the code declares."""

    method: str
    path: str
    evidence: Evidence


class Port(Noun):
    """A port the process listens on."""

    port: int
    protocol: Literal["http", "grpc", "tcp", "udp"]
    name: str
    evidence: tuple[Evidence, ...] = ()


class Dependency(Noun):
    """A backing store or broker in use (``in_use``: a client library and a use, or a compose/manifests link)."""

    kind: DependencyKind
    evidence: tuple[Evidence, ...]
    in_use: bool = True
    image: str | None = None


class Health(Noun):
    """A health check that exists in code, compose or manifest; never invented."""

    kind: Literal["http", "grpc", "tcp", "exec"]
    path: str | None = None
    port: int | None = None
    command: tuple[str, ...] = ()
    ready_path: str | None = None
    evidence: Evidence | None = None


class EnvName(Noun):
    """The name of an environment variable; its value is never kept."""

    name: str
    required: bool = False
    secret: bool = False
    evidence: Evidence | None = None


class Volume(Noun):
    """A path whose content must outlive the container."""

    path: str
    evidence: Evidence | None = None


class Declared(Noun):
    """Sizes that the repository states itself (manifest, compose, Helm values): shown beside ours, never copied."""

    replicas: int | None = None
    cpu_request: MilliCpu | None = None
    cpu_limit: MilliCpu | None = None
    memory_request: Bytes | None = None
    memory_limit: Bytes | None = None
    evidence: Evidence | None = None


class Header(Noun):
    """The ``# --- Application Metadata ---`` block of a Dockerfile."""

    name: str | None = None
    language: str | None = None
    framework: str | None = None
    expected_qps: float | None = None
    sla_latency_ms: float | None = None
    criticality: str | None = None
    evidence: Evidence


class Service(Noun):
    """One process that this repository builds or runs; a backing store is a ``Dependency`` instead."""

    name: str
    path: str
    language: str | None = None
    framework: str | None = None
    dockerfile: str | None = None
    build_context: str | None = None
    base_image: str | None = None
    image: str | None = None
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    calls: tuple[str, ...] = ()
    stateful: bool = False
    volumes: tuple[Volume, ...] = ()
    health: Health | None = None
    start_command: tuple[str, ...] | None = None
    env: tuple[EnvName, ...] = ()
    user: str | None = None
    kind: Literal["web", "api", "static", "worker", "job"] = "api"
    memory_floor: Bytes | None = None
    declared: Declared | None = None
    header: Header | None = None
    windows: bool = False
    evidence: tuple[Evidence, ...] = ()


class Candidate(Noun):
    """One way to read something unclear. ``settles`` is the answer as it is typed: ``qps=500``."""

    label: str
    settles: str


class Doubt(Noun):
    """Something unclear: shown as one question with an answer that can be copied.

    ``candidates`` are the readings that a rule found, the assumed one first; when they would change the plan much, the
    question is asked before anything is opened. ``proposed_by_model``: shown as a proposal, never asked, never applied.
    """

    path: str
    question: str
    assumed: str
    answer: str
    evidence: tuple[Evidence, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    proposed_by_model: bool = False


class AppProfile(Noun):
    """The application. ``unsure`` holds what a person may want to settle; ``unread`` what could not be read."""

    name: str
    services: tuple[Service, ...] = ()
    unsure: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()
