"""What Kubernetes manifests say: workloads with their ports, probes, names of variables, sizes, and who they point at.

In: parsed YAML. Out: ``Workload``s. Never: a chart or an overlay rendered, a Secret's data read, a size copied into a
plan (``Declared`` is shown beside ours).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Declared, EnvName, Evidence, Health, Volume
from bot.model.quantity import Bytes, MilliCpu
from bot.model.tree import Tree
from bot.survey.clues import PortClaim
from bot.survey.commands import is_development, read_check, valid_port
from bot.survey.images import is_tool, store_kind
from bot.survey.links import Pointing, port_claim, read_variables
from bot.survey.places import folder_of, is_below
from bot.survey.selection import is_compose_name
from bot.survey.yaml_view import View, roots

MAX_WORKLOADS: Final = 300

_LONG_LIVED: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicationController", "ReplicaSet", "Pod"})
_JOBS: Final = frozenset({"Job", "CronJob"})
_OVERLAYS: Final = frozenset(
    {
        "overlays",
        "overlay",
        "components",
        "release",
        "patches",
        "dev",
        "develop",
        "test",
        "e2e",
        "istio",
        "istio-manifests",
        "local",
    }
)
_BASES: Final = frozenset({"base", "bases"})


class Workload(Noun):
    """One pod-making object; the container is the first that is neither a store nor a tool beside the application."""

    name: str
    kind: str
    file: str
    image: str
    ports: tuple[PortClaim, ...] = ()
    health: Health | None = None
    env: tuple[EnvName, ...] = ()
    hosts: tuple[Pointing, ...] = ()
    command: tuple[str, ...] | None = None
    volumes: tuple[Volume, ...] = ()
    declared: Declared | None = None
    memory_floor: Bytes | None = None
    labels: dict[str, str] = {}
    windows: bool = False
    evidence: Evidence

    @property
    def is_job(self) -> bool:
        """True for Job and CronJob."""
        return self.kind in _JOBS

    @property
    def folder(self) -> str:
        """Where its manifest lies."""
        return folder_of(self.file)


class KubernetesService(Noun):
    """A Service: the name that others use as a host, what it selects, and its named target ports."""

    name: str
    file: str
    selector: dict[str, str]
    targets: dict[str, str] = {}


class Manifests(Noun):
    """All workloads and Services of a repository, the most telling file first."""

    workloads: tuple[Workload, ...] = ()
    services: tuple[KubernetesService, ...] = ()

    def hosts_of(self, workload: Workload) -> tuple[str, ...]:
        """The host names that lead to a workload: its own name and those of the Services that select it."""
        names = [
            service.name
            for service in self.services
            if service.selector and service.selector.items() <= workload.labels.items()
        ]
        return tuple(dict.fromkeys([workload.name, *names]))


def read_manifests(tree: Tree) -> Manifests:
    """Workloads and Services of all YAML files that are not compose files; of the same name the first file wins."""
    workloads: dict[str, Workload] = {}
    services: dict[str, KubernetesService] = {}
    for path in sorted(tree.yaml, key=lambda path: (not is_below(path, tree.part), _rank(path))):
        if is_compose_name(path.rpartition("/")[2]):
            continue
        for root in _objects(path, tree):
            kind, name = root["kind"].text, root.at("metadata", "name").text
            if kind in _LONG_LIVED | _JOBS and name and len(workloads) < MAX_WORKLOADS:
                workload = _workload(root, kind, name)
                if workload is not None:
                    workloads.setdefault(name, workload)
            elif kind == "Service" and name:
                services.setdefault(name, _kubernetes_service(root, name))
    return Manifests(workloads=tuple(_with_services(workloads, services)), services=tuple(services.values()))


def _rank(path: str) -> tuple[bool, bool, int, str]:
    """Bases before plain folders before overlays; higher folders first."""
    folders = set(path.lower().split("/")[:-1])
    return not _OVERLAYS.isdisjoint(folders), _BASES.isdisjoint(folders) and "base" in path, path.count("/"), path


def _objects(path: str, tree: Tree) -> Iterator[View]:
    for root in roots(path, tree.yaml[path]):
        if root["kind"].text == "List":
            yield from root["items"].each()
        elif root["apiVersion"].text and root["kind"].text:
            yield root


def _workload(root: View, kind: str, name: str) -> Workload | None:
    spec = root["spec"]
    pod = spec if kind == "Pod" else spec.at("template", "spec")
    if kind == "CronJob":
        pod = spec.at("jobTemplate", "spec", "template", "spec")
    container = _main_container(pod["containers"])
    if container is None:
        return None
    variables = read_variables(_environment(container["env"]))
    return Workload(
        name=name[:253],
        kind=kind,
        file=root.path,
        image=(container["image"].text or "")[:500],
        ports=(*variables.ports, *_ports(container)),
        health=_health(container),
        env=variables.env,
        hosts=variables.hosts,
        memory_floor=variables.memory_floor,
        command=_command(container),
        volumes=tuple(_volumes(pod, container, spec)),
        declared=_declared(spec["replicas"], container["resources"]),
        labels=_labels(spec.at("template", "metadata", "labels") if kind != "Pod" else root.at("metadata", "labels")),
        windows=pod.at("nodeSelector", "kubernetes.io/os").text == "windows" or pod.at("os", "name").text == "windows",
        evidence=root.at("metadata", "name").evidence(f"{kind} {name[:80]}"),
    )


def _main_container(containers: View) -> View | None:
    listed = [item for item in containers.each() if isinstance(item.value, dict) and item["image"].text]
    own = [
        item for item in listed if not is_tool(item["image"].text or "") and not store_kind(item["image"].text or "")
    ]
    return next(iter(own or listed), None)


def _labels(view: View) -> dict[str, str]:
    return {key: value.text for key, value in view.items() if value.text is not None}


def _environment(env: View) -> Iterator[tuple[str, str | None, Evidence]]:
    for item in env.each():
        name = item["name"].text or ""
        yield name, item["value"].text, item.evidence(name[:100])


def _ports(container: View) -> Iterator[PortClaim]:
    for item in container["ports"].each():
        number = item["containerPort"].number
        if number is not None and valid_port(number):
            name = item["name"].text or ""
            claim = port_claim(number, item.evidence(f"containerPort {number}"), seen="manifest", name=name[:63])
            yield claim.model_copy(update={"protocol": "udp"}) if item["protocol"].text == "UDP" else claim


def _health(container: View) -> Health | None:
    """The readiness probe's path is kept beside the liveness probe's."""
    names = {item["name"].text: item["containerPort"].number for item in container["ports"].each()}
    live = _probe(container["livenessProbe"], names)
    ready = _probe(container["readinessProbe"], names)
    if live is None or ready is None:
        return live or ready
    if live.kind == ready.kind == "http" and live.path != ready.path:
        return live.model_copy(update={"ready_path": ready.path})
    return live


def _probe(probe: View, names: dict[str | None, int | None]) -> Health | None:
    http = probe["httpGet"]
    evidence = probe.evidence("probe")
    if isinstance(http.value, dict):
        path = http["path"].text or "/"
        return Health(kind="http", path=path, port=_port(http["port"], names), evidence=evidence)
    if isinstance(probe["grpc"].value, dict):
        return Health(kind="grpc", port=probe.at("grpc", "port").number, evidence=evidence)
    if isinstance(probe["tcpSocket"].value, dict):
        return Health(kind="tcp", port=_port(probe.at("tcpSocket", "port"), names), evidence=evidence)
    command = tuple(item.text or "" for item in probe.at("exec", "command").each())
    return read_check(command, evidence) if command else None


def _port(view: View, names: dict[str | None, int | None]) -> int | None:
    return view.number if view.number is not None else names.get(view.text)


def _command(container: View) -> tuple[str, ...] | None:
    listed = [item.text or "" for key in ("command", "args") for item in container[key].each()]
    return tuple(listed[:60]) if listed and not is_development(listed) else None


def _volumes(pod: View, container: View, spec: View) -> Iterator[Volume]:
    """Mounts of claims, templates of claims included; emptyDir, ConfigMaps and Secrets outlive nothing."""
    lasting = {item["name"].text for item in pod["volumes"].each() if item.has("persistentVolumeClaim")}
    lasting |= {item.at("metadata", "name").text for item in spec["volumeClaimTemplates"].each()}
    for mount in container["volumeMounts"].each():
        path = mount["mountPath"].text
        if path and mount["name"].text in lasting:
            yield Volume(path=path[:300], evidence=mount.evidence(f"volume at {path}"))


def _declared(replicas: View, resources: View) -> Declared | None:
    requests, limits = resources["requests"], resources["limits"]
    count = replicas.number
    if count is None and not requests.value and not limits.value:
        return None
    return Declared(
        replicas=count if count is not None and 0 <= count <= 10_000 else None,
        cpu_request=cpu(requests["cpu"].text),
        cpu_limit=cpu(limits["cpu"].text),
        memory_request=memory(requests["memory"].text),
        memory_limit=memory(limits["memory"].text),
        evidence=(resources if resources.value else replicas).evidence("resources"),
    )


def cpu(text: str | None) -> MilliCpu | None:
    """A Kubernetes CPU quantity, or None when it is none."""
    try:
        return MilliCpu.parse(text) if text else None
    except ValueError:
        return None


def memory(text: str | None) -> Bytes | None:
    """A Kubernetes memory quantity, or None when it is none."""
    try:
        return Bytes.parse(text) if text else None
    except ValueError:
        return None


def _kubernetes_service(root: View, name: str) -> KubernetesService:
    targets = {}
    for item in root.at("spec", "ports").each():
        target = item["targetPort"].text or item["port"].text
        label = item["appProtocol"].text or item["name"].text
        if target and label:
            targets[target[:63]] = label[:63]
    return KubernetesService(name=name, file=root.path, selector=_labels(root.at("spec", "selector")), targets=targets)


def _with_services(workloads: dict[str, Workload], services: dict[str, KubernetesService]) -> Iterator[Workload]:
    """Give ports without a telling name the one that their Service uses (``grpc``)."""
    for workload in workloads.values():
        labels: dict[str, str] = {}
        for service in services.values():
            if service.selector and service.selector.items() <= workload.labels.items():
                labels |= service.targets
        yield workload.model_copy(update={"ports": tuple(_labelled(claim, labels) for claim in workload.ports)})


def _labelled(claim: PortClaim, labels: dict[str, str]) -> PortClaim:
    label = labels.get(claim.name) or labels.get(str(claim.port)) or ""
    grpc = claim.protocol == "http" and "grpc" in label.lower()
    update = {"protocol": "grpc" if grpc else claim.protocol, "name": claim.name or label}
    return claim.model_copy(update=update)
