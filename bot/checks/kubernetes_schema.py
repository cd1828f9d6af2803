"""Manifests against the published schemas of the cluster's own Kubernetes version, strictly.

In: the bundle. Out: findings ``kubernetes-schema``, ``kubernetes-kind``, ``kustomization``. Never: a warning where a
kind has no schema: unknown is forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from kubernetes_validate.utils import all_versions, jsonschema, schema_contents  # with its own validator: same verdict
from referencing import Registry, Resource

from bot.checks.bundle import KUBERNETES, Bundle, Manifest, mapping, sequence
from bot.model.finding import Finding

DEFAULT_VERSION: Final = (1, 33)
"""The schemas used when the cluster was not read."""

_VERSION: Final = re.compile(r"v?(\d{1,2})\.(\d{1,3})(?:\D.*)?", re.ASCII | re.DOTALL)
_KUSTOMIZATION: Final = "kustomization.yaml"
_KUSTOMIZATION_KEYS: Final = frozenset({"apiVersion", "kind", "namespace", "resources"})
_MOST: Final = 20


def kubernetes_schema(bundle: Bundle) -> Iterator[Finding]:
    """Every manifest fits the strict schema of the pinned version."""
    version = schema_version(_cluster_version(bundle))
    for manifest in bundle.manifests:
        if KUBERNETES in manifest.path and manifest.kind != "Kustomization":
            yield from _judge(manifest, version)


def kustomization(bundle: Bundle) -> Iterator[Finding]:
    """The kustomization sets one namespace and lists exactly the files beside it."""
    beside = [file.path for file in bundle.changes.files if KUBERNETES in file.path]
    if not beside:
        return
    lists = bundle.of_kind("Kustomization")
    if len(lists) != 1 or not lists[0].path.endswith("/" + _KUSTOMIZATION):
        yield _missing_list(beside[0].rsplit("/", 1)[0])
        return
    kept, folder = lists[0], lists[0].path.removesuffix(_KUSTOMIZATION)
    expected = sorted(path.removeprefix(folder) for path in beside if path != kept.path)
    listed = [str(item) for item in sequence(kept.value.get("resources"))]
    if sorted(listed) != expected:
        yield kept.finding(
            "kustomization",
            "The list of resources is not the list of files.",
            "List every file once.",
            at=("resources",),
        )
    if set(kept.value) != _KUSTOMIZATION_KEYS:
        yield kept.finding(
            "kustomization", "It does more than set a namespace and list files.", "Remove every other key."
        )


def _missing_list(folder: str) -> Finding:
    return Finding(
        rule="kustomization",
        severity="block",
        path=f"{folder}/{_KUSTOMIZATION}",
        message="There is not exactly one kustomization.",
        remedy="Write one kustomization.yaml that lists all files.",
    )


def _cluster_version(bundle: Bundle) -> tuple[int, int] | None:
    """The oldest kubelet of the nodes that the plan was made for, as ``plan.json`` keeps it."""
    document = mapping(bundle.data.get(f"{bundle.changes.root}/plan.json"))
    nodes = map(mapping, sequence(mapping(document.get("cluster")).get("nodes")))
    texts = (str(node.get("version") or "") for node in nodes if node.get("system") == "kubernetes")
    found = [(int(match[1]), int(match[2])) for text in texts if (match := _VERSION.fullmatch(text))]
    return min(found, default=None)


def schema_version(wanted: tuple[int, int] | None) -> str:
    """The newest version with schemas that is not newer than the cluster; the oldest one for an older cluster."""
    known = sorted(_known())
    target = wanted or DEFAULT_VERSION
    fitting = [version for version in known if version <= target] or known[:1]
    return f"{fitting[-1][0]}.{fitting[-1][1]}.0"


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[int, int], ...]:
    pairs = (text.split("-", 1)[0].split(".") for text in all_versions())
    return tuple({(int(major), int(minor)) for major, minor, *_ in pairs})


def _judge(manifest: Manifest, version: str) -> Iterator[Finding]:
    api = str(manifest.value.get("apiVersion", ""))
    validator = _validator(manifest.kind.lower(), api, version)
    if validator is None:
        yield manifest.finding(
            "kubernetes-kind",
            f"Kubernetes {version} has no kind {manifest.kind[:40]!a} in {api[:60]!a}.",
            "Use a built-in kind and version of this cluster.",
            at=("kind",),
        )
        return
    for error in list(validator.iter_errors(manifest.value))[:_MOST]:
        yield manifest.finding(
            "kubernetes-schema",
            f"{error.json_path}: {str(error.message)[:200]}.",
            f"Use the fields of {manifest.kind} in Kubernetes {version}.",
            at=tuple(error.absolute_path),
        )


@lru_cache(maxsize=256)
def _validator(kind: str, api: str, version: str) -> Any | None:
    """The validator of one kind, or None when the version has no such kind."""
    if not re.fullmatch(r"[a-z]{1,60}", kind, re.ASCII) or not re.fullmatch(r"[a-z0-9./-]{1,80}", api, re.ASCII):
        return None
    group, _, name = api.rpartition("/")
    suffix = f"{group.split('.', 1)[0]}-{name}" if group else name
    try:
        schema = schema_contents(f"{_folder(version)}/{kind}-{suffix}.json", version)
    except FileNotFoundError:
        return None
    registry = Resource.from_contents(schema) @ _definitions(version)
    return jsonschema.validators.Draft202012Validator(schema, registry=registry)


@lru_cache(maxsize=4)
def _definitions(version: str) -> Registry[Any]:
    contents = schema_contents(f"{_folder(version)}/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


def _folder(version: str) -> str:
    return f"kubernetes-json-schema/v{version}-local-strict"
