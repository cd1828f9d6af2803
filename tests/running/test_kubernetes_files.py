"""deploy/kubernetes: valid for every supported version, restricted, and with exactly the rights that the bot uses."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.edges.kubernetes import inventory, troubles
from bot.edges.kubernetes.calls import Source
from bot.edges.kubernetes.inventory import load
from tests.running.deployed import COMPONENTS, KUBERNETES, SIZES, Object, assembled, kustomized, named, pods

VERSIONS = ("1.29", "1.32", "1.34")
OURS = [item for size in SIZES for item in assembled(KUBERNETES / size)]
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: provisioning
resources: [{base}]
components: [{ingress}, {monitor}]
images: [{{name: ai-provision, newName: registry.example.org/ai-provision, newTag: "2.0.0"}}]
configMapGenerator:
  - {{name: ai-provision-settings, behavior: merge, literals: [AI_PROVISION_INFRA_REPO=org/infra]}}
"""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", SIZES)
def test_every_object_is_valid(size: str, version: str) -> None:
    objects = assembled(KUBERNETES / size)
    assert len(objects) >= 8
    for item in objects:
        kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_ingress_is_valid_and_opens_one_path(version: str) -> None:
    [ingress] = assembled(KUBERNETES / "components" / "ingress")
    kubernetes_validate.validate(ingress, version, strict=True)
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert [(path["path"], path["pathType"]) for path in paths] == [("/webhooks/github", "Exact")]


@pytest.mark.parametrize("size", SIZES)
def test_kubectl_assembles_what_the_files_say(size: str) -> None:
    """With kubectl the real assembly is compared; without it the one of PyYAML has to name every file of the folder."""
    ours = {(item["kind"], item["metadata"]["name"]) for item in assembled(KUBERNETES / size)}
    real = kustomized(KUBERNETES / size)
    if real is None:
        held = [yaml.safe_load_all(path.read_text()) for path in (KUBERNETES / size).glob("[!k]*.yaml")]
        assert {(item["kind"], item["metadata"]["name"]) for file in held for item in file} <= ours
        return
    generated = "ai-provision-settings"
    seen = {
        (item["kind"], generated if item["metadata"]["name"].startswith(generated) else item["metadata"]["name"])
        for item in real
    }
    assert seen == ours
    for item in real:
        kubernetes_validate.validate(item, "1.32", strict=True)


def test_an_overlay_sets_namespace_image_and_settings(tmp_path: Path) -> None:
    def here(*parts: str) -> str:
        return str(Path("..", *[".."] * 30, *KUBERNETES.parts[1:], *parts))

    text = OVERLAY.format(
        base=here("base"), ingress=here("components", "ingress"), monitor=here("components", "service-monitor")
    )
    assert yaml.safe_load(text)["namespace"] == "provisioning"
    (tmp_path / "kustomization.yaml").write_text(text)
    real = kustomized(tmp_path)
    if real is None:  # the overlay is then only checked for names that the base has
        assert "ai-provision-settings" in named(OURS, "ConfigMap")
        return
    [binding] = named(real, "ClusterRoleBinding").values()
    assert [subject["namespace"] for subject in binding["subjects"]] == ["provisioning"]
    assert {container["image"] for pod in pods(real).values() for container in pod["containers"]} == {
        "registry.example.org/ai-provision:2.0.0"
    }
    [settings] = [item for name, item in named(real, "ConfigMap").items() if name.startswith("ai-provision-settings")]
    assert settings["data"]["AI_PROVISION_INFRA_REPO"] == "org/infra"
    assert {"Ingress", "ServiceMonitor"} <= {item["kind"] for item in real}
    everywhere = {"ClusterRole", "ClusterRoleBinding"}
    assert {item["metadata"].get("namespace") for item in real if item["kind"] not in everywhere} == {"provisioning"}


def all_pods() -> list[Any]:
    return [
        pytest.param(spec, id=f"{size}-{name}")
        for size in SIZES
        for name, spec in pods(assembled(KUBERNETES / size)).items()
    ]


