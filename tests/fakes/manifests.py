"""The port ``bot.deploy.Manifests`` in memory: objects, revisions, owners, and pods that fare as their image says.

In: folders with ``kustomization.yaml`` (``namespace``, ``resources``) and one object a file. Out: what kubectl would make of
them. Never: a process, a cluster. Held to the contract of ``tests/edges/kubectl_contract.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.applied import Rollout, Url, WorkloadRef

Fault = Literal["", "unreachable", "forbidden", "quota"]
Key = tuple[str, str, str]
_TROUBLES = {
    "cannot-be-pulled": "the image {image} cannot be pulled (ImagePullBackOff).",
    "crashes": "container web ends with exit code 1, 3 restarts (CrashLoopBackOff).",
    "unschedulable": "no node can take pod web: 0/5 nodes are available.",
}
_LEVELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


@dataclass
class FakeManifests:
    """``fault`` is met by every call until a test takes it away. ``log`` holds ``(verb, name)``.

    ``failing``: workloads whose newest revision does not come up, with the reason, beside what their image says.
    """

    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    templates: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)
    owners: dict[Key, str] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, tuple[Url, ...]] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    fault: Fault = ""
    log: list[tuple[str, str]] = field(default_factory=list)

    def diff(self, folder: Path) -> str:
        """See the port."""
        self._open("diff", folder.name)
        told = [self._difference(key, wanted) for key, wanted in bundle(folder).items()]
        return "\n".join(line for line in told if line)

    def ensure_namespace(self, name: str) -> bool:
        """See the port."""
        self._open("ensure_namespace", name)
        if name in self.namespaces:
            return False
        self.namespaces[name] = {**_LEVELS, "app.kubernetes.io/managed-by": "ai-provision"}
        return True

    def apply(self, folder: Path) -> tuple[WorkloadRef, ...]:
        """See the port."""
        self._open("apply", folder.name)
        wanted = bundle(folder)
        for key, thing in wanted.items():
            self._may(key, thing)
        for key, thing in wanted.items():
            self._put(key, thing)
        return tuple(
            WorkloadRef(kind=kind, name=name, namespace=space)
            for space, kind, name in wanted
            if kind in ("Deployment", "StatefulSet")
        )

    def revisions(self, workloads: tuple[WorkloadRef, ...]) -> dict[str, int]:
        """See the port."""
        self._open("revisions", "")
        return {
            ref.name: len(self.templates[_key(ref)])
            for ref in workloads
            if _key(ref) in self.objects and self._replicas(ref) > 0
        }

    def watch(self, workloads: tuple[WorkloadRef, ...], *, seconds: float) -> tuple[Rollout, ...]:
        """See the port. No time passes: what fails has used all of it."""
        self._open("watch", "")
        return tuple(self._seen(ref, seconds) for ref in workloads)

    def undo(self, workloads: tuple[WorkloadRef, ...], revisions: Mapping[str, int]) -> tuple[Rollout, ...]:
        """See the port."""
        self._open("undo", "")
        now = self.revisions(workloads)
        changed = {
            ref for ref in workloads if revisions.get(ref.name) != now.get(ref.name) and _key(ref) in self.objects
        }
        for ref in changed:
            had, thing = revisions.get(ref.name), self.objects[_key(ref)]
            if had is None:
                thing["spec"]["replicas"] = 0
            else:
                self._roll(_key(ref), thing, copy.deepcopy(self.templates[_key(ref)][had - 1]))
        return tuple(
            self._seen(ref, 1.0).model_copy(update={"state": "returned"}) if ref in changed else self._seen(ref, 1.0)
            for ref in workloads
        )

    def delete(self, folder: Path, *, claims: bool) -> tuple[str, ...]:
        """See the port."""
        self._open("delete", folder.name)
        wanted = bundle(folder)
        gone = [key for key in wanted if key in self.objects and key[1] != "PersistentVolumeClaim"]
        if claims:
            gone += [key for key in self.objects if key[1] == "PersistentVolumeClaim" and _belongs(key, wanted)]
        for key in gone:
            del self.objects[key]
            self.templates.pop(key, None)
        return tuple(f"{kind}/{name}" for _, kind, name in gone)

    def store_secret(self, namespace: str, name: str, values: Mapping[str, bytes]) -> None:
        """See the port."""
        self._open("store_secret", name)
        self.secrets[namespace, name] = dict(values)

    def nodes_ready(self, names: tuple[str, ...], *, seconds: float) -> tuple[int, str | None]:
        """See the port."""
        del seconds
        self.log.append(("nodes_ready", ""))
        there = [] if self.fault == "unreachable" else [self.nodes[name] for name in names if name in self.nodes]
        return len(there), min(there, default=None)

    def urls(self, namespace: str) -> tuple[Url, ...]:
        """See the port."""
        self._open("urls", namespace)
        return self.addresses.get(namespace, ())

    def _open(self, verb: str, name: str) -> None:
        self.log.append((verb, name))
        if self.fault == "unreachable":
            raise Unavailable(Code.CAPACITY, "The Kubernetes API server does not answer.", remedy="Run this again.")
        if self.fault == "forbidden":
            raise _refused(Code.KUBERNETES_AUTH, "The apply role may not `patch` `deployments.apps`.", "Give it that.")
        if self.fault == "quota" and verb == "apply":
            raise _refused(Code.CAPACITY, "The namespace's quota has no room for it.", "Raise it, or ask for less.")

    def _difference(self, key: Key, wanted: dict[str, Any]) -> str:
        space, kind, name = key
        live = self.objects.get(key)
        if live is None:
            return f"+ {kind}/{name} (new, in {space})"
        lacking = _lacking(wanted, live)
        return f"--- {kind}/{name}\n+ {lacking}" if lacking else ""

    def _may(self, key: Key, wanted: dict[str, Any]) -> None:
        live, owner = self.objects.get(key), self.owners.get(key)
        if key[0] not in self.namespaces:
            raise _refused(Code.CONFIG, f"The namespace `{key[0]}` does not exist.", "Create it.")
        if live is not None and owner and live["spec"].get("replicas") != wanted["spec"].get("replicas"):
            raise _refused(Code.CONFLICT, f"`{owner}` owns `.spec.replicas`.", "Decide who owns the fields.")

    def _put(self, key: Key, wanted: dict[str, Any]) -> None:
        live = self.objects.get(key)
        made = copy.deepcopy(wanted)
        if key[1] in ("Deployment", "StatefulSet"):
            made["spec"].setdefault("replicas", 1)
            self._roll(key, made, made["spec"]["template"])
            self._claims(key, made)
        if live is None or key[1] != "PersistentVolumeClaim":
            self.objects[key] = made

    def _roll(self, key: Key, thing: dict[str, Any], template: dict[str, Any]) -> None:
        thing["spec"]["template"] = template
        known = self.templates.setdefault(key, [])
        if not known or known[-1] != template:
            known.append(copy.deepcopy(template))

    def _claims(self, key: Key, thing: dict[str, Any]) -> None:
        for template in thing["spec"].get("volumeClaimTemplates", []):
            for number in range(thing["spec"]["replicas"]):
                name = f"{template['metadata']['name']}-{key[2]}-{number}"
                self.objects[key[0], "PersistentVolumeClaim", name] = {"spec": template["spec"]}

    def _replicas(self, ref: WorkloadRef) -> int:
        return int(self.objects[_key(ref)]["spec"].get("replicas", 1))

    def _seen(self, ref: WorkloadRef, seconds: float) -> Rollout:
        if _key(ref) not in self.objects:
            why = f"{ref.kind} {ref.name} does not exist."
            return Rollout(workload=ref, state="failed", ready=0, wanted=0, seconds=seconds, why=why)
        wanted, why = self._replicas(ref), self._trouble(ref)
        if not why or wanted == 0:
            return Rollout(workload=ref, state="complete", ready=wanted, wanted=wanted, seconds=0.0)
        return Rollout(workload=ref, state="failed", ready=0, wanted=wanted, seconds=seconds, why=why)

    def _trouble(self, ref: WorkloadRef) -> str:
        containers = self.objects[_key(ref)]["spec"]["template"]["spec"]["containers"]
        told = (
            text.format(image=each["image"])
            for each in containers
            for word, text in _TROUBLES.items()
            if word in each["image"]
        )
        return next(told, self.failing.get(ref.name, ""))


def bundle(folder: Path) -> dict[Key, dict[str, Any]]:
    """The objects of a kustomization by namespace, kind and name."""
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    things = [yaml.safe_load((folder / name).read_text("utf-8")) for name in listed["resources"]]
    space = listed.get("namespace")
    return {
        (space or each["metadata"].get("namespace", ""), each["kind"], each["metadata"]["name"]): each
        for each in things
    }


def _key(ref: WorkloadRef) -> Key:
    return ref.namespace, ref.kind, ref.name


def _belongs(claim: Key, wanted: Mapping[Key, dict[str, Any]]) -> bool:
    """A claim of the files, or one that a StatefulSet of the files made."""
    made = (
        f"{template['metadata']['name']}-{name}-"
        for (space, kind, name), thing in wanted.items()
        if kind == "StatefulSet" and space == claim[0]
        for template in thing["spec"].get("volumeClaimTemplates", [])
    )
    return claim in wanted or any(claim[2].startswith(each) and claim[2][len(each) :].isdigit() for each in made)


def _lacking(wanted: Any, live: Any, path: str = "") -> str:
    """The first value that is wanted and not there."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        told = (_lacking(value, live.get(key), f"{path}.{key}") for key, value in wanted.items())
        return next((each for each in told if each), "")
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        told = (_lacking(one, other, f"{path}[]") for one, other in zip(wanted, live, strict=True))
        return next((each for each in told if each), "")
    return "" if wanted == live else f"{path}: {wanted}"


def _refused(code: Code, message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=code, message=message, remedy=remedy))
