"""The official client against the emulated API server, over loopback HTTP: the contract of the Kubernetes inventory."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.edges.kubernetes import KubernetesInventory
from bot.emulators.kubernetes import Fault, KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.errors import Code, Refused, Unavailable
from bot.model.cluster import ClusterSnapshot, Node
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.fakes.clock import StoppedClock

EXAMPLE = Path(__file__).parents[2] / "examples" / "kubernetes-api.json"
NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
DEPLOYMENTS = "/apis/apps/v1/deployments"
REQUIRED = {NODES, PODS}
EMPTY: dict[str, list[dict[str, Any]]] = {
    NODES: [],
    PODS: [],
    "/api/v1/namespaces": [],
    "/api/v1/resourcequotas": [],
    "/api/v1/limitranges": [],
    "/apis/storage.k8s.io/v1/storageclasses": [],
    "/apis/networking.k8s.io/v1/ingressclasses": [],
    DEPLOYMENTS: [],
    "/apis/apps/v1/statefulsets": [],
    "/apis/apps/v1/daemonsets": [],
}


class Stage:
    """One server for all tests, because each start and stop takes 0.2 s; ``app`` is what it serves now."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


STAGE = Stage()


@pytest.fixture(scope="module", autouse=True)
def _served() -> Iterator[None]:
    with Loopback(STAGE) as server:
        STAGE.url = server.url
        yield


@contextmanager
def inventory(
    emulator: KubernetesEmulator, tmp_path: Path, *, clock: StoppedClock | None = None, timeout: float = 5.0
) -> Iterator[KubernetesInventory]:
    STAGE.app = emulator.app
    config = tmp_path / "kubeconfig"
    config.write_text(emulator.kubeconfig(STAGE.url))
    yield KubernetesInventory(str(config), clock=clock or StoppedClock(), timeout=timeout)


def read(emulator: KubernetesEmulator, tmp_path: Path) -> ClusterSnapshot:
    with inventory(emulator, tmp_path) as reader:
        return reader.read()


def cluster(**more: list[dict[str, Any]]) -> KubernetesEmulator:
    return KubernetesEmulator({**EMPTY, **{path: list(items) for path, items in more.items()}})


