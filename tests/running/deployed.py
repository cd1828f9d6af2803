"""Reads deploy/ as the tools would: manifests assembled from their kustomizations, units, settings that are named."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SIZES = ("base", "single")
COMPONENTS = ("ingress", "service-monitor")

Object = dict[str, Any]


def documents(path: Path) -> list[Any]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def assembled(folder: Path) -> list[Object]:
    """Every object of a kustomization, as far as PyYAML can tell: resources, components, generated ConfigMaps."""
    [kustomization] = documents(folder / "kustomization.yaml")
    found: list[Object] = []
    for entry in (*kustomization.get("resources", ()), *kustomization.get("components", ())):
        path = (folder / entry).resolve()
        found += assembled(path) if path.is_dir() else documents(path)
    for generated in kustomization.get("configMapGenerator", ()):
        data = dict(literal.split("=", 1) for literal in generated["literals"])
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generated["name"]}, "data": data})
    return found


def kustomized(folder: Path) -> list[Object] | None:
    """What kubectl makes of it; None where there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return None
    done = subprocess.run([kubectl, "kustomize", str(folder)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document is not None]


def named(objects: list[Object], kind: str) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def pods(objects: list[Object]) -> dict[str, Object]:
    """Pod specs by the name of what makes them."""
    makers = [item for item in objects if item["kind"] in {"Deployment", "StatefulSet"}]
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in makers}


def unit(path: Path) -> dict[str, list[str]]:
    """The keys of a systemd unit with all their values, sections joined."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, sign, value = line.partition("=")
            assert sign, line
            found.setdefault(key, []).append(value)
    return found


_SETTING = re.compile(r"\b(?:AI_PROVISION|PROXMOX|GITHUB|KUBECONFIG|PROMETHEUS|GOOGLE|OPENAI|OLLAMA)_?[A-Z_]*\b")


def settings_named() -> Iterator[tuple[str, str]]:
    """Each (file, setting) below deploy/, the Dockerfile included."""
    for path in sorted([*DEPLOY.rglob("*"), ROOT / "Dockerfile"]):
        if path.is_file() and path.suffix != ".lock":
            yield from ((str(path.relative_to(ROOT)), name) for name in sorted(set(_SETTING.findall(path.read_text()))))
