"""What the manifests hold for what the survey saw, and what they never hold."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model.cluster import ClusterSnapshot, KubernetesFacts, Node
from bot.model.plan import Hpa, Pdb, Rollout, Spread, Storage
from bot.model.profile import Dependency, EnvName, Health, Port, Volume
from bot.model.quantity import Bytes, Resources
from tests.rendering.bundles import container, manifest, names
from tests.rendering.scenes import Nouns, supermarket


def api(**facts: Any) -> Nouns:
    return supermarket().with_api(**facts)


def pod(nouns: Nouns, name: str = "api-deployment") -> dict[str, Any]:
    return manifest(nouns.render(), name)["spec"]["template"]["spec"]


def test_no_port_means_no_service_and_no_probe() -> None:
    changes = api(ports=(), health=None).render()
    assert "kubernetes/api-service.yaml" not in names(changes)
    made = container(changes, "api-deployment")
    assert "ports" not in made
    assert not [key for key in made if key.endswith("Probe")]
    assert manifest(changes, "api-networkpolicy")["spec"]["ingress"] == []


def test_the_autoscaler_owns_the_replicas() -> None:
    changes = supermarket().render()
    assert "replicas" not in manifest(changes, "api-deployment")["spec"]
    assert manifest(changes, "web-deployment")["spec"]["replicas"] == 3
    hpa = manifest(changes, "api-hpa")["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (3, 10)
    assert hpa["behavior"]["scaleUp"]["policies"] == [{"type": "Percent", "value": 100, "periodSeconds": 15}]
    assert hpa["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert hpa["metrics"][0]["resource"]["target"]["averageUtilization"] == 65


@pytest.mark.parametrize(
    ("pdb", "expected"),
    [(Pdb(max_unavailable=1), {"maxUnavailable": 1}), (Pdb(min_available=1), {"minAvailable": 1})],
    ids=["max", "min"],
)
def test_disruption_budget(pdb: Pdb, expected: dict[str, int]) -> None:
    spec = manifest(supermarket().with_api_plan(pdb=pdb).render(), "api-pdb")["spec"]
    assert spec.items() >= expected.items()
    assert len(spec) == 2


def test_one_replica_has_no_budget_and_no_spread() -> None:
    nouns = supermarket().with_api_plan(replicas=1, hpa=None, pdb=None)
    assert "kubernetes/api-pdb.yaml" not in names(nouns.render())
    assert "topologySpreadConstraints" not in pod(nouns)


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (Spread(), [("kubernetes.io/hostname", "ScheduleAnyway")]),
        (
            Spread(by_zone=True, hard=True),
            [("topology.kubernetes.io/zone", "DoNotSchedule"), ("kubernetes.io/hostname", "DoNotSchedule")],
        ),
    ],
    ids=["host", "zone-hard"],
)
def test_spread(spread: Spread, expected: list[tuple[str, str]]) -> None:
    made = pod(supermarket().with_api_plan(spread=spread))["topologySpreadConstraints"]
    assert [(item["topologyKey"], item["whenUnsatisfiable"]) for item in made] == expected
    assert all(item["maxSkew"] == 1 for item in made)


def test_a_stateful_set_keeps_its_volume() -> None:
    nouns = api(volumes=(Volume(path="/var/lib/app/"), Volume(path="/srv/files"))).with_api_plan(
        kind="StatefulSet", hpa=None, replicas=1, storage=Storage(size=Bytes.of_gib(10), storage_class="fast")
    )
    changes = nouns.render()
    spec = manifest(changes, "api-statefulset")["spec"]
    claim = spec["volumeClaimTemplates"][0]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert claim["spec"]["storageClassName"] == "fast"
    mounted = {m["mountPath"]: m.get("subPath") for m in container(changes, "api-statefulset")["volumeMounts"]}
    assert mounted == {"/tmp": None, "/var/lib/app": "var-lib-app", "/srv/files": "srv-files"}
    assert manifest(changes, "api-service")["spec"]["clusterIP"] == "None"
    assert spec["serviceName"] == "api"
    assert spec["template"]["spec"]["securityContext"]["fsGroup"] > 0


def test_a_deployment_with_storage_has_its_own_claim() -> None:
    nouns = api(volumes=(Volume(path="/data"),)).with_api_plan(
        hpa=None, replicas=1, storage=Storage(size=Bytes.of_gib(1)), rollout=Rollout(recreate=True)
    )
    changes = nouns.render()
    assert manifest(changes, "api-pvc")["metadata"]["name"] == "api-data"
    assert "storageClassName" not in manifest(changes, "api-pvc")["spec"]
    assert manifest(changes, "api-deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "api-data"}} in pod(nouns)["volumes"]


def test_folders_that_are_not_kept_are_writable() -> None:
    made = container(api(volumes=(Volume(path="/cache"),)).render(), "api-deployment")
    assert "/cache" in [mount["mountPath"] for mount in made["volumeMounts"]]


HTTP = Health(kind="http", path="/healthz", port=8080)


@pytest.mark.parametrize(
    ("health", "readiness", "liveness"),
    [
        (HTTP, {"httpGet": {"path": "/healthz", "port": "http"}}, {"httpGet": {"path": "/healthz", "port": "http"}}),
        (
            HTTP.model_copy(update={"ready_path": "/readyz"}),
            {"httpGet": {"path": "/readyz", "port": "http"}},
            {"httpGet": {"path": "/healthz", "port": "http"}},
        ),
        (HTTP.model_copy(update={"path": "/ready"}), {"httpGet": {"path": "/ready", "port": "http"}}, None),
        (HTTP.model_copy(update={"port": None}), {"httpGet": {"path": "/healthz", "port": "http"}}, "same"),
        (
            HTTP.model_copy(update={"port": 9000}),
            {"httpGet": {"path": "/healthz", "port": "health-check"}},
            "same",
        ),
        (Health(kind="grpc", port=8080), {"grpc": {"port": 8080}}, "same"),
        (Health(kind="tcp"), {"tcpSocket": {"port": "http"}}, "same"),
        (Health(kind="exec", command=("/bin/check", "--all")), {"exec": {"command": ["/bin/check", "--all"]}}, "same"),
    ],
    ids=["http", "ready-path", "only-readiness", "no-port", "own-port", "grpc", "tcp", "exec"],
)
def test_probes_ask_what_exists(health: Health, readiness: dict[str, Any], liveness: object) -> None:
    made = container(api(health=health).render(), "api-deployment")
    assert made["readinessProbe"].items() >= readiness.items()
    expected = readiness if liveness == "same" else liveness
    if isinstance(expected, dict):
        assert made["livenessProbe"].items() >= expected.items()
    else:
        assert "livenessProbe" not in made
    assert made["startupProbe"]["periodSeconds"] * made["startupProbe"]["failureThreshold"] >= 40


@pytest.mark.parametrize(
    "health",
    [
        None,
        Health(kind="http", port=8080),
        Health(kind="http", path="healthz"),
        Health(kind="http", path="/{{ env }}"),
        Health(kind="http", path="/a\nb"),
        Health(kind="exec"),
        Health(kind="exec", command=("{{",)),
        Health(kind="exec", command=("curl", "http://admin:hunter2hunter2@localhost/")),
        Health(kind="http", path="/x", port=99999),
    ],
    ids=["none", "no-path", "relative", "braces", "newline", "no-command", "command", "password", "port"],
)
def test_a_probe_is_never_invented(health: Health | None) -> None:
    made = container(api(health=health).render(), "api-deployment")
    assert not [key for key in made if key.endswith("Probe")]


def test_a_health_port_of_its_own_is_not_in_the_service() -> None:
    changes = api(health=HTTP.model_copy(update={"port": 9000})).render()
    assert [port["port"] for port in manifest(changes, "api-service")["spec"]["ports"]] == [8080]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (Port(port=8080, protocol="http", name="http"), ("http", "http")),
        (Port(port=8080, protocol="http", name="Not A Name!"), ("http-8080", "http-8080")),
        (Port(port=8080, protocol="http", name="a" * 16), ("http-8080", "http-8080")),
        (Port(port=8080, protocol="http", name="80"), ("http-8080", "http-8080")),
    ],
    ids=["good", "bad", "long", "digits"],
)
def test_ports_have_names(port: Port, expected: tuple[str, str]) -> None:
    changes = api(ports=(port,), health=None).render()
    assert container(changes, "api-deployment")["ports"][0]["name"] == expected[0]
    assert manifest(changes, "api-service")["spec"]["ports"][0]["targetPort"] == expected[1]


def test_grpc_says_so_and_debuggers_stay_inside() -> None:
    ports = (Port(port=5050, protocol="grpc", name="grpc"), Port(port=9229, protocol="tcp", name="debug"))
    spec = manifest(api(ports=ports, health=None).render(), "api-service")["spec"]
    assert [(port["port"], port["appProtocol"]) for port in spec["ports"]] == [(5050, "kubernetes.io/h2c")]
    assert spec["type"] == "ClusterIP"


@pytest.mark.parametrize(
    ("user", "base", "expected"),
    [
        ("1000", "golang:1.22", None),
        ("1000:1000", "golang:1.22", None),
        ("node", "node:22", 1000),
        ("0", "golang:1.22", 10001),
        ("root", "golang:1.22", 10001),
        ("appuser", "golang:1.22", 10001),
        (None, "gcr.io/distroless/static:nonroot", None),
        (None, "nginx:1.27", 101),
        (None, "docker.io/library/nginx@sha256:" + "0" * 64, 101),
        (None, "nginxinc/nginx-unprivileged:1.27", None),
        (None, None, 10001),
        ("９", "golang", 10001),
    ],
)
def test_nobody_runs_as_root(user: str | None, base: str | None, expected: int | None) -> None:
    context = pod(api(user=user, base_image=base))["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context.get("runAsUser") == expected


def test_a_low_port_needs_a_safe_sysctl_only() -> None:
    context = pod(supermarket(), "web-deployment")["securityContext"]
    assert context["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]
    assert "sysctls" not in pod(supermarket())["securityContext"]


def test_nginx_may_write_where_it_must() -> None:
    mounts = {mount["mountPath"] for mount in container(supermarket().render(), "web-deployment")["volumeMounts"]}
    assert mounts == {"/tmp", "/var/cache/nginx", "/var/run"}


def test_only_names_of_variables() -> None:
    env = (
        EnvName(name="PORT"),
        EnvName(name="DB_PASSWORD"),
        EnvName(name="API_KEY", required=True, secret=True),
        EnvName(name="LOG_LEVEL", required=True),
        EnvName(name="not a name"),
        EnvName(name="{{ x }}"),
        EnvName(name="LOG_LEVEL"),
    )
    made = container(api(env=env).render(), "api-deployment")["env"]
    values = {entry["name"]: entry.get("value") for entry in made}
    assert values == {"GOMEMLIMIT": "115MiB", "PORT": "8080", "API_KEY": None, "DB_PASSWORD": None, "LOG_LEVEL": None}
    references = {entry["name"]: entry["valueFrom"] for entry in made if "valueFrom" in entry}
    assert references["API_KEY"]["secretKeyRef"] == {"name": "api-env", "key": "API_KEY", "optional": False}
    assert references["DB_PASSWORD"]["secretKeyRef"]["optional"] is True
    assert references["LOG_LEVEL"]["configMapKeyRef"]["optional"] is True


def test_no_port_variable_unless_the_code_reads_it() -> None:
    made = container(api(env=()).render(), "api-deployment")["env"]
    assert [entry["name"] for entry in made] == ["GOMEMLIMIT"]


@pytest.mark.parametrize(
    ("server", "kubelets", "sleeps"),
    [("v1.33.2", (), True), ("1.30", (), True), ("v1.29.9", (), False), (None, (), False), ("x", (), False),
     ("v1.33.0", ("v1.29.1+k3s1",), False), (None, ("v1.31.0",), True)],
)  # fmt: skip
def test_the_pause_before_stopping_needs_a_known_version(
    server: str | None, kubelets: tuple[str, ...], *, sleeps: bool
) -> None:
    nodes = tuple(
        Node(name=f"n{i}", system="kubernetes", capacity=Resources(), version=version)
        for i, version in enumerate(kubelets)
    )
    snapshot = ClusterSnapshot(nodes=nodes, kubernetes=KubernetesFacts(version=server))
    made = container(supermarket().changed(snapshot=snapshot).render(), "api-deployment")
    assert ("lifecycle" in made) == sleeps


def test_the_network_policy_opens_only_what_was_seen() -> None:
    changes = supermarket().render()
    egress = manifest(changes, "api-networkpolicy")["spec"]["egress"]
    assert egress[1] == {
        "to": [{"ipBlock": {"cidr": "10.20.0.11/32"}}, {"ipBlock": {"cidr": "10.20.0.12/32"}}],
        "ports": [{"port": 5432, "protocol": "TCP"}],
    }
    web = manifest(changes, "web-networkpolicy")["spec"]["egress"]
    assert web[1]["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "api"
    assert web[1]["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_an_unknown_database_address_opens_the_port_only() -> None:
    nouns = supermarket().with_machine(address="dhcp")
    assert manifest(nouns.render(), "api-networkpolicy")["spec"]["egress"][1] == {
        "ports": [{"port": 5432, "protocol": "TCP"}]
    }


def test_a_dependency_that_is_not_used_opens_nothing() -> None:
    unused = Dependency(kind="redis", evidence=(), in_use=False)
    assert len(manifest(api(dependencies=(unused,)).render(), "api-networkpolicy")["spec"]["egress"]) == 1


def test_windows_pods_have_no_linux_fields() -> None:
    made = pod(api(windows=True, base_image="mcr.microsoft.com/windows/servercore:ltsc2022"))
    assert made["os"] == {"name": "windows"}
    assert made["nodeSelector"] == {"kubernetes.io/os": "windows"}
    assert "seccompProfile" not in made["securityContext"]
    assert "securityContext" not in made["containers"][0]


def test_requests_and_limits_are_the_plan() -> None:
    made = container(supermarket().render(), "api-deployment")["resources"]
    assert made == {"requests": {"cpu": "850m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}


def test_the_namespace_stands_in_one_place() -> None:
    changes = supermarket().render()
    assert manifest(changes, "kustomization")["namespace"] == "supermarket-inventory"
    for file in changes.files:
        if "/kubernetes/" in file.path and "kustomization" not in file.path:
            assert "namespace:" not in file.content
            assert "kind: Namespace" not in file.content


def test_an_hpa_of_one_workload_only() -> None:
    assert supermarket().plan.services[0].hpa == Hpa(min=3, max=10, target_cpu_percent=65)
    assert "kubernetes/web-hpa.yaml" not in names(supermarket().render())
