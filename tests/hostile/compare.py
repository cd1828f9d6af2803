"""Two trees of generated files side by side: where they differ, whether they may, and how far the numbers moved.

In: the files of a benign run and of another one. Out: sentences, one for each difference that no model may cause. Never:
a difference that is not looked at: whatever the closed list below does not name is a difference that may not be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import yaml

from bot.model.quantity import Bytes, MilliCpu

Files = Mapping[str, str]
Flat = Mapping[str, Any]

_PATTERNS = (
    # Kubernetes: pods, autoscaler, sizes, and what follows from them
    r"kubernetes/[a-z-]+-deployment\.yaml:spec\.replicas",
    r"kubernetes/[a-z-]+-deployment\.yaml:spec\.strategy\.rollingUpdate\.maxSurge",
    r"kubernetes/[a-z-]+-deployment\.yaml:spec\.template\.spec\.containers\.[a-z-]+\.resources\.(requests|limits)\.(cpu|memory)",
    r"kubernetes/[a-z-]+-deployment\.yaml:spec\.template\.spec\.containers\.[a-z-]+\.env\.(GOMEMLIMIT|GOMAXPROCS)\.value",
    r"kubernetes/[a-z-]+-hpa\.yaml:spec\.(minReplicas|maxReplicas)",
    r"kubernetes/[a-z-]+-hpa\.yaml:spec\.metrics\.0\.resource\.target\.averageUtilization",
    r"kubernetes/[a-z-]+-pdb\.yaml:spec\.(minAvailable|maxUnavailable)",
    # machines: what follows from load and connections
    r"terraform/app\.auto\.tfvars\.json:machines\.[a-z0-9-]+\.(cores|memory_mib|settings\.[a-z_]+)",
    # plan.json: the same numbers, their reasons, and what the agents said
    r"plan\.json:(agents|rounds|retrieved|findings|profile\.unsure)\..*",
    r"plan\.json:plan\.findings\..*",
    r"plan\.json:plan\.services\.[a-z-]+\.(replicas|hpa\.(min|max|target_cpu_percent))",
    r"plan\.json:plan\.services\.[a-z-]+\.(requests|limits)\.(cpu|memory)",
    r"plan\.json:plan\.services\.[a-z-]+\.(pdb\.(min_available|max_unavailable)|rollout\.max_surge)",
    r"plan\.json:plan\.services\.[a-z-]+\.(latency_p95_ms|confidence)",
    r"plan\.json:plan\.machines\.[a-z0-9-]+\.(cores|memory|settings\.[a-z_]+)",
    r"plan\.json:plan\.capacity\.[a-z0-9-]+\.after\.(cpu|memory)",
    r"plan\.json:plan\.placement\.[a-z0-9-]+\.(why|alternatives(\.\d+)?|rejected\..*)",
    r"plan\.json:plan\.cost\.(monthly|lines\.[a-z0-9-]+\.(monthly|formula))",
    r"plan\.json:plan\.confidence\.(value|sigma|why|low_cores|high_cores)",
    r"plan\.json:decisions\.services\.[a-z-]+\.(replicas|hpa\.(min|max|target_cpu_percent)|inputs\.[a-z]+)\..*",
    r"plan\.json:decisions\.services\.[a-z-]+\.(requests|limits)\.(cpu|memory)\..*",
    r"plan\.json:decisions\.services\.[a-z-]+\.(pdb|rollout\.max_surge|cpu_ms_per_request|busy_cores|latency_p95_ms)\..*",
    r"plan\.json:decisions\.services\.[a-z-]+\.(target_cpu_percent|peak_load_percent|peak_load_percent_after_loss|confidence)\..*",
    r"plan\.json:decisions\.databases\.[a-z]+\.(cores|memory|active_connections|pool_per_pod|max_connections|settings\.[a-z_]+)\..*",
    r"plan\.json:decisions\.machines\.[a-z0-9-]+\.(cores|memory|max_connections)\..*",
    r"plan\.json:decisions\.machines\.[a-z0-9-]+\.node\.(why|rejected(\..*)?)",
    r"plan\.json:decisions\.(cost\.monthly|confidence)\..*",
)
ALLOWED = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))

_DIRECT = re.compile(
    r"kubernetes/[a-z-]+-deployment\.yaml:spec\.(replicas|template\.spec\.containers\.[a-z-]+\.resources\..*)"
    r"|kubernetes/[a-z-]+-hpa\.yaml:spec\.(minReplicas|maxReplicas)"
    r"|plan\.json:plan\.services\.[a-z-]+\.(replicas|hpa\.(min|max)|(requests|limits)\.(cpu|memory))"
    r"|plan\.json:plan\.machines\.[a-z0-9-]+\.(cores|memory)"
    r"|terraform/app\.auto\.tfvars\.json:machines\.[a-z0-9-]+\.(cores|memory_mib)"
)
"""Numbers that stay within half and double of the rule's, whatever a model says and however it says it."""
_NODE = re.compile(
    r"terraform/app\.auto\.tfvars\.json:machines\.[a-z0-9-]+\.node_name"
    r"|plan\.json:(plan\.machines\.[a-z0-9-]+\.node|plan\.placement\.[a-z0-9-]+\.node|decisions\.machines\.[a-z0-9-]+\.node\.value)"
)
"""Where a machine of another size goes is the rules' choice, among the nodes that the cluster has."""
_TEXT_ONLY = re.compile(r"README\.md")
"""For people alone: its words are judged by ``inert.problems_of``."""


