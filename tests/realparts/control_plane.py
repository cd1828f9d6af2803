"""A real Kubernetes 1.34 control plane on loopback: etcd, API server, controllers and scheduler, with KWOK for the nodes.

In: the programs ``control-plane`` and ``kwok`` of ``tests/gotools/build.py``. Out: ``kubeconfig`` of an administrator and
``apply_kubeconfig`` of a user who may do what ``apply`` needs (apply_role.yaml); ``add_nodes``, ``add_volumes``, ``kubectl``,
``request``. Never: an address but 127.0.0.1, a container, a process or file that outlives ``stop`` (or the owner's death).

    with ControlPlane() as cluster:
        cluster.add_nodes(snapshot.nodes)
        cluster.kubectl("apply", "--server-side", "-f", "bundle/", user="apply")
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.model.cluster import Node
from tests.realparts import objects, parts
from tests.realparts.children import Child, NotStarted, free_ports

User = Literal["admin", "apply"]
APPLY_USER = "ai-provision-apply"
HERE = Path(__file__).parent
READY_SECONDS = 120.0
_ISSUER = "https://kubernetes.default.svc"
_LOOPBACK = "127.0.0.1"


class ApiError(RuntimeError):
    """The API server's refusal: ``status`` (HTTP) and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Programs:
    """What is started. All three of exact versions, except kubectl, which is the user's."""

    control_plane: Path
    kwok: Path
    kubectl: Path

    @classmethod
    def found(cls) -> Programs:
        """Raises RuntimeError with what to run or install."""
        reason = parts.why_not("control-plane", "kwok", "kubectl")
        plane, kwok, kubectl = parts.binary("control-plane"), parts.binary("kwok"), parts.kubectl()
        if plane is None or kwok is None or kubectl is None:
            raise RuntimeError(f"The real control plane {reason}")
        return cls(plane, kwok, kubectl)


