"""Our own policy on what a pod may be: schema validity is not safety.

In: the bundle. Out: findings on privileges, images, values of variables, quantities, ports and probes. Never: trust in
the renderer, a rule that only the schema knows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bot.checks.bundle import Bundle, Json, Manifest, mapping, sequence
from bot.model.finding import Finding, Severity
from bot.model.quantity import Bytes, MilliCpu

Place = tuple[str | int, ...]

_POD: Final[Place] = ("spec", "template", "spec")
_SAFE_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    }
)  # fmt: skip
"""The sysctls that Pod Security ``restricted`` allows."""

_VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
"""The volume types that Pod Security ``restricted`` allows; ``hostPath`` is none of them."""

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE: Final = re.compile(
    rf"(?P<registry>[a-zA-Z0-9.-]+(?::[0-9]{{1,5}})?)/(?P<name>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_MOVING: Final = frozenset({"main", "master", "edge", "nightly", "dev", "develop", "stable", "current"})
_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass(frozen=True, kw_only=True)
class Pod:
    """The pod of one workload and where it stands."""

    manifest: Manifest
    spec: Json

    @property
    def windows(self) -> bool:
        """Linux-only fields are forbidden in Windows pods."""
        return mapping(self.spec.get("os")).get("name") == "windows"

    def containers(self) -> Iterator[tuple[Place, Json]]:
        """Every container with its place."""
        for key in ("initContainers", "containers", "ephemeralContainers"):
            for index, container in enumerate(sequence(self.spec.get(key))):
                yield (*_POD, key, index), mapping(container)

    def finding(
        self, rule: str, message: str, remedy: str, *, at: Place = _POD, severity: Severity = "block"
    ) -> Finding:
        """A finding at a place of the manifest."""
        return self.manifest.finding(rule, message, remedy, at=at, severity=severity)


def _pods(bundle: Bundle) -> Iterator[Pod]:
    for manifest in bundle.workloads:
        template = mapping(manifest.spec.get("template"))
        yield Pod(manifest=manifest, spec=mapping(template.get("spec")))


def privileges(bundle: Bundle) -> Iterator[Finding]:
    """Nothing of the host: no shared namespaces, paths, ports or privileged containers."""
    remedy = "Remove it: applications get nothing of the host."
    for pod in _pods(bundle):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                yield pod.finding("privileged", f"The pod asks for {key}.", remedy, at=(*_POD, key))
        for index, volume in enumerate(sequence(pod.spec.get("volumes"))):
            for kind in sorted(set(mapping(volume)) - _VOLUMES - {"name"}):
                at = (*_POD, "volumes", index)
                yield pod.finding("privileged", f"The pod mounts a volume of type {kind[:40]}.", remedy, at=at)
        for at, container in pod.containers():
            if mapping(container.get("securityContext")).get("privileged"):
                yield pod.finding("privileged", "The container is privileged.", remedy, at=at)
            for port in map(mapping, sequence(container.get("ports"))):
                if port.get("hostPort") is not None or port.get("hostIP") is not None:
                    yield pod.finding("privileged", "The container takes a port of the host.", remedy, at=at)


def restricted(bundle: Bundle) -> Iterator[Finding]:
    """Pod Security ``restricted``, and no token of the Kubernetes API."""
    for pod in _pods(bundle):
        context = mapping(pod.spec.get("securityContext"))
        for message in _pod_gaps(pod, context):
            yield pod.finding(
                "not-restricted", message, "Follow Pod Security restricted.", at=(*_POD, "securityContext")
            )
        for at, container in pod.containers():
            for message in [] if pod.windows else _container_gaps(mapping(container.get("securityContext"))):
                yield pod.finding("not-restricted", message, "Follow Pod Security restricted.", at=at)


def _pod_gaps(pod: Pod, context: Json) -> Iterator[str]:
    if context.get("runAsNonRoot") is not True:
        yield "The pod may run as root."
    if context.get("runAsUser") == 0:
        yield "The pod runs as user 0."
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield "The pod gets a token of the Kubernetes API."
    if not pod.windows and mapping(context.get("seccompProfile")).get("type") != "RuntimeDefault":
        yield "The pod has no seccomp profile."
    for item in map(mapping, sequence(context.get("sysctls"))):
        if item.get("name") not in _SAFE_SYSCTLS:
            yield f"The sysctl {str(item.get('name'))[:60]!a} is not in the safe set."


def _container_gaps(context: Json) -> Iterator[str]:
    capabilities = mapping(context.get("capabilities"))
    if context.get("allowPrivilegeEscalation") is not False:
        yield "The container may gain privileges."
    if capabilities.get("drop") != ["ALL"]:
        yield "The container keeps capabilities."
    if set(sequence(capabilities.get("add"))) - {"NET_BIND_SERVICE"}:
        yield "The container adds capabilities."
    if context.get("readOnlyRootFilesystem") is not True:
        yield "The container may write to its image."
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield "The container runs as root."


def images(bundle: Bundle) -> Iterator[Finding]:
    """Registry, name and a fixed tag or digest, from a registry that the config file allows."""
    allowed = bundle.config.limits.registries
    for pod in _pods(bundle):
        for at, container in pod.containers():
            reference = str(container.get("image", ""))
            match = _IMAGE.fullmatch(reference)
            where = (*at, "image")
            if match is None or not _is_registry(match["registry"]) or not (match["tag"] or match["digest"]):
                yield pod.finding(
                    "image", f"{reference[:80]!a} is not registry/name:tag.", "Name registry, image and tag.", at=where
                )
            elif match["tag"] == "latest" and not match["digest"]:
                yield pod.finding("image", "The tag latest is not fixed.", "Name a fixed tag or a digest.", at=where)
            elif match["tag"] in _MOVING and not match["digest"]:
                remedy = "Name a version or a digest."
                yield pod.finding("image-moving", f"The tag {match['tag']} moves.", remedy, at=where, severity="warn")
            elif allowed and not _from(reference, allowed):
                remedy = "Push the image to a registry of .ai-provision.yaml."
                yield pod.finding("image", "The registry is not allowed.", remedy, at=where)


def _is_registry(name: str) -> bool:
    return "." in name or ":" in name or name == "localhost"


def _from(reference: str, allowed: tuple[str, ...]) -> bool:
    return any(reference.startswith(registry.rstrip("/") + "/") for registry in allowed)


def variables(bundle: Bundle) -> Iterator[Finding]:
    """Values only for what our own rules set; every name once."""
    for pod in _pods(bundle):
        planned = {service.name: service.runtime_env for service in bundle.plan.services}.get(pod.manifest.name, {})
        for at, container in pod.containers():
            entries = [mapping(entry) for entry in sequence(container.get("env"))]
            ours = {"PORT": str(_first_port(container)), **planned}
            for index, entry in enumerate(entries):
                if "value" in entry and entry["value"] != ours.get(str(entry.get("name"))):
                    remedy = "Refer to a Secret or a ConfigMap."
                    where = (*at, "env", index)
                    yield pod.finding("env-value", "A variable holds a plain value.", remedy, at=where)
            for name, count in Counter(str(entry.get("name")) for entry in entries).items():
                if count > 1:
                    yield pod.finding("env-twice", f"{name[:60]!a} is set {count} times.", "Set it once.", at=at)
            if container.get("envFrom"):
                yield pod.finding("env-value", "Variables come from a whole object.", "Name each one.", at=at)


def _first_port(container: Json) -> Any:
    ports = sequence(container.get("ports"))
    return mapping(ports[0]).get("containerPort") if ports else None


def quantities(bundle: Bundle) -> Iterator[Finding]:
    """Requests and limits parse, are above zero, and a request is never above its limit; memory has a limit."""
    for pod in _pods(bundle):
        for at, container in pod.containers():
            stated = mapping(container.get("resources"))
            for rule, message, remedy in _resource_gaps(stated):
                yield pod.finding(rule, message, remedy, at=(*at, "resources"))


def _resource_gaps(stated: Json) -> Iterator[tuple[str, str, str]]:
    requests, limits = mapping(stated.get("requests")), mapping(stated.get("limits"))
    for name, reader in (("cpu", MilliCpu), ("memory", Bytes)):
        request, limit = _read(reader, requests.get(name)), _read(reader, limits.get(name))
        if request is None or request <= 0 or (name in limits and (limit is None or limit <= 0)):
            yield "quantity", f"The {name} is missing, zero or no quantity.", "Write a quantity such as 250m or 128Mi."
        elif limit is not None and request > limit:
            remedy = "Raise the limit to the request."
            yield "request-above-limit", f"The {name} request is above its limit.", remedy
    if "memory" not in limits:
        yield "no-memory-limit", "The container has no memory limit.", "Set the limit to the request."


def _read(reader: type[MilliCpu | Bytes], text: object) -> int | None:
    try:
        return reader.parse(str(text))
    except ValueError:
        return None


def ports_and_probes(bundle: Bundle) -> Iterator[Finding]:
    """Ports in range and named once; probes only on ports that the container has; mounts only of volumes of the pod."""
    for pod in _pods(bundle):
        for at, container in pod.containers():
            for message in (*_port_gaps(container), *_mount_gaps(pod, container)):
                yield pod.finding(
                    "port" if "port" in message else "mount", message, "Use what the pod declares.", at=at
                )
            known = {value for port in _ports(container) for value in (port.get("name"), port.get("containerPort"))}
            for probe in _PROBES:
                asked = _probe_port(mapping(container.get(probe)))
                if asked is not None and asked not in known:
                    message = f"The {probe} asks a port that the container does not have."
                    yield pod.finding("probe-port", message, "Use a declared port.", at=(*at, probe))


def _ports(container: Json) -> list[Json]:
    return [mapping(port) for port in sequence(container.get("ports"))]


def _port_gaps(container: Json) -> Iterator[str]:
    ports = _ports(container)
    for port in ports:
        number = port.get("containerPort")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            yield "The port is not between 1 and 65535."
    names = Counter(port.get("name") for port in ports)
    numbers = Counter((port.get("containerPort"), port.get("protocol")) for port in ports)
    if any(count > 1 for count in (*names.values(), *numbers.values())):
        yield "A port stands there twice."


def _mount_gaps(pod: Pod, container: Json) -> Iterator[str]:
    volumes = {mapping(volume).get("name") for volume in sequence(pod.spec.get("volumes"))}
    claims = sequence(pod.manifest.spec.get("volumeClaimTemplates"))
    volumes |= {mapping(mapping(claim).get("metadata")).get("name") for claim in claims}
    mounts = [mapping(mount) for mount in sequence(container.get("volumeMounts"))]
    if any(mount.get("name") not in volumes for mount in mounts):
        yield "A mount names a volume that the pod does not have."
    if len({mount.get("mountPath") for mount in mounts}) != len(mounts):
        yield "Two mounts share one path."


def _probe_port(probe: Json) -> Any:
    for kind in ("httpGet", "tcpSocket", "grpc"):
        if kind in probe:
            return mapping(probe[kind]).get("port")
    return None
