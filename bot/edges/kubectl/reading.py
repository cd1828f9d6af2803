"""Workloads as Kubernetes tells of them: how far a rollout is, which revision runs.

In: objects as the API server sent them. Out: our nouns. Never: a call, an exception for an odd object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bot.edges.kubectl.program import Thing
from bot.model.applied import WorkloadRef

KINDS: Final = ("deployments.apps", "statefulsets.apps")
_REVISION: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Progress:
    """How far one workload is. ``there``: it exists; ``complete``: every pod of the newest revision is available."""

    there: bool = False
    complete: bool = False
    ready: int = 0
    wanted: int = 0


def table(value: object) -> Thing:
    """A mapping, or nothing in it."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Thing]:
    """The mappings of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number(value: object) -> int:
    """A count; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def name_of(thing: Thing) -> str:
    """``metadata.name``."""
    return str(table(thing.get("metadata")).get("name", ""))


def namespace_of(thing: Thing) -> str | None:
    """``metadata.namespace``; None for what has none."""
    found = table(thing.get("metadata")).get("namespace")
    return found if isinstance(found, str) and found else None


def labels_of(thing: Thing) -> dict[str, str]:
    """``metadata.labels``."""
    return {str(key): str(value) for key, value in table(table(thing.get("metadata")).get("labels")).items()}


def selected(thing: Thing) -> dict[str, str]:
    """The labels that a workload selects its pods by."""
    found = table(table(table(thing.get("spec")).get("selector")).get("matchLabels"))
    return {str(key): str(value) for key, value in found.items()}


def of(ref: WorkloadRef, found: Iterable[Thing]) -> Thing | None:
    """The workload itself among objects of its namespace."""
    return next((each for each in found if each.get("kind") == ref.kind and name_of(each) == ref.name), None)


def workloads(found: Iterable[Thing]) -> tuple[WorkloadRef, ...]:
    """The Deployments and StatefulSets among objects, each once, in their order."""
    refs: dict[WorkloadRef, None] = {}
    for each in found:
        kind, space = each.get("kind"), namespace_of(each)
        if kind in ("Deployment", "StatefulSet") and space is not None:
            refs[WorkloadRef(kind=kind, name=name_of(each), namespace=space)] = None
    return tuple(refs)


def progress(ref: WorkloadRef, found: Iterable[Thing]) -> Progress:
    """How far a workload is, by the rule of ``kubectl rollout status`` and the minimum of its autoscaler.

    Source of the rule: kubernetes/kubectl pkg/polymorphichelpers/rollout_status.go.
    """
    objects = list(found)
    thing = of(ref, objects)
    if thing is None:
        return Progress()
    status, wanted = table(thing.get("status")), wanted_of(thing, objects)
    ready = number(status.get("readyReplicas"))
    seen = number(status.get("observedGeneration")) >= number(table(thing.get("metadata")).get("generation"))
    counts = [number(status.get(key)) for key in ("updatedReplicas", "replicas", "readyReplicas", "availableReplicas")]
    whole = seen and all(count == wanted for count in counts) and _one_revision(thing)
    return Progress(there=True, complete=whole, ready=ready, wanted=wanted)


def wanted_of(thing: Thing, objects: Iterable[Thing]) -> int:
    """Replicas asked for; at least the minimum of an autoscaler, except where the workload is scaled to nothing."""
    replicas = table(thing.get("spec")).get("replicas", 1)
    asked = number(replicas)
    if asked == 0:
        return 0
    least = (
        number(table(each.get("spec")).get("minReplicas", 1))
        for each in objects
        if each.get("kind") == "HorizontalPodAutoscaler" and _scales(each, thing)
    )
    return max([asked, *least])


def _scales(scaler: Thing, thing: Thing) -> bool:
    target = table(table(scaler.get("spec")).get("scaleTargetRef"))
    return (target.get("kind"), target.get("name")) == (thing.get("kind"), name_of(thing))


def _one_revision(thing: Thing) -> bool:
    """A StatefulSet is done when all of it runs the newest revision."""
    status = table(thing.get("status"))
    if thing.get("kind") != "StatefulSet" or number(table(thing.get("spec")).get("replicas", 1)) == 0:
        return True
    return status.get("currentRevision") == status.get("updateRevision")


def revision(thing: Thing, objects: Iterable[Thing], *, newest: bool = False) -> int | None:
    """The number of the present revision; None where no pod is asked for or no controller has numbered it yet.

    Of a StatefulSet the one that its pods run; with ``newest`` the one that it is moving to.
    """
    if number(table(thing.get("spec")).get("replicas", 1)) == 0:
        return None
    if thing.get("kind") == "Deployment":
        return _digits(table(table(thing.get("metadata")).get("annotations")).get(_REVISION))
    status = table(thing.get("status"))
    named = status.get("updateRevision" if newest else "currentRevision")
    for each in objects:
        if each.get("kind") == "ControllerRevision" and name_of(each) == named:
            return number(each.get("revision")) or None
    return None


def _digits(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,17}", value) else None
