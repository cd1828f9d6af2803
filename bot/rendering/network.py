"""Service and NetworkPolicy of one workload.

In: ports, the services it calls, the backing stores it uses. Out: Kubernetes objects as plain data. Never: a load
balancer, a node port, a port that nothing listens on.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from bot.model.plan import Machine, ServicePlan
from bot.model.profile import DependencyKind, Service
from bot.rendering.ports import NamedPort, container_ports, service_ports
from bot.rendering.scene import Scene, metadata, selector
from bot.rendering.workload import Manifest

STORE_PORTS: Final[dict[DependencyKind, tuple[int, ...]]] = {
    "postgresql": (5432,),
    "mysql": (3306,),
    "mariadb": (3306,),
    "mssql": (1433,),
    "mongodb": (27017,),
    "redis": (6379,),
    "valkey": (6379,),
    "memcached": (11211,),
    "rabbitmq": (5672, 5671),
    "kafka": (9092, 9093),
    "nats": (4222,),
    "elasticsearch": (9200,),
    "opensearch": (9200,),
    "s3": (443,),
    "minio": (9000,),
    "consul": (8500,),
    "etcd": (2379,),
    "cassandra": (9042,),
    "spanner": (443,),
    "smtp": (25, 465, 587),
}
"""The registered or customary port of each backing store."""

_NODE_CACHE: Final = "169.254.20.10/32"
"""The address of NodeLocal DNSCache in the Kubernetes documentation; it is no pod, so no selector matches it."""


def service(scene: Scene, planned: ServicePlan) -> Manifest | None:
    """A Service by the workload's own name, so that addresses in code keep working; None without ports."""
    ports = service_ports(scene.facts(planned))
    if not ports:
        return None
    spec: Manifest = {"clusterIP": "None"} if planned.kind == "StatefulSet" else {"type": "ClusterIP"}
    if planned.session_affinity:
        spec["sessionAffinity"] = "ClientIP"
    spec["selector"] = selector(scene.plan.app, planned.name)
    spec["ports"] = [_service_port(port) for port in ports]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(scene, planned.name), "spec": spec}


def _service_port(port: NamedPort) -> Manifest:
    made: Manifest = {"name": port.name, "port": port.number, "targetPort": port.name, "protocol": port.transport}
    return {**made, "appProtocol": "kubernetes.io/h2c"} if port.protocol == "grpc" else made


def network_policy(scene: Scene, planned: ServicePlan) -> Manifest:
    """Only its ports in; only names, the services it calls and its backing stores out."""
    facts = scene.facts(planned)
    spec = {
        "podSelector": {"matchLabels": selector(scene.plan.app, planned.name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _ingress(facts),
        "egress": [_dns(), *_calls(scene, facts), *_stores(scene, facts)],
    }
    described = metadata(scene, planned.name)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": described, "spec": spec}


def _ingress(facts: Service) -> list[Manifest]:
    ports = [{"port": port.number, "protocol": port.transport} for port in container_ports(facts)]
    return [{"ports": ports}] if ports else []


def _dns() -> Manifest:
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    return {"to": [system, {"ipBlock": {"cidr": _NODE_CACHE}}], "ports": ports}


def _calls(scene: Scene, facts: Service) -> list[Manifest]:
    called = (planned for planned in scene.plan.services if planned.name in facts.calls and planned.name != facts.name)
    return [rule for planned in called if (rule := _call(scene, planned)) is not None]


def _call(scene: Scene, callee: ServicePlan) -> Manifest | None:
    ports = [{"port": port.number, "protocol": port.transport} for port in service_ports(scene.facts(callee))]
    peer = {"podSelector": {"matchLabels": selector(scene.plan.app, callee.name)}}
    return {"to": [peer], "ports": ports} if ports else None


def _stores(scene: Scene, facts: Service) -> list[Manifest]:
    """One rule per kind in use: to its machines where their addresses are known, else to its port anywhere."""
    kinds = dict.fromkeys(need.kind for need in facts.dependencies if need.in_use and need.kind in STORE_PORTS)
    return [_store(kind, [m for m in scene.machines_for(facts) if m.serves == kind]) for kind in kinds]


def _store(kind: DependencyKind, machines: list[Machine]) -> Manifest:
    ports = [{"port": port, "protocol": "TCP"} for port in STORE_PORTS[kind]]
    blocks = [host_block(machine.address) for machine in machines]
    known = [{"ipBlock": {"cidr": block}} for block in blocks if block is not None]
    return {"to": known, "ports": ports} if known and len(known) == len(machines) else {"ports": ports}


def host_block(address: str) -> str | None:
    """One host as CIDR: ``10.0.0.21/32`` of ``10.0.0.21/24``; None for ``dhcp``."""
    try:
        host = ipaddress.ip_interface(address).ip
    except ValueError:
        return None
    return f"{host}/{host.max_prefixlen}"
