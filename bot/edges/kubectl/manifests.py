"""``bot.deploy.Manifests`` by the kubectl program, with the rights of the apply role.

In: folders with a kustomization, workloads. Out: our nouns. Never: ``--force-conflicts``, a Namespace changed or
deleted, a secret's value among arguments or in a text, a base from the network.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bot.edges.kubectl.addresses import Addresses
from bot.edges.kubectl.deleting import Deletion
from bot.edges.kubectl.differences import all_new, shown
from bot.edges.kubectl.failures import Failed, plain, trouble
from bot.edges.kubectl.limits import KubectlLimits
from bot.edges.kubectl.process import Ran
from bot.edges.kubectl.program import MANAGER, Kubectl, Thing, as_json, failed
from bot.edges.kubectl.reading import labels_of, name_of, namespace_of, rows, table, workloads
from bot.edges.kubectl.rollouts import Undo, Watch, revisions
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.applied import Rollout, Url, WorkloadRef

_LEVEL: Final = "restricted"
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_SECURITY: Final = re.compile(r'would violate PodSecurity "([a-z]+):[^"]*": ([^\n]*)')
_DIFFERENT: Final = 1
_APPLY: Final = ("apply", "--server-side", f"--field-manager={MANAGER}", "--filename=-")


class KubectlManifests:
    """``bot.deploy.Manifests``. ``binary`` is a name searched on ``ours["PATH"]``, or a path."""

    def __init__(
        self,
        kubeconfig: Path,
        *,
        redact: Callable[[str], str],
        binary: str = "kubectl",
        limits: KubectlLimits | None = None,
        ours: Mapping[str, str] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redact = redact
        self._limits = limits or KubectlLimits()
        self._pause = pause
        self._kubectl = Kubectl(
            kubeconfig=kubeconfig,
            redact=redact,
            binary=binary,
            limits=self._limits,
            ours=dict(os.environ) if ours is None else ours,
        )

    def diff(self, folder: Path) -> str:
        """See the port. Objects whose namespace does not exist are told as new."""
        objects = self._kubectl.objects(folder)
        lacking = {space for space in _spaces(objects) if self._kubectl.found("namespace", space) is None}
        new = [each for each in objects if namespace_of(each) in lacking]
        known = [each for each in objects if namespace_of(each) not in lacking]
        return "\n".join(part for part in (all_new(new), self._compared(known)) if part)

    def _compared(self, objects: list[Thing]) -> str:
        if not objects:
            return ""
        flags = ("--server-side", "--force-conflicts=false", f"--field-manager={MANAGER}", "--filename=-")
        ran = self._kubectl.tried("diff", *flags, given=as_json(*objects), seconds=self._limits.write)
        if ran.stopped or ran.code not in {0, _DIFFERENT}:
            raise self._kubectl.trouble(ran, "comparison with the cluster")
        return shown(ran.out, redact=self._redact, most=self._limits.shown) if ran.code == _DIFFERENT else ""

    def ensure_namespace(self, name: str) -> bool:
        """See the port. An existing one stays as it is. Raises Unavailable while one is being deleted."""
        found = self._kubectl.found("namespace", name)
        if found is not None:
            _must_stay(name, found)
            return False
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _namespace_labels()}}
        ran = self._kubectl.tried("create", "--filename=-", "--output=name", given=as_json(made))
        if failed(ran) and "(AlreadyExists)" not in ran.err:
            raise self._kubectl.trouble(ran, f"creation of the namespace {name}")
        return not failed(ran)

    def apply(self, folder: Path) -> tuple[WorkloadRef, ...]:
        """See the port. Everything is tried on the server first, so a refusal of one object changes none."""
        objects = self._kubectl.objects(folder)
        if not objects:
            return ()
        step, given = f"apply of {len(objects)} objects", as_json(*objects)
        tried = self._applied(given, step, "--dry-run=server")
        self._secure_enough(tried, objects)
        self._applied(given, step)
        return workloads(objects)

    def _applied(self, given: bytes, step: str, *more: str) -> Ran:
        ran = self._kubectl.tried(*_APPLY, "--output=name", *more, given=given, seconds=self._limits.write)
        if failed(ran):
            raise self._kubectl.trouble(ran, step)
        return ran

    def _secure_enough(self, ran: Ran, objects: list[Thing]) -> None:
        """The server only warns of a workload whose pods it will refuse. Raises Refused(policy) where it will."""
        warned = _SECURITY.findall(ran.err)
        if not warned:
            return
        spaces = [self._kubectl.found("namespace", space) or {} for space in _spaces(objects)]
        enforced = {labels_of(each).get(_ENFORCE) for each in spaces}
        for level, why in warned:
            if level in enforced:
                raise Refused(_insecure(level, plain(why, redact=self._redact)))

    def revisions(self, workloads: tuple[WorkloadRef, ...]) -> dict[str, int]:
        """See the port. A workload that is scaled to nothing runs no revision, so it has none here."""
        return revisions(self._kubectl, workloads)

    def watch(self, workloads: tuple[WorkloadRef, ...], *, seconds: float) -> tuple[Rollout, ...]:
        """See the port. Workloads that do not exist yet are waited for, as Argo CD and Flux make them later."""
        watch = Watch(self._kubectl, workloads, pause=self._pause)
        watch.until(seconds)
        return watch.rollouts()

    def undo(self, workloads: tuple[WorkloadRef, ...], revisions: Mapping[str, int]) -> tuple[Rollout, ...]:
        """See the port. What did not change is told as it stands."""
        return Undo(self._kubectl, revisions, pause=self._pause).go(workloads)

    def delete(self, folder: Path, *, claims: bool) -> tuple[str, ...]:
        """See the port."""
        return Deletion(self._kubectl, self._kubectl.objects(folder), self._pause).go(claims=claims)

    def store_secret(self, namespace: str, name: str, values: Mapping[str, bytes]) -> None:
        """See the port. The values go through standard input, and out of every text."""
        data = {key: base64.b64encode(value).decode() for key, value in values.items()}
        labels = {"app.kubernetes.io/managed-by": MANAGER}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "type": "Opaque",
            "data": data,
        }
        ran = self._kubectl.tried(*_APPLY, "--output=name", given=as_json(secret))
        if failed(ran):
            raise trouble(Failed(ran, f"storing of the secret {name}", _without(values, data, self._redact)))

    def nodes_ready(self, names: tuple[str, ...], *, seconds: float) -> tuple[int, str | None]:
        """See the port. A cluster that does not answer yet has no node that is Ready. The oldest version is told."""
        began, ready = time.monotonic(), dict[str, str]()
        while True:
            try:
                found = self._kubectl.get(("nodes",), None, step="look at the nodes")
                ready = {name_of(each): _version(each) for each in found if name_of(each) in names and _is_ready(each)}
            except Unavailable:
                ready = {}
            if len(ready) == len(set(names)) or time.monotonic() - began > seconds:
                return len(ready), min(ready.values(), key=_parts, default=None)
            self._pause(self._limits.look)

    def urls(self, namespace: str) -> tuple[Url, ...]:
        """See the port."""
        return Addresses(self._kubectl, namespace).urls()


def _spaces(objects: list[Thing]) -> list[str]:
    return sorted({space for each in objects if (space := namespace_of(each)) is not None})


def _namespace_labels() -> dict[str, str]:
    levels = {f"pod-security.kubernetes.io/{mode}": _LEVEL for mode in ("enforce", "warn", "audit")}
    return {**levels, "app.kubernetes.io/managed-by": MANAGER}


def _must_stay(name: str, found: Thing) -> None:
    if table(found.get("status")).get("phase") == "Terminating":
        raise Unavailable(
            Code.CONFLICT,
            f"The namespace {name} is being deleted.",
            remedy="Wait until it is gone, then run this again.",
        )


def _without(
    values: Mapping[str, bytes], data: Mapping[str, str], redact: Callable[[str], str]
) -> Callable[[str], str]:
    """``redact``, and these values in both spellings."""
    secret = [*data.values(), *(value.decode("utf-8", errors="replace") for value in values.values())]

    def cleaned(text: str) -> str:
        for each in sorted((each for each in secret if each), key=len, reverse=True):
            text = text.replace(each, "***")
        return redact(text)

    return cleaned


def _is_ready(node: Thing) -> bool:
    found = rows(table(node.get("status")).get("conditions"))
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in found)


def _version(node: Thing) -> str:
    return str(table(table(node.get("status")).get("nodeInfo")).get("kubeletVersion", ""))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])


def _insecure(level: str, why: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"The namespace enforces Pod Security `{level}`, which these pods break: {why}. Nothing was applied.",
        remedy="Change the securityContext in the files. The level of the namespace is not lowered by ai-provision.",
    )