def node(name: str = "n1", **spec: Any) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": "3800m", "memory": "15Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"architecture": "arm64", "operatingSystem": "linux", "kubeletVersion": "v1.34.2"},
    }
    return {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": "a"}}, "spec": spec, "status": status}


def container(cpu: str, memory: str = "0", **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def pod(spec: dict[str, Any], phase: str = "Running", where: str | None = "n1") -> dict[str, Any]:
    place = {"nodeName": where} if where else {}
    return {"metadata": {"name": "p", "namespace": "x"}, "spec": {**spec, **place}, "status": {"phase": phase}}


def only(snapshot: ClusterSnapshot) -> Node:
    (found,) = snapshot.nodes
    return found


def test_the_example_cluster_is_read_whole_and_takes_the_golden_case(tmp_path: Path) -> None:
    snapshot = read(KubernetesEmulator.from_file(EXAMPLE), tmp_path)
    facts = snapshot.kubernetes
    assert facts is not None
    assert snapshot.missing == ()
    assert snapshot.taken_at == StoppedClock().now()
    assert (facts.version, facts.name, facts.metrics_api) == ("v1.34.2", "emulated", True)
    assert [item.name for item in snapshot.nodes] == ["k8s-cp-1", *(f"k8s-worker-{n}" for n in range(1, 5))]
    assert {item.zone for item in snapshot.nodes} == {"rack-a", "rack-b", "rack-c"}
    assert [taint.effect for taint in snapshot.nodes[0].taints] == ["NoSchedule"]
    workers = [item for item in snapshot.nodes if not item.taints]
    pods = sum((item.capacity - item.promised).cpu // 850 for item in workers)
    assert pods >= 10 + 4
    assert [(store.name, store.default, store.expandable) for store in snapshot.stores] == [
        ("ceph-rbd", True, True),
        ("local-path", False, False),
    ]
    assert (facts.ingress_classes, facts.default_ingress_class) == (("nginx",), "nginx")
    assert [quota.namespace for quota in facts.quotas] == ["team-blue"]
    assert facts.limit_ranges[0].default_request == {"cpu": "100m", "memory": "128Mi"}
    assert facts.daemon_requests.cpu == MilliCpu(150)
    assert {item.kind for item in facts.workloads} == {"Deployment", "StatefulSet"}
    assert ClusterSnapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


def test_only_get_is_ever_used(tmp_path: Path) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE)
    read(emulator, tmp_path)
    assert {line.split()[0] for line in emulator.requests} == {"GET"}
    assert not [line for line in emulator.requests if "secret" in line or "configmap" in line or "watch" in line]


def test_node_facts(tmp_path: Path) -> None:
    taint = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
    found = only(read(cluster(**{NODES: [node(unschedulable=True, taints=[taint])]}), tmp_path))
    assert found.capacity == Resources(cpu=MilliCpu(3800), memory=Bytes.of_gib(15))
    assert (found.state, found.architecture, found.zone) == ("unschedulable", "aarch64", "a")
    assert (found.pods_capacity, found.pods, found.version) == (110, 0, "v1.34.2")
    assert [(item.key, item.value, item.effect) for item in found.taints] == [("dedicated", "db", "NoSchedule")]


@pytest.mark.parametrize(("ready", "state"), [("True", "ready"), ("False", "offline"), ("Unknown", "unknown")])
def test_a_node_is_as_ready_as_it_says(tmp_path: Path, ready: str, state: str) -> None:
    row = node()
    row["status"]["conditions"] = [{"type": "Ready", "status": ready}]
    assert only(read(cluster(**{NODES: [row]}), tmp_path)).state == state


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        pytest.param({"containers": [container("100m"), container("200m")]}, 300, id="sum-of-containers"),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [container("1")]}, 1000, id="init-is-a-peak"
        ),
        pytest.param(
            {"containers": [container("500m")], "initContainers": [container("100m"), container("200m")]},
            500,
            id="small-inits-count-for-nothing",
        ),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [container("50m", **SIDECAR)]}, 150, id="sidecar-adds"
        ),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [container("300m", **SIDECAR), container("1")]},
            1300,
            id="init-beside-an-earlier-sidecar",
        ),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [container("1"), container("300m", **SIDECAR)]},
            1000,
            id="init-before-the-sidecar",
        ),
        pytest.param({"containers": [container("100m")], "overhead": {"cpu": "250m"}}, 350, id="overhead"),
        pytest.param(
            {"containers": [container("100m")], "resources": {"requests": {"cpu": "700m"}}},
            700,
            id="pod-level-requests",
        ),
        pytest.param({"containers": [{"name": "c"}]}, 0, id="no-requests"),
        pytest.param({"containers": [container("lots")]}, 0, id="unreadable-quantity"),
        pytest.param({"containers": "odd", "initContainers": [None, 3]}, 0, id="odd-shapes"),
    ],
)
def test_requests_follow_the_scheduler(tmp_path: Path, spec: dict[str, Any], cpu: int) -> None:
    found = only(read(cluster(**{NODES: [node()], PODS: [pod(spec)]}), tmp_path))
    assert found.promised.cpu == MilliCpu(cpu)
    assert found.pods == 1


@pytest.mark.parametrize(
    ("phase", "where", "counts"),
    [("Running", "n1", 1), ("Pending", "n1", 1), ("Succeeded", "n1", 0), ("Failed", "n1", 0), ("Pending", None, 0)],
)
def test_finished_and_waiting_pods_hold_nothing(tmp_path: Path, phase: str, where: str | None, counts: int) -> None:
    emulator = cluster(**{NODES: [node()], PODS: [pod({"containers": [container("1")]}, phase, where)]})
    found = only(read(emulator, tmp_path))
    assert (found.pods, found.promised.cpu) == (counts, MilliCpu(1000 * counts))


def test_long_lists_come_in_pages(tmp_path: Path) -> None:
    pods = [pod({"containers": [container("1m")]}) for _ in range(23)]
    emulator = cluster(**{NODES: [node()], PODS: pods})
    emulator.page = 5
    assert only(read(emulator, tmp_path)).pods == 23
    assert sum(PODS in line for line in emulator.requests) == 5


