"""The corpus file as nouns, and the words in which truth and survey are compared.

In: the corpus JSON. Out: ``Entry`` values and normal forms. Never: an opinion about a service.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.model.quantity import Bytes, MilliCpu

FAMILIES: Final = (
    ("symfony", r"symfony"), ("spring-boot", r"spring|webflux"), ("rails", r"rails"), ("sidekiq", r"sidekiq"),
    ("rocket", r"rocket"), ("express", r"express"), ("flask", r"flask"), ("locust", r"locust"),
    ("gorilla/mux", r"gorilla"), ("negroni", r"negroni"), ("net/http", r"net/http"), ("nginx", r"nginx"),
    ("grpc", r"grpc"), ("aspnet", r"asp\.?net"), ("amqp", r"amqp"),
)  # fmt: skip
"""The family of a framework by the first pattern that its name holds; a name without a family is ``none``."""

KINDS: Final = {"postgres": "postgresql", "redis-cluster": "redis"}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the community's manifests state; None where they are silent."""

    replicas: str | None = None
    cpu: MilliCpu | None = None
    memory: Bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One service and the truth about it. ``health`` None: the corpus does not say."""

    id: str
    repo: str
    commit: str
    part: str
    strip: tuple[str, ...]
    description: str
    language: str
    framework: str
    ports: frozenset[int]
    protocol: str
    dependencies: frozenset[str]
    health: frozenset[str] | None
    stateful: bool
    dockerfile: str
    sizes: Sizes
    quality: str


@dataclass(frozen=True, kw_only=True)
class Tricky:
    """One awkward place and what a careful person would want to be told about it."""

    kind: str
    repo: str
    commit: str
    path: str
    expect: str


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Services and awkward places."""

    services: tuple[Entry, ...] = ()
    tricky: tuple[Tricky, ...] = field(default=())


def read_corpus(path: Path) -> Corpus:
    """The corpus file. Raises OSError, KeyError or ValueError when it is none."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Corpus(
        services=tuple(_entry(row) for row in data["services"]),
        tricky=tuple(
            Tricky(**{key: row[key] for key in ("kind", "repo", "commit", "path", "expect")}) for row in data["tricky"]
        ),
    )


def _entry(row: dict[str, Any]) -> Entry:
    protocol = "none" if row["protocol"] == "none" else row["protocol"]
    return Entry(
        id=row["id"],
        repo=row["repo"],
        commit=row["commit"],
        part="" if row["service_dir"] == "." else row["service_dir"],
        strip=tuple(row["strip_before_survey"]),
        description=row["app_description"],
        language=row["language"],
        framework=family(row["framework"]),
        ports=frozenset(row["ports"]),
        protocol=protocol,
        dependencies=frozenset(KINDS.get(kind, kind) for kind in row["dependencies"]),
        health=_health(row),
        stateful=row["stateful"],
        dockerfile=row["dockerfile"],
        sizes=_sizes(row["k8s"] or {}),
        quality=row["truth_quality"],
    )


def _health(row: dict[str, Any]) -> frozenset[str] | None:
    if row["health_endpoints"]:
        return frozenset(row["health_endpoints"])
    probe = str((row["k8s"] or {}).get("liveness") or "")
    kind = probe.partition(" ")[0]
    return frozenset({kind}) if kind in {"grpc", "exec"} else None


def _sizes(stated: dict[str, Any]) -> Sizes:
    requests = stated.get("requests") or {}
    scale = stated.get("hpa")
    replicas = f"{scale['min']}-{scale['max']}" if scale else stated.get("replicas")
    return Sizes(
        replicas=str(replicas) if replicas is not None else None,
        cpu=MilliCpu.parse(requests["cpu"]) if "cpu" in requests else None,
        memory=Bytes.parse(requests["memory"]) if "memory" in requests else None,
    )


def family(framework: str | None) -> str:
    """``gRPC`` in any language is one family, and so are the others; ``none`` when nothing fits."""
    lower = (framework or "").lower()
    return next((name for name, pattern in FAMILIES if re.search(pattern, lower)), "none")