class ControlPlane:
    """One cluster. Not started before ``start`` or ``with``; ``stop`` ends and deletes everything, also after a failed start."""

    def __init__(self, programs: Programs | None = None) -> None:
        self._programs = programs
        self._children: list[Child] = []
        self._tokens: dict[User, str] = {"admin": secrets.token_hex(16), "apply": secrets.token_hex(16)}
        self._folder: Path | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Data, certificates and logs; gone after ``stop``."""
        if self._folder is None:
            raise RuntimeError("the control plane is not started")
        return self._folder

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{_LOOPBACK}:{self._port}"

    @property
    def authority(self) -> Path:
        """The certificate that the API server made for itself, PEM."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        """For the administrator (system:masters)."""
        return self.folder / "admin.kubeconfig"

    @property
    def apply_kubeconfig(self) -> Path:
        """For the user ``ai-provision-apply``, whose rights are those of apply_role.yaml."""
        return self.folder / "apply.kubeconfig"

    def start(self) -> None:
        """Returns when the API server is ready and the controllers work. Raises NotStarted, after ending what ran."""
        programs = self._programs or Programs.found()
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
        try:
            self._start(programs)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every process and deletes the folder. Twice is once."""
        for child in reversed(self._children):
            child.ask_to_stop()
        for child in self._children:
            child.stop()
        self._children.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def add_nodes(self, nodes: Iterable[Node | objects.NodeRow], *, occupied: bool = True) -> None:
        """Ready nodes of these sizes (Proxmox hosts of a snapshot are passed over); returns when all are Ready.

        ``occupied``: a pod on each node of a snapshot requests what the snapshot says is promised to others already.
        """
        rows = objects.rows(nodes)
        for row in rows:
            self.request("POST", "/api/v1/nodes", objects.node(row))
        self.wait(lambda: {row.name for row in rows} <= self.ready_nodes(), "nodes Ready")
        taken = [row for row in rows if occupied and row.is_occupied]
        if taken:
            self.add_namespace(objects.OTHERS, enforce="privileged")
        for row in taken:
            self.request("POST", f"/api/v1/namespaces/{objects.OTHERS}/pods", objects.occupant(row))

    def add_volumes(self, count: int, size: str, *, storage_class: str = "local-path", default: bool = True) -> None:
        """So many hostPath volumes of one class (``size`` as Kubernetes writes it), which claims bind to at once."""
        if self.find(f"/apis/storage.k8s.io/v1/storageclasses/{storage_class}") is None:
            made = objects.storage_class(storage_class, default=default)
            self.request("POST", "/apis/storage.k8s.io/v1/storageclasses", made)
        for _ in range(count):
            self.request("POST", "/api/v1/persistentvolumes", objects.volume(size, storage_class))

    def add_namespace(self, name: str, *, enforce: str = "restricted") -> None:
        """A namespace that enforces this Pod Security level, with its default service account."""
        if self.find(f"/api/v1/namespaces/{name}") is None:
            self.request("POST", "/api/v1/namespaces", objects.namespace(name, enforce))
        path = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        self.wait(lambda: self.find(path) is not None, f"the default service account of {name}")

    def remove_namespace(self, name: str) -> None:
        """Its workloads and pods are gone when this returns, and their room is free; the rest follows by itself.

        The namespace controller alone would take its turn kind by kind, for several seconds.
        """
        self.request("DELETE", f"/api/v1/namespaces/{name}")
        at_once = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Background",
        }
        for kind in ("deployments", "statefulsets", "replicasets"):
            self.request("DELETE", f"/apis/apps/v1/namespaces/{name}/{kind}", at_once)
        pods = f"/api/v1/namespaces/{name}/pods"
        self.request("DELETE", pods, at_once)
        self.wait(lambda: not self.request("GET", pods)["items"], f"the pods of {name} to go")

    def ready_nodes(self) -> set[str]:
        """Names of nodes whose condition Ready is True."""
        found = self.request("GET", "/api/v1/nodes")["items"]
        return {node["metadata"]["name"] for node in found if objects.is_ready(node)}

    def kubectl(
        self, *arguments: str | Path, stdin: str | None = None, user: User = "admin", seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Runs the real kubectl as this user; its exit status is the caller's to judge."""
        config = self.kubeconfig if user == "admin" else self.apply_kubeconfig
        program = (self._programs or Programs.found()).kubectl
        command = [program, "--kubeconfig", config, "--cache-dir", self.folder / "cache", *arguments]
        return subprocess.run(
            list(map(str, command)), input=stdin, capture_output=True, text=True, check=False, timeout=seconds
        )

    def request(self, method: str, path: str, body: object = None, *, user: User = "admin") -> dict[str, Any]:
        """One call to the API server, JSON in and out. Raises ApiError with its own words, Ended when a part is gone."""
        for child in self._children:
            child.must_run()
        connection = http.client.HTTPSConnection(_LOOPBACK, self._port, timeout=30, context=self._trust())
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._tokens[user]}", "Content-Type": kind, "Accept": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 400:
            raise ApiError(answer.status, str(found.get("message", found)))
        return found

    def find(self, path: str) -> dict[str, Any] | None:
        """The object, or None when there is none."""
        try:
            return self.request("GET", path)
        except ApiError as problem:
            if problem.status == 404:
                return None
            raise

    def wait(self, done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Polls 10 times a second. Raises TimeoutError that names what was awaited and what the parts said last."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                words = "\n".join(f"{child.name}: {child.last_words()[-500:]}" for child in self._children)
                raise TimeoutError(f"after {seconds:.0f} s still waiting for {what}\n{words}")
            time.sleep(0.1)

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def _start(self, programs: Programs) -> None:
        etcd, peer, self._port = free_ports(3)
        self._write_keys()
        self._run("etcd", programs.control_plane, *self._etcd(etcd, peer)).wait_until(
            lambda: _answers(etcd, "/readyz"), READY_SECONDS
        )
        api = self._run("kube-apiserver", programs.control_plane, *self._api_server(etcd))
        api.wait_until(self._is_ready, READY_SECONDS)
        self._write_kubeconfig("admin", self.kubeconfig)
        self._write_kubeconfig("apply", self.apply_kubeconfig)
        self._run("kube-controller-manager", programs.control_plane, *self._controllers())
        self._run("kube-scheduler", programs.control_plane, *self._client_flags())
        stages = (
            "--config",
            HERE / "kwok_stages.yaml",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            "--node-ip=192.0.2.1",
        )
        self._run("kwok", programs.kwok, "--kubeconfig", self.kubeconfig, *stages)
        self._give_rights()
        self.add_namespace("default")

    def _run(self, name: str, program: Path, *flags: str | Path) -> Child:
        """The one program serves four parts, by its first argument; KWOK is a program of its own."""
        command = [program, *flags] if name == "kwok" else [program, name, *flags]
        child = Child.start(name, command, self.folder)
        self._children.append(child)
        return child

    def _etcd(self, client: int, peer: int) -> list[str]:
        ours, theirs = f"http://{_LOOPBACK}:{client}", f"http://{_LOOPBACK}:{peer}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={ours}",
            f"--advertise-client-urls={ours}",
            f"--listen-peer-urls={theirs}",
            f"--initial-advertise-peer-urls={theirs}",
            f"--initial-cluster=default={theirs}",
        ]

    def _api_server(self, etcd: int) -> list[str]:
        return [
            f"--etcd-servers=http://{_LOOPBACK}:{etcd}",
            f"--secure-port={self._port}",
            f"--bind-address={_LOOPBACK}",
            f"--cert-dir={self.authority.parent}",
            f"--service-account-key-file={self.folder / 'accounts.pub'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            f"--service-account-issuer={_ISSUER}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
        ]

    def _client_flags(self) -> list[str]:
        """For the two that only call the API server and serve nothing themselves."""
        return [f"--kubeconfig={self.kubeconfig}", "--secure-port=0", "--leader-elect=false"]

    def _controllers(self) -> list[str]:
        return [
            *self._client_flags(),
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            "--use-service-account-credentials",
            "--horizontal-pod-autoscaler-sync-period=1s",
            "--pvclaimbinder-sync-period=1s",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ]

    def _is_ready(self) -> bool:
        if not self.authority.is_file():
            return False
        connection = http.client.HTTPSConnection(_LOOPBACK, self._port, timeout=5)
        try:
            connection = http.client.HTTPSConnection(_LOOPBACK, self._port, timeout=5, context=self._trust())
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {self._tokens['admin']}"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _write_keys(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.folder / "accounts.key").write_bytes(secret)
        (self.folder / "accounts.pub").write_bytes(public)
        lines = (
            f'{self._tokens["admin"]},admin,admin,"system:masters"',
            f"{self._tokens['apply']},{APPLY_USER},{APPLY_USER}",
        )
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")

    def _write_kubeconfig(self, user: User, target: Path) -> None:
        text = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "loopback", "cluster": {"server": self.server, "certificate-authority": str(self.authority)}}
            ],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": user}}],
            "current-context": "loopback",
        }
        target.write_text(yaml.safe_dump(text))
        target.chmod(0o600)

    def _give_rights(self) -> None:
        done = self.kubectl("create", "-f", HERE / "apply_role.yaml")
        if done.returncode != 0:
            raise NotStarted(f"the role of {APPLY_USER} was refused: {done.stderr}")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