def test_an_expired_page_begins_the_list_again(tmp_path: Path) -> None:
    emulator = cluster(**{NODES: [node(f"n{n}") for n in range(7)]})
    emulator.page = 3
    emulator.faults = {NODES: ["410"]}
    snapshot = read(emulator, tmp_path)
    assert [item.name for item in snapshot.nodes] == [f"n{n}" for n in range(7)]
    assert snapshot.missing == ()


@pytest.mark.parametrize("resource", sorted(path.rpartition("/")[2] for path in set(EMPTY) - REQUIRED))
def test_a_denied_list_is_missing_by_name_with_verb_and_remedy(tmp_path: Path, resource: str) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, denied=frozenset({("list", resource)}))
    snapshot = read(emulator, tmp_path)
    (missing,) = snapshot.missing
    assert missing.what.split(".")[0] == resource
    assert missing.code == Code.KUBERNETES_AUTH
    assert f"may not list {resource}" in missing.reason
    assert f"--verb=list --resource={resource}" in missing.remedy


@pytest.mark.parametrize("resource", ["nodes", "pods"])
def test_without_nodes_or_pods_nobody_knows_what_is_free(tmp_path: Path, resource: str) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, denied=frozenset({("list", resource)}))
    with inventory(emulator, tmp_path) as reader, pytest.raises(Refused) as stop:
        reader.read()
    refusal = stop.value.refusal
    assert refusal.code == Code.KUBERNETES_AUTH
    assert f"may not list {resource}" in refusal.message
    assert f"--verb=list --resource={resource}" in refusal.remedy


BRIDGED: Sequence[Any] = (
    pytest.param(["500"] * 3, id="500-thrice"),
    pytest.param(["429"] * 2, id="429-twice"),
    pytest.param(["html"], id="html-once"),
    pytest.param(["truncated"], id="truncated-once"),
    pytest.param(["410"] * 2, id="expired-twice"),
)
LASTING: Sequence[Any] = (
    pytest.param("503", 4, id="503-for-good"),
    pytest.param("html", 2, id="html-for-good"),
    pytest.param("truncated", 2, id="truncated-for-good"),
    pytest.param("410", 3, id="expired-for-good"),
    pytest.param("endless", 1, id="endless"),
)


@pytest.mark.parametrize("faults", BRIDGED)
def test_a_short_fault_is_bridged(tmp_path: Path, faults: list[Fault]) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={PODS: list(faults)})
    assert read(emulator, tmp_path).missing == ()
    assert sum(PODS in line for line in emulator.requests) == len(faults) + 1


@pytest.mark.parametrize(("fault", "tries"), LASTING)
def test_a_lasting_fault_is_named(tmp_path: Path, fault: Fault, tries: int) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={DEPLOYMENTS: [fault] * 9})
    snapshot = read(emulator, tmp_path)
    assert [item.what for item in snapshot.missing] == ["deployments.apps"]
    assert len(snapshot.nodes) == 5
    assert sum(DEPLOYMENTS in line for line in emulator.requests) == tries


@pytest.mark.parametrize(("fault", "tries"), LASTING)
@pytest.mark.parametrize("path", [NODES, PODS])
def test_a_lasting_fault_of_what_capacity_stands_on_is_an_outage(
    tmp_path: Path, path: str, fault: Fault, tries: int
) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={path: [fault] * 9})
    with inventory(emulator, tmp_path) as reader, pytest.raises(Unavailable) as stop:
        reader.read()
    assert stop.value.code == Code.CAPACITY
    assert path.rpartition("/")[2] in str(stop.value)
    assert sum(path in line for line in emulator.requests) == tries


def test_a_server_that_goes_on_asking_to_wait_is_asked_nothing_more(tmp_path: Path) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={DEPLOYMENTS: ["429"] * 9})
    clock = StoppedClock()
    with inventory(emulator, tmp_path, clock=clock) as reader, pytest.raises(Unavailable) as stop:
        reader.read()
    assert "429" in str(stop.value)
    assert clock.slept == [1.0, 1.0]
    assert DEPLOYMENTS in emulator.requests[-1]


def test_the_wait_is_the_one_that_was_told(tmp_path: Path) -> None:
    clock = StoppedClock()
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={PODS: ["429"]})
    with inventory(emulator, tmp_path, clock=clock) as reader:
        reader.read()
    assert clock.slept == [1.0]


