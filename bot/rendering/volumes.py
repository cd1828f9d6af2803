"""Volumes: what must outlive a pod, and what must be writable while it runs.

In: the planned claim and the paths that the survey saw. Out: mounts, volumes and claims. Never: a path of the host.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.plan import ServicePlan, Storage
from bot.model.profile import Service
from bot.rendering.data_text import without_secrets
from bot.rendering.identity import writable_folders

DATA: Final = "data"
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._@+=,-]{1,100}){1,20}/?", re.ASCII)
_NO_MOUNT: Final = frozenset({"/proc", "/sys", "/dev", "/etc", "/bin", "/usr", "/lib"})


def data_paths(facts: Service) -> tuple[str, ...]:
    """Paths of the repository that can be mounted, each once, without a trailing slash."""
    return tuple(dict.fromkeys(volume.path.rstrip("/") for volume in facts.volumes if _mountable(volume.path)))


def unmountable_count(facts: Service) -> int:
    """How many stated paths cannot be mounted."""
    return sum(not _mountable(volume.path) for volume in facts.volumes)


def _mountable(path: str) -> bool:
    plain = path.rstrip("/")
    parts = plain.split("/")
    unsafe = _PATH.fullmatch(path) is None or without_secrets(path) != path
    return not unsafe and not {".", ".."} & set(parts) and plain not in _NO_MOUNT


def claim_name(planned: ServicePlan) -> str:
    """The claim of a Deployment; a StatefulSet names its claims itself."""
    return f"{planned.name}-{DATA}"


def mounts(planned: ServicePlan, facts: Service) -> list[dict[str, object]]:
    """``volumeMounts``. Every kept path has its own sub-path, so that a second one can be added later."""
    made: list[dict[str, object]] = [
        {"name": _scratch(index), "mountPath": path} for index, path in enumerate(_scratch_paths(planned, facts))
    ]
    if planned.storage is not None:
        made += [{"name": DATA, "mountPath": path, "subPath": _slug(path)} for path in _kept(facts)]
    return made


def pod_volumes(planned: ServicePlan, facts: Service) -> list[dict[str, object]]:
    """``volumes`` of the pod."""
    made: list[dict[str, object]] = [
        {"name": _scratch(index), "emptyDir": {}} for index, _ in enumerate(_scratch_paths(planned, facts))
    ]
    if planned.storage is not None and planned.kind == "Deployment":
        made.append({"name": DATA, "persistentVolumeClaim": {"claimName": claim_name(planned)}})
    return made


def claim_spec(storage: Storage) -> dict[str, object]:
    """``spec`` of a persistent volume claim."""
    spec: dict[str, object] = {"accessModes": ["ReadWriteOnce"]}
    if storage.storage_class is not None:
        spec["storageClassName"] = storage.storage_class
    return {**spec, "resources": {"requests": {"storage": storage.size.to_k8s()}}}


def _kept(facts: Service) -> tuple[str, ...]:
    return data_paths(facts) or (f"/{DATA}",)


def _scratch_paths(planned: ServicePlan, facts: Service) -> tuple[str, ...]:
    """Writable folders; stated paths are among them when the plan keeps nothing."""
    if facts.windows:
        return ()
    kept = _kept(facts) if planned.storage is not None else ()
    lost = () if planned.storage is not None else data_paths(facts)
    return tuple(path for path in dict.fromkeys([*writable_folders(facts), *lost]) if path not in kept)


def _scratch(index: int) -> str:
    return "tmp" if index == 0 else f"scratch-{index}"


def _slug(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-").lower() or DATA
