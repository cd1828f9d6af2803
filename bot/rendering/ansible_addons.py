"""Add-ons of a new cluster: a switch of the collection where it has one, else a Helm chart at an exact version.

In: names of add-ons, the cluster, the config file. Out: plain data for ``group_vars``. Never: a password (charts make
their own and keep it in a Secret), a chart without a version, an address that is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.model.config import Config
from bot.model.plan import ClusterPlan

Values = dict[str, object]
_REPLICAS: Final = 3
_PROMETHEUS: Final = "http://prometheus-operated.monitoring.svc:9090"
"""The Service that the Prometheus operator makes, whatever the release is called."""

SWITCHES: Final[Mapping[str, str]] = {
    "metrics-server": "metrics_server_enabled",
    "cert-manager": "cert_manager_enabled",
    "metallb": "metallb_enabled",
    "argocd": "argocd_enabled",
}
"""kubespray 2.31 dropped its ingress-nginx, and its dashboard before that: these two are charts now."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart. ``reference`` is a name in ``repository``, or the address of one archive.

    ``needs``: add-ons that have to be there; ``packages`` and ``services``: of Debian, on every node.
    """

    reference: str
    version: str | None
    repository: str | None
    namespace: str
    values: Callable[[ClusterPlan, Config], Values] = field(default=lambda _cluster, _config: {})
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def _replicas(cluster: ClusterPlan) -> int:
    return max(1, min(_REPLICAS, cluster.workers))


def _ingress(cluster: ClusterPlan, _config: Config) -> Values:
    """Without MetalLB nobody gives the Service an address: the nodes' own ports 80 and 443 serve then."""
    if "metallb" in cluster.addons:
        return {"controller": {"replicaCount": min(2, _replicas(cluster))}}
    return {
        "controller": {
            "kind": "DaemonSet",
            "hostPort": {"enabled": True},
            "service": {"type": "ClusterIP"},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        }
    }


def _prometheus(_cluster: ClusterPlan, _config: Config) -> Values:
    """Grafana is an add-on of its own: the one in this chart has a password that everybody knows."""
    return {"grafana": {"enabled": False}}


def _grafana(cluster: ClusterPlan, _config: Config) -> Values:
    if "prometheus" not in cluster.addons:
        return {}
    source = {"name": "Prometheus", "type": "prometheus", "access": "proxy", "isDefault": True, "url": _PROMETHEUS}
    return {"datasources": {"datasources.yaml": {"apiVersion": 1, "datasources": [source]}}}


def _longhorn(cluster: ClusterPlan, _config: Config) -> Values:
    count = _replicas(cluster)
    return {
        "persistence": {"defaultClassReplicaCount": count},
        "defaultSettings": {"defaultReplicaCount": count},
    }


def _rancher(cluster: ClusterPlan, config: Config) -> Values:
    domain = config.defaults.dns.domain
    if domain is None:
        raise Refused(_NO_DOMAIN)
    return {"hostname": f"rancher.{cluster.name}.{domain}", "replicas": _replicas(cluster)}


CHARTS: Final[Mapping[str, Chart]] = {
    "ingress-nginx": Chart(
        reference="ingress-nginx",
        version="4.15.1",
        repository="https://kubernetes.github.io/ingress-nginx",
        namespace="ingress-nginx",
        values=_ingress,
    ),
    "dashboard": Chart(
        reference="https://github.com/kubernetes-retired/dashboard/releases/download/kubernetes-dashboard-7.14.0"
        "/kubernetes-dashboard-7.14.0.tgz",
        version=None,
        repository=None,
        namespace="kubernetes-dashboard",
    ),
    "prometheus": Chart(
        reference="kube-prometheus-stack",
        version="82.10.5",
        repository="https://prometheus-community.github.io/helm-charts",
        namespace="monitoring",
        values=_prometheus,
    ),
    "grafana": Chart(
        reference="grafana",
        version="11.6.1",
        repository="https://grafana-community.github.io/helm-charts",
        namespace="monitoring",
        values=_grafana,
    ),
    "longhorn": Chart(
        reference="longhorn",
        version="1.11.2",
        repository="https://charts.longhorn.io",
        namespace="longhorn-system",
        values=_longhorn,
        packages=("open-iscsi", "nfs-common"),
        services=("iscsid",),
    ),
    "rancher": Chart(
        reference="rancher",
        version="2.14.2",
        repository="https://releases.rancher.com/server-charts/latest",
        namespace="cattle-system",
        values=_rancher,
        needs=("cert-manager",),
    ),
}


def addon_values(cluster: ClusterPlan, config: Config) -> Values:
    """The variables of all add-ons. Raises Refused(config) for one that is unknown or lacks a setting."""
    charts = {name: CHARTS[name] for name in cluster.addons if name in CHARTS}
    wanted = {*cluster.addons, *(need for chart in charts.values() for need in chart.needs)}
    unknown = sorted(wanted - SWITCHES.keys() - CHARTS.keys())
    if unknown:
        raise Refused(_unknown(unknown[0]))
    values: Values = {SWITCHES[name]: True for name in SWITCHES if name in wanted}
    if "metallb" in wanted and config.kubernetes.load_balancer_addresses:
        values["metallb_config"] = _pool(config.kubernetes.load_balancer_addresses)
    return {
        **values,
        "helm_enabled": bool(charts),
        "addon_charts": [_chart(name, chart, chart.values(cluster, config)) for name, chart in charts.items()],
        "addon_packages": sorted({each for chart in charts.values() for each in chart.packages}),
        "addon_services": sorted({each for chart in charts.values() for each in chart.services}),
    }


def _chart(name: str, chart: Chart, settings: Values) -> Values:
    made: Values = {"release": name, "chart": chart.reference, "namespace": chart.namespace}
    if chart.repository is not None:
        made["repository"] = chart.repository
    if chart.version is not None:
        made["version"] = chart.version
    return {**made, "settings": settings}


def _pool(text: str) -> Values:
    ranges = [_range(part.strip()) for part in text.split(",") if part.strip()]
    return {"address_pools": {"primary": {"ip_range": ranges, "auto_assign": True}}, "layer2": ["primary"]}


def _range(text: str) -> str:
    """``first-last`` (a prefix after it is dropped, as in ``defaults.addresses``), a network, or one address."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            begin, end = ip_address(first.strip()), ip_address(last.partition("/")[0].strip())
            return f"{begin}-{end}"
        return str(ip_network(text, strict=False))
    except ValueError:
        raise Refused(_BAD_RANGE) from None


def _unknown(name: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"There is no add-on called {name[:40]!a}.",
        remedy=f"Known add-ons: {', '.join(sorted({*SWITCHES, *CHARTS}))}.",
    )


_NO_DOMAIN: Final = Refusal(
    code=Code.CONFIG,
    message="Rancher needs a host name, and no domain is configured.",
    remedy="Set defaults.dns.domain in .ai-provision.yaml; Rancher is then rancher.CLUSTER.DOMAIN.",
)
_BAD_RANGE: Final = Refusal(
    code=Code.CONFIG,
    message="kubernetes.load_balancer_addresses of .ai-provision.yaml is no range of addresses.",
    remedy="Write 10.30.0.100-10.30.0.119, or 10.30.1.0/28; several are separated by commas.",
)
