"""One visit to a Kubernetes cluster.

In: a kubeconfig and a clock. Out: the Kubernetes part of a ``ClusterSnapshot``. Never: another file than the given one,
a write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from kubernetes import config
from kubernetes.client import (
    ApiClient,
    ApisApi,
    AppsV1Api,
    Configuration,
    CoreV1Api,
    NetworkingV1Api,
    StorageV1Api,
    VersionApi,
)
from kubernetes.config.config_exception import ConfigException

from bot.edges.capped import cap
from bot.edges.kubernetes import reading
from bot.edges.kubernetes.calls import Calls, Row, Source, Trouble
from bot.edges.kubernetes.demand import rows as objects
from bot.errors import Code, Refusal, Refused
from bot.model.cluster import ClusterSnapshot, KubernetesFacts, Missing
from bot.ports import Clock

TIMEOUT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
BUDGET_SECONDS: Final = 60.0

VERSION: Final = Source("version", "", lambda api: VersionApi(api).get_code, verb="get")
GROUPS: Final = Source("apis", "", lambda api: ApisApi(api).get_api_versions, verb="get")
NODES: Final = Source("nodes", "", lambda api: CoreV1Api(api).list_node)
PODS: Final = Source(
    "pods",
    "",
    lambda api: CoreV1Api(api).list_pod_for_all_namespaces,
    selector="status.phase!=Succeeded,status.phase!=Failed",
)
NAMESPACES: Final = Source("namespaces", "", lambda api: CoreV1Api(api).list_namespace)
QUOTAS: Final = Source("resourcequotas", "", lambda api: CoreV1Api(api).list_resource_quota_for_all_namespaces)
LIMITS: Final = Source("limitranges", "", lambda api: CoreV1Api(api).list_limit_range_for_all_namespaces)
STORAGE: Final = Source("storageclasses", "storage.k8s.io", lambda api: StorageV1Api(api).list_storage_class)
INGRESS: Final = Source("ingressclasses", "networking.k8s.io", lambda api: NetworkingV1Api(api).list_ingress_class)
DEPLOYMENTS: Final = Source("deployments", "apps", lambda api: AppsV1Api(api).list_deployment_for_all_namespaces)
STATEFUL_SETS: Final = Source("statefulsets", "apps", lambda api: AppsV1Api(api).list_stateful_set_for_all_namespaces)
DAEMON_SETS: Final = Source("daemonsets", "apps", lambda api: AppsV1Api(api).list_daemon_set_for_all_namespaces)


@dataclass(frozen=True)
class KubernetesInventory:
    """Half of the ``Inventory`` port. Seconds: ``timeout`` per connect and read, ``answer`` for one whole answer,
    ``budget`` for the visit.
    """

    kubeconfig: str
    clock: Clock = field(kw_only=True)
    timeout: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    answer: float = field(default=ANSWER_SECONDS, kw_only=True)
    budget: float = field(default=BUDGET_SECONDS, kw_only=True)

    def read(self) -> ClusterSnapshot:
        """What the cluster holds now; what may not be read stands in ``missing``.

        Raises Refused (kubernetes-auth, tls, config), or Unavailable when the API server cannot be reached or does not
        give its nodes and pods: without either, nobody knows what is free.
        """
        with self._visit() as visit:
            return visit.snapshot()

    @contextmanager
    def _visit(self) -> Iterator[_Visit]:
        configuration, name = load(self.kubeconfig)
        now = self.clock.now()
        with ApiClient(configuration) as api:
            cap(api.rest_client.pool_manager, seconds=self.answer)
            calls = Calls(api=api, clock=self.clock, deadline=now.timestamp() + self.budget, timeout=self.timeout)
            try:
                yield _Visit(calls, self.clock, name)
            finally:
                api.rest_client.pool_manager.clear()


@dataclass(frozen=True)
class _Visit:
    calls: Calls
    clock: Clock
    name: str | None
    missing: list[Missing] = field(default_factory=list)

    def snapshot(self) -> ClusterSnapshot:
        version = self._document(VERSION)
        nodes = reading.nodes(self._required_rows(NODES), self._required_rows(PODS))
        stores = reading.stores(self._rows(STORAGE))
        facts = self._facts(reading.text(version.get("gitVersion")) or None)
        return ClusterSnapshot(
            taken_at=self.clock.now(), nodes=nodes, stores=stores, missing=tuple(self.missing), kubernetes=facts
        )

    def _facts(self, version: str | None) -> KubernetesFacts:
        ingress = self._rows(INGRESS)
        deployments = reading.workloads(self._rows(DEPLOYMENTS), "Deployment")
        stateful_sets = reading.workloads(self._rows(STATEFUL_SETS), "StatefulSet")
        return KubernetesFacts(
            version=version,
            name=self.name,
            namespaces=reading.names(self._rows(NAMESPACES)),
            quotas=reading.quotas(self._rows(QUOTAS)),
            limit_ranges=reading.limit_ranges(self._rows(LIMITS)),
            ingress_classes=reading.names(ingress),
            default_ingress_class=reading.default_name(ingress),
            workloads=tuple(
                sorted((*deployments, *stateful_sets), key=lambda item: (item.namespace, item.kind, item.name))
            ),
            daemon_requests=reading.daemon_requests(self._rows(DAEMON_SETS)),
            metrics_api=self._metrics(),
        )

    def _metrics(self) -> bool | None:
        groups = self._document(GROUPS)
        if not isinstance(groups.get("groups"), list):
            return None
        return any(group.get("name") == "metrics.k8s.io" for group in objects(groups["groups"]))

    def _required_rows(self, source: Source) -> list[Row]:
        try:
            return self.calls.rows(source)
        except Trouble as trouble:
            trouble.fatal()

    def _rows(self, source: Source) -> list[Row]:
        try:
            return self.calls.rows(source)
        except Trouble as trouble:
            self.missing.append(trouble.missing)
            return []

    def _document(self, source: Source) -> Row:
        try:
            return self.calls.document(source)
        except Trouble as trouble:
            self.missing.append(trouble.missing)
            return {}


def load(kubeconfig: str) -> tuple[Configuration, str | None]:
    """The client's configuration from exactly this file, and the name of its cluster. Raises Refused(config)."""
    configuration = Configuration()
    configuration.retries = False
    untyped: Any = config
    try:
        untyped.load_kube_config(config_file=kubeconfig, client_configuration=configuration, persist_config=False)
        _, active = untyped.list_kube_config_contexts(config_file=kubeconfig)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(_unusable()) from error
    return configuration, _cluster_name(active)


def _cluster_name(active: Any) -> str | None:
    context = active.get("context") if isinstance(active, dict) else None
    return reading.text(context.get("cluster")) or None if isinstance(context, dict) else None


def _unusable() -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message="The file that KUBECONFIG names cannot be used as a Kubernetes configuration.",
        remedy="Check it with kubectl --kubeconfig FILE config view; it needs a current-context, its cluster and user.",
    )