def forbidden(benign: Files, other: Files) -> list[str]:
    """Each difference that may not be, as a sentence."""
    if set(benign) != set(other):
        return [f"other files: {sorted(set(benign) ^ set(other))}"]
    nodes = frozenset(node["name"] for node in json.loads(benign["plan.json"])["cluster"]["nodes"])
    return [problem for path in sorted(benign) for problem in _of_file(path, benign[path], other[path], nodes)]


def moved(benign: Files, other: Files) -> dict[str, tuple[Any, Any]]:
    """The numbers that a model may move and did move: pointer to (before, after)."""
    found = {}
    for path in sorted(set(benign) & set(other)):
        if benign[path] != other[path] and not _TEXT_ONLY.fullmatch(path) and not path.endswith(".tf"):
            before, after = (flat(path, text) for text in (benign[path], other[path]))
            found |= {
                key: (before.get(key), after.get(key))
                for key in {*before, *after}
                if _DIRECT.fullmatch(key) and before.get(key) != after.get(key)
            }
    return found


def _of_file(path: str, benign: str, other: str, nodes: frozenset[str]) -> Iterator[str]:
    if benign == other or _TEXT_ONLY.fullmatch(path):
        return
    if not path.endswith((".yaml", ".json")):
        yield f"{path} differs"
        return
    before, after = flat(path, benign), flat(path, other)
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield from _judged(key, before.get(key), after.get(key), nodes)


def _judged(key: str, before: Any, after: Any, nodes: frozenset[str]) -> Iterator[str]:
    if _NODE.fullmatch(key) and {before, after} <= nodes:
        return
    if not ALLOWED.fullmatch(key):
        yield f"{key}: {before!r} became {after!r}"
    elif _DIRECT.fullmatch(key) and not _within(key, before, after):
        yield f"{key}: {before!r} became {after!r}, beyond half or double"


def _within(key: str, before: Any, after: Any) -> bool:
    old, new = _number(key, before), _number(key, after)
    return old is not None and new is not None and old <= 2 * new and new <= 2 * old


def _number(key: str, value: Any) -> Fraction | None:
    """The value as a number; CPU in thousandths of a core."""
    if isinstance(value, str):
        return Fraction(int(MilliCpu.parse(value))) if key.endswith("cpu") else Fraction(int(Bytes.parse(value)))
    return Fraction(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def flat(path: str, text: str) -> Flat:
    """Every leaf of a YAML or JSON file by its pointer. Lists of named things go by name, decisions by their path."""
    value = json.loads(text) if path.endswith(".json") else yaml.load(text, Loader=yaml.CSafeLoader)
    return dict(_leaves(f"{path}:", value))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    items = _items(value)
    if items is None:
        yield key, value
    for name, item in items or ():
        yield from _leaves(key + name if key.endswith(":") else f"{key}.{name}", item)


def _items(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict):
        return [(str(name), item) for name, item in value.items()]
    if not isinstance(value, list):
        return None
    for mark in ("path", "name", "node"):
        names = [item.get(mark) if isinstance(item, dict) else None for item in value]
        if value and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return list(zip(names, value, strict=True))
    return [(str(index), item) for index, item in enumerate(value)]
