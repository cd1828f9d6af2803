"""The input standard: the one JSON form in which a model, or anybody's pipeline, tells us about an application.

In: JSON with the keys of the published schema, all optional. Out: an immutable ``Payload``. Never: a secret or an
internal address in a payload that leaves this process (``bot.agents.payload`` sees to it).

Two uses share it: ``recommend`` reads it (a recommendation or a generation payload, or both in one document), and every
agent's model receives it with ``context`` and ``rule`` filled in.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.model.noun import JsonValue, Noun

Number = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=200)]


class AppMetadata(Noun):
    """Who the application is. ``expected_qps`` per second at peak, ``sla_latency_ms`` the p95 target."""

    name: Text | None = None
    language: Text | None = None
    framework: Text | None = None
    expected_qps: Number | None = None
    sla_latency_ms: Number | None = None
    oom_tolerance: Text | None = None
    criticality: Text | None = None


class HistoricalMetrics(Noun):
    """Samples in time order, per pod: ``cpu_usage`` in cores, ``memory_usage`` in MiB; ``request_rate`` per second of
    the whole workload; ``replica_counts`` pods.
    """

    cpu_usage: Annotated[tuple[Number, ...], Field(max_length=50_000)] = ()
    memory_usage: Annotated[tuple[Number, ...], Field(max_length=50_000)] = ()
    replica_counts: Annotated[tuple[Annotated[int, Field(ge=0, le=100_000)], ...], Field(max_length=50_000)] = ()
    request_rate: Annotated[tuple[Number, ...], Field(max_length=50_000)] = ()


class NodeRoom(Noun):
    """What a node has free: ``cpu_free`` in cores, ``mem_free`` in Kubernetes notation."""

    cpu_free: Number | None = None
    mem_free: Text | None = None


class DeploymentContext(Noun):
    """Where it runs. ``namespace_quota`` maps ``cpu`` and ``memory`` to Kubernetes quantities."""

    environment: Text | None = None
    namespace_quota: Annotated[dict[Text, Text], Field(max_length=50)] = {}
    node_utilization: Annotated[dict[Text, NodeRoom], Field(max_length=5_000)] = {}


class ServiceManifest(Noun):
    """The Deployment as it is today, as YAML text or that text in base64."""

    deployment_yaml: Annotated[str, Field(max_length=1_000_000)] | None = None


class DockerfileMeta(Noun):
    """What the Dockerfile says."""

    base_image: Text | None = None
    exposed_port: Annotated[int, Field(ge=1, le=65535)] | None = None


class ContextPiece(Noun):
    """Retrieved knowledge; an answer cites ``source_id``."""

    source_id: Text
    title: Text = ""
    text: Annotated[str, Field(max_length=4_000)] = ""


class Payload(Noun):
    """The input standard. ``rule`` is what the rules decided already, with the bounds of what may be changed."""

    app_metadata: AppMetadata | None = None
    historical_metrics: HistoricalMetrics | None = None
    deployment_context: DeploymentContext | None = None
    service_manifest: ServiceManifest | None = None
    description: Annotated[str, Field(max_length=8_192)] | None = None
    dockerfile_meta: DockerfileMeta | None = None
    code_endpoints: Annotated[tuple[Text, ...], Field(max_length=500)] = ()
    existing_manifests: Annotated[dict[str, Any], Field(max_length=200)] = {}
    github: Text | None = None
    context: Annotated[tuple[ContextPiece, ...], Field(max_length=40)] = ()
    rule: JsonValue = None