def test_an_api_that_is_not_served_is_missing(tmp_path: Path) -> None:
    resources = {path: items for path, items in EMPTY.items() if "ingress" not in path}
    snapshot = read(KubernetesEmulator(resources), tmp_path)
    assert [item.what for item in snapshot.missing] == ["ingressclasses.networking.k8s.io"]


def test_without_a_metrics_api_that_is_said(tmp_path: Path) -> None:
    emulator = cluster()
    emulator.groups = ("apps",)
    facts = read(emulator, tmp_path).kubernetes
    assert facts is not None
    assert facts.metrics_api is False


def test_a_wrong_token_is_refused(tmp_path: Path) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE)
    with inventory(emulator, tmp_path) as reader:
        emulator.token = "another"
        with pytest.raises(Refused) as stop:
            reader.read()
    assert stop.value.refusal.code == Code.KUBERNETES_AUTH
    assert len(emulator.requests) == 1


def test_a_server_that_hangs_is_an_outage_after_two_more_tries(tmp_path: Path) -> None:
    emulator = KubernetesEmulator.from_file(EXAMPLE, faults={"*": ["hang"] * 3}, hang_seconds=1.0)
    clock = StoppedClock()
    with inventory(emulator, tmp_path, clock=clock, timeout=0.3) as reader, pytest.raises(Unavailable) as stop:
        reader.read()
    assert "Kubernetes" in str(stop.value)
    assert len(clock.slept) == 2


def test_a_server_that_is_not_there_is_an_outage(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "kubeconfig"
    config.write_text(cluster().kubeconfig(f"http://127.0.0.1:{port}"))
    clock = StoppedClock()
    with pytest.raises(Unavailable) as stop:
        KubernetesInventory(str(config), clock=clock).read()
    assert "127.0.0.1" not in str(stop.value)
    assert len(clock.slept) == 2


def test_a_server_without_tls_behind_https_is_a_tls_refusal(tmp_path: Path) -> None:
    with Loopback(cluster().app) as server:
        config = tmp_path / "kubeconfig"
        config.write_text(cluster().kubeconfig(server.url.replace("http://", "https://")))
        with pytest.raises(Refused) as stop:
            KubernetesInventory(str(config), clock=StoppedClock()).read()
    assert stop.value.refusal.code == Code.TLS


@pytest.mark.parametrize(
    "text",
    ["", "not: [yaml", "a: 1", "null", "[]", json.dumps({"current-context": "x", "contexts": [], "clusters": []})],
    ids=["empty", "broken", "foreign", "null", "list", "no-such-context"],
)
def test_an_unusable_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(text)
    with pytest.raises(Refused) as stop:
        KubernetesInventory(str(config), clock=StoppedClock()).read()
    assert stop.value.refusal.code == Code.CONFIG
    assert str(tmp_path) not in stop.value.refusal.message


ODD: Sequence[Any] = (None, 3, "x", [], {}, {"metadata": 3}, {"metadata": {"name": 3}}, {"metadata": {"name": "a\nb"}})


def test_odd_objects_cost_only_themselves(tmp_path: Path) -> None:
    odd = [*ODD, {"metadata": {"name": "ok"}, "spec": [], "status": {"conditions": [3], "allocatable": "x"}}]
    snapshot = read(KubernetesEmulator({path: list(odd) for path in EMPTY}), tmp_path)
    assert [item.name for item in snapshot.nodes] == ["ok"]
    assert snapshot.nodes[0].state == "unknown"
    assert [item.name for item in snapshot.stores] == ["ok"]


def test_the_emulator_refuses_writes_and_unknown_paths(tmp_path: Path) -> None:
    emulator = cluster()
    with Loopback(emulator.app) as server:
        port = int(server.url.rpartition(":")[2])
        assert _status(port, "POST", NODES, emulator.token) == 405
        assert _status(port, "GET", "/api/v1/secrets", emulator.token) == 404
        assert _status(port, "GET", NODES, "wrong") == 401
        assert _status(port, "GET", f"{NODES}?continue=rubbish", emulator.token) == 400


def _status(port: int, verb: str, path: str, token: str) -> int:
    with socket.create_connection(("127.0.0.1", port)) as line:
        head = f"{verb} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        line.sendall((head + "Content-Length: 0\r\n\r\n").encode())
        answer = b""
        while chunk := line.recv(4096):
            answer += chunk
    return int(answer.split()[1])
