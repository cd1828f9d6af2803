"""What people changed in a bot's pull request before merging: the merged files beside the plan that was merged.

In: the plan's services and the merged manifests. Out: corrections with the source id under which they are cited, and
notes on what could not be read. Never: trust in a manifest, a value that no plan could hold.

A correction that an earlier plan took over is no difference any more: it is carried on by the plan's own record of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bot.flow.citing import short_id
from bot.model.decision import Decision
from bot.model.evidence import Correction, Piece
from bot.model.finding import Finding
from bot.model.plan import ServicePlan
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import RefinementKey, problem_with
from bot.model.tree import YamlDocument
from bot.ports import YamlReader

LARGEST: Final = 256 * 1024
"""Characters of a manifest that is read."""
_KEYS: Final[Mapping[str, RefinementKey]] = {
    "replicas": "replicas",
    "hpa.min": "min",
    "hpa.max": "max",
    "hpa.target_cpu_percent": "target",
    "requests.cpu": "cpu",
    "requests.memory": "memory",
    "limits.cpu": "cpu_limit",
    "limits.memory": "memory_limit",
}
"""The key of the number that a decision's path ends in."""

Number = tuple[RefinementKey, str | None, Any]
"""A key, what the plan says, and what the manifest says."""


def manifest_paths(app: str, service: ServicePlan) -> tuple[str, ...]:
    """The files of a service that hold its numbers."""
    stem = f"apps/{app}/kubernetes/{service.name}"
    return (f"{stem}-{service.kind.lower()}.yaml", *((f"{stem}-hpa.yaml",) if service.hpa else ()))


def corrections_in(
    app: str, services: Sequence[ServicePlan], texts: Mapping[str, str], *, yaml: YamlReader
) -> tuple[tuple[Correction, ...], tuple[Finding, ...]]:
    """The differences between merged manifests (``texts`` by path) and the merged plan."""
    fit = {path: text.encode() for path, text in texts.items() if len(text) <= LARGEST}
    documents, unread = yaml.read(fit) if fit else ({}, ())
    found: list[Correction] = []
    findings = [_unread(path, f"more than {LARGEST:,} characters") for path in texts if path not in fit]
    findings += [_unread(item.path, item.reason) for item in unread]
    for service in services:
        for path in manifest_paths(app, service):
            for number in _numbers(service, documents.get(path, ())):
                made = _compared(app, service.name, path, number)
                if isinstance(made, Finding):
                    findings.append(made)
                elif made is not None:
                    found.append(made)
    return tuple(found), tuple(findings)


def carried(app: str, decisions: Iterable[Decision]) -> Iterator[Correction]:
    """The corrections that the merged plan had taken over already."""
    for decision in decisions:
        parts = decision.path.split(".", 2)
        if len(parts) < 3 or parts[0] != "services" or not decision.source.startswith(f"correction:{app}/"):
            continue
        key, value = _KEYS.get(parts[2]), decision.value
        if key is None or not isinstance(value, str | int) or problem_with(key, str(value)) is not None:
            continue
        ruled = decision.inputs.get("rule")
        yield Correction(
            service=parts[1],
            key=key,
            proposed="another value" if ruled is None else str(ruled)[:40],
            merged=str(value),
            source_id=decision.source,
        )


def newest(*corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """One for each number; a later group beats an earlier one."""
    found = {(entry.service, entry.key): entry for group in corrections for entry in group}
    return tuple(found[where] for where in sorted(found))


def correction_pieces(corrections: Iterable[Correction]) -> tuple[Piece, ...]:
    """One piece for each file that people changed."""
    by_file: dict[str, list[Correction]] = {}
    for entry in corrections:
        by_file.setdefault(entry.source_id, []).append(entry)
    return tuple(
        Piece(
            source_id=source_id,
            kind="correction",
            title=f"Corrected before merging: {entries[0].service}",
            text="; ".join(f"{one.service}.{one.key}: {one.proposed} became {one.merged}" for one in entries),
        )
        for source_id, entries in sorted(by_file.items())
    )


def _numbers(service: ServicePlan, documents: tuple[YamlDocument, ...]) -> Iterator[Number]:
    for document in documents:
        kind = _at(document.value, "kind")
        if _at(document.value, "metadata", "name") != service.name:
            continue
        if kind == service.kind:
            yield from _of_workload(service, document.value)
        elif kind == "HorizontalPodAutoscaler" and service.hpa is not None:
            yield "min", str(service.hpa.min), _at(document.value, "spec", "minReplicas")
            yield "max", str(service.hpa.max), _at(document.value, "spec", "maxReplicas")
            yield "target", str(service.hpa.target_cpu_percent), _target(document.value)


def _of_workload(service: ServicePlan, manifest: Any) -> Iterator[Number]:
    resources = _at(_container(service.name, manifest), "resources")
    limit = service.limits.cpu
    if service.hpa is None:
        yield "replicas", str(service.replicas), _at(manifest, "spec", "replicas")
    yield "cpu", service.requests.cpu.to_k8s(), _at(resources, "requests", "cpu")
    yield "memory", service.requests.memory.to_k8s(), _at(resources, "requests", "memory")
    yield "cpu_limit", None if limit is None else limit.to_k8s(), _at(resources, "limits", "cpu")
    yield "memory_limit", service.limits.memory.to_k8s(), _at(resources, "limits", "memory")


def _container(name: str, manifest: Any) -> Any:
    containers = _list(_at(manifest, "spec", "template", "spec", "containers"))
    return next((one for one in containers if _at(one, "name") == name), None)


def _target(manifest: Any) -> Any:
    for metric in _list(_at(manifest, "spec", "metrics")):
        if _at(metric, "resource", "name") == "cpu" and _at(metric, "resource", "target", "type") == "Utilization":
            return _at(metric, "resource", "target", "averageUtilization")
    return None


def _compared(app: str, service: str, path: str, number: Number) -> Correction | Finding | None:
    key, planned, seen = number
    if seen is None:
        return None
    merged = str(seen) if isinstance(seen, str | int | float) and not isinstance(seen, bool) else ""
    problem = problem_with(key, merged)
    if problem is not None:
        return _unread(path, f"{key} {problem}")
    if _alike(key, merged) == (None if planned is None else _alike(key, planned)):
        return None
    source_id = short_id(f"correction:{app}/{path.rpartition('/')[2]}")
    return Correction(
        service=service, key=key, proposed=planned or "none", merged=_alike(key, merged), source_id=source_id
    )


def _alike(key: RefinementKey, text: str) -> str:
    """One spelling of a quantity. ``problem_with`` has read it before."""
    if "cpu" in key:
        return MilliCpu.parse(text).to_k8s()
    return Bytes.parse(text).to_k8s() if "memory" in key else text


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _unread(path: str, reason: str) -> Finding:
    return Finding(
        rule="memory-unread",
        severity="note",
        path=path,
        message=f"What people changed in {path} was not learnt: {reason}.",
        remedy="Nothing has to be done; the plan follows the rules where it knows no correction.",
    )
