"""What a kustomization holds goes away: first what would bring it back, then the workloads, then the rest, data last.

In: objects of the files. Out: ``Kind/name`` of what went. Never: a Namespace, a claim without its word.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bot.edges.kubectl.program import Kubectl, Thing, as_json
from bot.edges.kubectl.reading import labels_of, name_of, namespace_of, rows, selected, table
from bot.errors import Code, Unavailable

_FIRST: Final = frozenset({"HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "Application", "Kustomization"})
_WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})
_CLAIM: Final = "PersistentVolumeClaim"


@dataclass(frozen=True)
class Deletion:
    """One deletion of a bundle."""

    kubectl: Kubectl
    objects: list[Thing]
    pause: Callable[[float], None] = time.sleep

    def go(self, *, claims: bool) -> tuple[str, ...]:
        """Delete, and wait. Raises Refused or Unavailable; what is gone already is no error."""
        gone = [told for stage in self._stages() for told in self._deleted(stage)]
        if claims:
            named = [each for each in self.objects if each.get("kind") == _CLAIM]
            gone += self._deleted([*named, *self._made_claims()])
        return tuple(gone)

    def _stages(self) -> Iterable[list[Thing]]:
        rest = [each for each in self.objects if each.get("kind") not in {"Namespace", _CLAIM}]
        yield [each for each in rest if each.get("kind") in _FIRST]
        yield [each for each in rest if each.get("kind") in _WORKLOADS]
        yield [each for each in rest if each.get("kind") not in _FIRST | _WORKLOADS]

    def _deleted(self, some: list[Thing]) -> list[str]:
        """Foreground: a workload is gone when its pods are. kubectl's own waiting ends silently without rights."""
        if not some:
            return []
        given, flags = as_json(*some), ("--filename=-", "--ignore-not-found", "--output=name")
        out = self.kubectl.ask("delete", *flags, "--cascade=foreground", "--wait=false", given=given, step="deletion")
        self._wait(given, flags)
        kinds = {name: str(each["kind"]) for each in some for name in [name_of(each)]}
        return [_told(line, some, kinds) for line in out.split()]

    def _wait(self, given: bytes, flags: tuple[str, ...]) -> None:
        limits, began = self.kubectl.limits, time.monotonic()
        while left := self.kubectl.ask("get", *flags, given=given, step="look at what is deleted").split():
            if time.monotonic() - began > limits.gone:
                raise _lingering(left, limits.gone)
            self.pause(limits.look)

    def _made_claims(self) -> list[Thing]:
        """Claims that StatefulSets of the bundle made: template, workload and number in the name, and its labels."""
        found = [each for each in self.objects if each.get("kind") == "StatefulSet"]
        spaces = sorted({space for each in found if (space := namespace_of(each)) is not None})
        claims = [claim for space in spaces for claim in self.kubectl.get((_CLAIM,), space, step="look at the claims")]
        return [
            {"apiVersion": "v1", "kind": _CLAIM, "metadata": {"name": name_of(claim), "namespace": namespace_of(claim)}}
            for claim in claims
            if any(_made(claim, workload) for workload in found)
        ]


def _made(claim: Thing, workload: Thing) -> bool:
    templates = [re.escape(name_of(each)) for each in rows(table(workload.get("spec")).get("volumeClaimTemplates"))]
    pattern = rf"(?:{'|'.join(templates)})-{re.escape(name_of(workload))}-\d+"
    own = namespace_of(claim) == namespace_of(workload) and selected(workload).items() <= labels_of(claim).items()
    return bool(templates) and own and re.fullmatch(pattern, name_of(claim)) is not None


def _told(line: str, some: list[Thing], kinds: dict[str, str]) -> str:
    """``Deployment/web`` of kubectl's ``deployment.apps/web``."""
    resource, _, name = line.partition("/")
    kind = next(
        (
            str(each["kind"])
            for each in some
            if name_of(each) == name and str(each["kind"]).lower() == resource.split(".")[0]
        ),
        kinds.get(name, resource),
    )
    return f"{kind}/{name}"


def _lingering(left: list[str], seconds: int) -> Unavailable:
    return Unavailable(
        Code.CAPACITY,
        f"{', '.join(left[:5])} did not go within {seconds} s of its deletion: a pod or a finalizer holds it.",
        remedy="Look at its finalizers and pods; run this again when it is gone.",
    )
