"""Rollouts: watched to their end, and taken back when they do not come up.

In: workloads. Out: ``Rollout``s. Never: a look more often than the limits say, an undo of what did not change, a pod of
another workload deleted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from bot.edges.kubectl.ownership import managed, reowned
from bot.edges.kubectl.program import MANAGER, Kubectl, Thing, failed
from bot.edges.kubectl.reading import (
    KINDS,
    Progress,
    labels_of,
    name_of,
    of,
    progress,
    revision,
    rows,
    selected,
    table,
)
from bot.edges.kubectl.reasons import LOOKED_AT, reason
from bot.errors import Unavailable
from bot.model.applied import Rollout, WorkloadRef

_SCALERS: Final = "horizontalpodautoscalers.autoscaling"
_REVISIONS: Final = "controllerrevisions.apps"
_TRIES: Final = 5
State = Literal["complete", "failed", "returned"]


@dataclass
class Watch:
    """One look at workloads, and how long since the first."""

    kubectl: Kubectl
    refs: tuple[WorkloadRef, ...]
    pause: Callable[[float], None] = time.sleep
    began: float = field(default_factory=time.monotonic)
    done: dict[WorkloadRef, tuple[float, Progress]] = field(default_factory=dict)
    last: dict[WorkloadRef, Progress] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def until(self, limit: float) -> None:
        """Look until all are complete or the limit has passed; at least twice, for an API server that hesitates.

        Raises Unavailable when the last look failed too.
        """
        trouble: Unavailable | None = None
        while True:
            try:
                self._look()
                trouble = None
            except Unavailable as problem:
                trouble = problem
            if (trouble is None and set(self.done) == set(self.refs)) or self.seconds > limit:
                break
            self.pause(self.kubectl.limits.look)
        if trouble is not None:
            raise trouble

    def _look(self) -> None:
        found = looked(self.kubectl, self.refs, (*KINDS, _SCALERS))
        for ref in self.refs:
            self.last[ref] = now = progress(ref, found[ref.namespace])
            if not now.complete:
                self.done.pop(ref, None)
            elif ref not in self.done:
                self.done[ref] = (self.seconds, now)

    def rollouts(self) -> tuple[Rollout, ...]:
        """What was seen last, with the reasons of those that are not complete."""
        late = tuple(ref for ref in self.refs if ref not in self.done)
        why = reasons(self.kubectl, late)
        return tuple(self._rollout(ref, why.get(ref, "")) for ref in self.refs)

    def _rollout(self, ref: WorkloadRef, why: str) -> Rollout:
        state: State = "complete" if ref in self.done else "failed"
        seconds = self.done[ref][0] if ref in self.done else self.seconds
        now = self.last.get(ref, Progress())
        return Rollout(
            workload=ref, state=state, ready=now.ready, wanted=now.wanted, seconds=round(seconds, 1), why=why
        )


def looked(kubectl: Kubectl, refs: Iterable[WorkloadRef], kinds: tuple[str, ...]) -> dict[str, list[Thing]]:
    """All objects of these kinds, by the namespaces of the workloads: one call for each namespace."""
    spaces = sorted({ref.namespace for ref in refs})
    return {space: kubectl.get(kinds, space, step=f"look at the rollout in {space}") for space in spaces}


def reasons(kubectl: Kubectl, refs: tuple[WorkloadRef, ...]) -> dict[WorkloadRef, str]:
    """One sentence for each; without an answer of the API server none."""
    if not refs:
        return {}
    try:
        found = looked(kubectl, refs, (*KINDS, *LOOKED_AT))
    except Unavailable:
        return {}
    return {ref: reason(ref, found[ref.namespace], redact=kubectl.redact) for ref in refs}


def revisions(kubectl: Kubectl, refs: tuple[WorkloadRef, ...]) -> dict[str, int]:
    """By name; a workload that is scaled to nothing runs no revision."""
    found = looked(kubectl, refs, (*KINDS, _REVISIONS))
    made: dict[str, int] = {}
    for ref in refs:
        thing = of(ref, found[ref.namespace])
        number = revision(thing, found[ref.namespace]) if thing is not None else None
        if number is not None:
            made[ref.name] = number
    return made


@dataclass
class Undo:
    """The way back of some workloads."""

    kubectl: Kubectl
    before: Mapping[str, int]
    pause: Callable[[float], None] = time.sleep

    def go(self, refs: tuple[WorkloadRef, ...]) -> tuple[Rollout, ...]:
        """Undo what changed, wait a while, and tell."""
        found = looked(self.kubectl, refs, (*KINDS, _REVISIONS))
        changed = {ref for ref in refs if self._undone(ref, found[ref.namespace])}
        watch = Watch(self.kubectl, refs, pause=self.pause)
        watch.until(self.kubectl.limits.returning)
        return tuple(
            each.model_copy(update={"state": "returned"}) if each.workload in changed else each
            for each in watch.rollouts()
        )

    def _undone(self, ref: WorkloadRef, objects: list[Thing]) -> bool:
        thing = of(ref, objects)
        if thing is None:
            return False
        had = self.before.get(ref.name)
        if had is None:
            self._keeping_owner(ref, lambda: self._scaled_to_nothing(ref))
            return True
        if revision(thing, objects, newest=True) == had:
            return False
        self._keeping_owner(ref, lambda: self._to_revision(ref, had))
        if ref.kind == "StatefulSet":
            self._unstuck(ref, thing)
        return True

    def _to_revision(self, ref: WorkloadRef, number: int) -> None:
        self.kubectl.ask("rollout", "undo", _path(ref), _in(ref), f"--to-revision={number}", step=f"undo of {ref.name}")

    def _scaled_to_nothing(self, ref: WorkloadRef) -> None:
        patch = json.dumps({"spec": {"replicas": 0}})
        flags = ("--type=merge", f"--patch={patch}", f"--field-manager={MANAGER}")
        self.kubectl.ask("patch", _path(ref), _in(ref), *flags, step=f"scaling of {ref.name} to nothing")

    def _keeping_owner(self, ref: WorkloadRef, change: Callable[[], None]) -> None:
        """Change a workload, then give the fields back to our manager.

        The controllers write to it at the same time, so the patch names the version that it was made from, and is tried
        again; when all tries are beaten the next apply tells of a conflict, and nothing is lost.
        """
        before = managed(self._with_owners(ref))
        change()
        for _ in range(_TRIES):
            thing = self._with_owners(ref)
            wanted = reowned(before, managed(thing))
            if wanted is None:
                return
            patch = [
                {"op": "test", "path": "/metadata/resourceVersion", "value": _version(thing)},
                {"op": "replace", "path": "/metadata/managedFields", "value": wanted},
            ]
            flags = ("--type=json", f"--patch={json.dumps(patch)}", f"--field-manager={MANAGER}")
            if not failed(self.kubectl.tried("patch", _path(ref), _in(ref), *flags)):
                return
            self.pause(self.kubectl.limits.look)

    def _with_owners(self, ref: WorkloadRef) -> Thing:
        kind = f"{ref.kind.lower()}s.apps"
        return self.kubectl.found(kind, ref.name, ref.namespace, "--show-managed-fields") or {}

    def _unstuck(self, ref: WorkloadRef, thing: Thing) -> None:
        """A StatefulSet waits for its broken pod before it goes back (kubernetes/kubernetes#67250): delete that."""
        broken = table(thing.get("status")).get("updateRevision")
        for pod in self.kubectl.get(("pods",), ref.namespace, step=f"look at the pods of {ref.name}"):
            own = selected(thing).items() <= labels_of(pod).items()
            if own and labels_of(pod).get("controller-revision-hash") == broken and not _is_ready(pod):
                flags = (_in(ref), "--ignore-not-found", "--wait=false")
                self.kubectl.ask("delete", f"pod/{name_of(pod)}", *flags, step=f"deletion of pod {name_of(pod)}")


def _version(thing: Thing) -> str:
    return str(table(thing.get("metadata")).get("resourceVersion", ""))


def _is_ready(pod: Thing) -> bool:
    found = rows(table(pod.get("status")).get("conditions"))
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in found)


def _path(ref: WorkloadRef) -> str:
    return f"{ref.kind.lower()}.apps/{ref.name}"


def _in(ref: WorkloadRef) -> str:
    return f"--namespace={ref.namespace}"