@pytest.mark.parametrize("pod", all_pods())
def test_a_pod_keeps_the_restricted_standard(pod: Object) -> None:
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 10_000
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {"emptyDir", "projected"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert not container["image"].endswith((":latest", "ai-provision"))


@pytest.mark.parametrize("pod", all_pods())
def test_a_pod_has_bounds_and_time_to_stop(pod: Object) -> None:
    [container] = pod["containers"]
    assert set(container["resources"]) == {"requests", "limits"}
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    assert pod["terminationGracePeriodSeconds"] > 65
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert {"/data", "/tmp"} <= set(mounted)
    assert all(volume.get("emptyDir", {"sizeLimit": 1}).get("sizeLimit") for volume in pod["volumes"])


@pytest.mark.parametrize("pod", all_pods())
def test_a_pod_has_a_stable_executor_and_its_own_short_lived_token(pod: Object) -> None:
    [container] = pod["containers"]
    environment = {entry["name"]: entry for entry in container["env"]}
    assert environment["AI_PROVISION_EXECUTOR_ID"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert "AI_PROVISION_DATABASE_URL" in environment
    assert pod["automountServiceAccountToken"] is False
    [token] = [
        source["serviceAccountToken"]
        for volume in pod["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
        if "serviceAccountToken" in source
    ]
    assert token["expirationSeconds"] <= 3600


def test_workers_are_stateful_and_several_need_postgres() -> None:
    base = assembled(KUBERNETES / "base")
    assert named(base, "StatefulSet")["ai-provision-worker"]["spec"]["replicas"] == 2
    for pod in pods(base).values():
        [database] = [entry for entry in pod["containers"][0]["env"] if entry["name"] == "AI_PROVISION_DATABASE_URL"]
        assert database["valueFrom"]["secretKeyRef"].get("optional") is None
    assert not named(base, "Secret")
    single = named(assembled(KUBERNETES / "single"), "StatefulSet")["ai-provision"]["spec"]
    assert single["replicas"] == 1
    assert [claim["metadata"]["name"] for claim in single["volumeClaimTemplates"]] == ["data"]


def test_the_server_is_probed_on_paths_that_exist() -> None:
    served = {
        node.value
        for path in (Path(inventory.__file__).parents[2] / "web").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/")
    }
    for size in SIZES:
        [container] = pods(assembled(KUBERNETES / size))["ai-provision"]["containers"]
        probes = {key: container[key]["httpGet"]["path"] for key in container if key.endswith("Probe")}
        assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
        assert set(probes.values()) <= served


def test_the_role_is_what_the_bot_reads_and_nothing_else() -> None:
    sources = [value for value in vars(inventory).values() if isinstance(value, Source)]
    sources += [troubles.pods_of("shop"), troubles.events_of("shop")]
    wanted = {(source.group, source.resource, source.verb) for source in sources if source.verb == "list"}
    role = named(OURS, "ClusterRole")["ai-provision-reader"]
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == wanted
    assert {source.resource for source in sources if source.verb != "list"} == {"version", "apis"}


def test_nobody_comes_in_but_to_the_server() -> None:
    policies = named(assembled(KUBERNETES / "base"), "NetworkPolicy")
    everything, server = policies["ai-provision"]["spec"], policies["ai-provision-server"]["spec"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert everything["ingress"] == []
    [out] = everything["egress"]
    assert {entry["port"] for entry in out["ports"]} == {53, 443, 6443, 8006, 5432}
    assert server["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "server"
    [inwards] = server["ingress"]
    assert len(inwards["from"]) == 2
    assert inwards["ports"] == [{"port": "http", "protocol": "TCP"}]


def test_the_services_and_budgets_choose_pods_that_exist() -> None:
    for size in SIZES:
        objects = assembled(KUBERNETES / size)
        labels = [
            item["spec"]["template"]["metadata"]["labels"]
            for item in objects
            if item["kind"] in {"Deployment", "StatefulSet"}
        ]
        for kind, key in (
            ("Service", "selector"),
            ("PodDisruptionBudget", "selector"),
            ("NetworkPolicy", "podSelector"),
        ):
            for item in named(objects, kind).values():
                chosen = item["spec"][key]
                wanted = chosen.get("matchLabels", chosen)
                assert any(wanted.items() <= one.items() for one in labels), item["metadata"]["name"]


def test_the_kubeconfig_is_one_that_the_bot_can_use(tmp_path: Path) -> None:
    text = named(OURS, "ConfigMap")["ai-provision-kubeconfig"]["data"]["kubeconfig"]
    (tmp_path / "token").write_text("short-lived")
    (tmp_path / "ca.crt").write_text("an authority")
    (tmp_path / "kubeconfig").write_text(text.replace("/var/run/ai-provision", str(tmp_path)))
    configuration, name = load(str(tmp_path / "kubeconfig"))
    assert name == "here"
    assert configuration.host == "https://kubernetes.default.svc"
    assert configuration.auth_settings()["BearerToken"]["value"] == "Bearer short-lived"
    assert Path(configuration.ssl_ca_cert).read_text() == "an authority"
    (tmp_path / "token").write_text("renewed")
    later, _ = load(str(tmp_path / "kubeconfig"))
    assert later.auth_settings()["BearerToken"]["value"] == "Bearer renewed"


def test_the_paths_of_the_kubeconfig_are_mounted() -> None:
    for pod in pods(OURS).values():
        [container] = pod["containers"]
        [mount] = [entry for entry in container["volumeMounts"] if entry["mountPath"] == "/var/run/ai-provision"]
        [volume] = [entry for entry in pod["volumes"] if entry["name"] == mount["name"]]
        files = set()
        for source in volume["projected"]["sources"]:
            files |= {item["path"] for item in source.get("configMap", {}).get("items", ())}
            files |= {source["serviceAccountToken"]["path"]} if "serviceAccountToken" in source else set()
        assert files == {"token", "ca.crt", "kubeconfig"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_leans_on_the_service(component: str) -> None:
    [item] = assembled(KUBERNETES / "components" / component)
    port = named(OURS, "Service")["ai-provision"]["spec"]["ports"][0]
    text = yaml.safe_dump(item)
    assert "ai-provision" in text
    assert f"name: {port['name']}" in text or f"port: {port['name']}" in text
