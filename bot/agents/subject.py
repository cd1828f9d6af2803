"""What a payload is about, in the words of the planner: one service, what it has to bear, and which workload it is.

In: a ``Payload`` and a reader for its manifests. Out: ``Subject``, or a ``Refusal`` (``name``). Never: a fetch of the
repository that it names, a size copied from its manifest, a fact that was guessed in silence.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.errors import Refusal
from bot.model.demand import Demand
from bot.model.noun import JsonValue
from bot.model.profile import Dependency, Evidence, Header, Service
from bot.model.recommendation import Because, Target
from bot.model.standard import AppMetadata, Payload
from bot.model.tree import Tree
from bot.planning.naming import service_slug
from bot.planning.throughput import rate_of
from bot.ports import YamlReader
from bot.survey.description.reading import read_description
from bot.survey.images import language_of
from bot.survey.manifests import Workload, read_manifests
from bot.survey.yaml_view import View, roots

UNNAMED: Final = "app"
_RENAME: Final = "Set app_metadata.name to a name of that form."
_MANIFEST: Final = "service_manifest.deployment_yaml"
_SEEN: Final = Evidence(path="payload")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*", re.ASCII)
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_OBJECT_NAME: Final = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?", re.ASCII)
_FOR_DEVELOPERS: Final = frozenset({"dev", "develop", "development", "test", "testing"})


@dataclass(frozen=True)
class Subject:
    """``name`` is the slug that the rules use, ``target`` what a patch changes."""

    name: str
    service: Service
    demand: Demand
    target: Target
    reasons: tuple[Because, ...]


@dataclass(frozen=True)
class _Found:
    """The workload of the payload's manifests, its container's name, and what there was to say."""

    workload: Workload | None = None
    container: str | None = None
    reasons: tuple[Because, ...] = ()


def subject_of(payload: Payload, *, yaml: YamlReader) -> Subject | Refusal:
    """Everything but the numbers. What is absent takes its default and is named in the reasons."""
    metadata = payload.app_metadata or AppMetadata()
    found = _manifests(payload, wanted=metadata.name, yaml=yaml)
    name, named = _name(payload, found.workload)
    if isinstance(name, Refusal):
        return name
    demand = read_description(payload.description or "")
    tier, tiered = _criticality(payload, metadata, demand)
    language, framework, told = _stack(payload, demand)
    service = _service(name, found=found, demand=demand).model_copy(
        update={"language": language, "framework": framework, "header": _header(name, metadata, criticality=tier)}
    )
    reasons = (*named, *told, *tiered, *found.reasons, *_unused(payload))
    return Subject(name, service, demand, _target(name, found), reasons=reasons)


def _service(name: str, *, found: _Found, demand: Demand) -> Service:
    workload = found.workload
    wanted = tuple(Dependency(kind=entry.kind, evidence=(_SEEN,)) for entry in demand.dependencies)
    if workload is None:
        return Service(name=name, path="", dependencies=wanted)
    return Service(
        name=name,
        path="",
        dependencies=wanted,
        image=workload.image or None,
        volumes=workload.volumes,
        declared=workload.declared,
        memory_floor=workload.memory_floor,
    )


def _header(name: str, metadata: AppMetadata, *, criticality: str | None) -> Header:
    """The metadata of the payload has the fields of a Dockerfile's header, and the same rules read it."""
    return Header(
        name=name,
        language=metadata.language,
        framework=metadata.framework,
        expected_qps=metadata.expected_qps,
        sla_latency_ms=metadata.sla_latency_ms,
        criticality=criticality,
        evidence=_SEEN,
    )


def _name(payload: Payload, workload: Workload | None) -> tuple[str | Refusal, tuple[Because, ...]]:
    """As the metadata says; else the manifest's, else the repository's; else a stand-in that is said aloud."""
    stated = payload.app_metadata.name if payload.app_metadata is not None else None
    if stated:
        named = service_slug(stated)
        return (named.model_copy(update={"remedy": _RENAME}) if isinstance(named, Refusal) else named), ()
    repository = (payload.github or "").removesuffix("/").removesuffix(".git").rpartition("/")[2]
    for text, source in ((workload.name if workload else "", _MANIFEST), (repository, "github")):
        slug = service_slug(text) if text else None
        if isinstance(slug, str):
            return slug, (Because(text=f"The application is called {slug}, after {source}.", source=source),)
    text = f"Nobody named the application, so the patch says {UNNAMED}; set app_metadata.name."
    return UNNAMED, (Because(text=text, source="default"),)


def _criticality(payload: Payload, metadata: AppMetadata, demand: Demand) -> tuple[str | None, tuple[Because, ...]]:
    environment = ((payload.deployment_context and payload.deployment_context.environment) or "").strip().lower()
    if metadata.criticality or demand.criticality or environment not in _FOR_DEVELOPERS:
        return metadata.criticality, ()
    text = "No criticality is stated and the environment is one for developers: tier dev."
    return "dev", (Because(path="replicas", text=text, source="sizing, tiers; deployment_context.environment"),)


def _stack(payload: Payload, demand: Demand) -> tuple[str | None, str | None, tuple[Because, ...]]:
    """Language and framework: stated, else of the description, else of the base image."""
    metadata = payload.app_metadata or AppMetadata()
    base = payload.dockerfile_meta.base_image if payload.dockerfile_meta is not None else None
    imaged = language_of(base) if base else None
    language = metadata.language or imaged or next(iter(demand.languages), None)
    framework = metadata.framework or _measured(language, demand.frameworks)
    if metadata.language or metadata.framework:
        return language, framework, ()
    if language is None and framework is None:
        text = "Neither language nor framework is known: the careful median of slow frameworks stands."
        return None, None, (Because(text=text, source="sizing step 2"),)
    source = "dockerfile_meta.base_image" if imaged else "description"
    text = f"Language {language or 'not known'}, framework {framework or 'not known'}: read, not stated."
    return language, framework, (Because(text=text, source=source),)


def _measured(language: str | None, frameworks: Sequence[str]) -> str | None:
    """The first that somebody measured: of React and Gin the one that answers requests."""
    known = (name for name in frameworks if rate_of(language, name, stores=()).known)
    return next(known, frameworks[0] if frameworks else None)


def _unused(payload: Payload) -> Iterator[Because]:
    """What was sent and moved nothing."""
    if payload.code_endpoints:
        text = (
            f"{len(payload.code_endpoints)} endpoints are named; which of them use a database is not said, so the "
            "usual reads and writes per request stand."
        )
        yield Because(text=text, source="code_endpoints")
    if payload.github:
        yield Because(text="The repository is not read for a recommendation; `plan` reads it.", source="github")


def _target(name: str, found: _Found) -> Target:
    """The workload as it is called in the cluster, because a patch finds it by that name."""
    workload = found.workload
    fits = workload is not None and _OBJECT_NAME.fullmatch(workload.name) is not None
    kind: Literal["Deployment", "StatefulSet"] = (
        "StatefulSet" if workload is not None and workload.kind == "StatefulSet" else "Deployment"
    )
    return Target(
        kind=kind, name=workload.name if workload is not None and fits else name, container=found.container or name
    )


def _manifests(payload: Payload, *, wanted: str | None, yaml: YamlReader) -> _Found:
    """The workload that the payload is about: the named one, else the first."""
    files = {path: text.encode() for path, text in _texts(payload)}
    if not files:
        return _Found()
    documents, unread = yaml.read(files)
    reasons = tuple(_unreadable(item.path, item.reason) for item in unread)
    tree = Tree(name="payload", ref=None, commit=None, paths=tuple(sorted(files)), yaml=documents)
    able = [entry for entry in read_manifests(tree).workloads if entry.kind in {"Deployment", "StatefulSet"}]
    if not able:
        text = "The manifests hold no Deployment or StatefulSet with a container; they were left out."
        return _Found(reasons=reasons or (Because(text=text, source=_MANIFEST),))
    chosen = next((entry for entry in able if entry.name == wanted), able[0])
    container = _container(tree, chosen)
    return _Found(chosen, container, reasons=(*reasons, *_about(chosen, able, container)))


def _unreadable(path: str, reason: str) -> Because:
    return Because(text=f"A manifest could not be read ({reason}); it was left out.", source=path[:80])


def _about(chosen: Workload, able: Sequence[Workload], container: str | None) -> Iterator[Because]:
    if len(able) > 1:
        yield Because(text=f"The manifests hold {len(able)} workloads; this is the {chosen.kind} that was named, or "
                      "the first.", source=_MANIFEST)  # fmt: skip
    if container is None:
        text = "The container's name is no name of Kubernetes, so the patch uses the application's."
        yield Because(text=text, source=_MANIFEST)


def _texts(payload: Payload) -> Iterator[tuple[str, str]]:
    """The manifests as text. JSON is YAML, so an object goes the same way."""
    manifest = payload.service_manifest.deployment_yaml if payload.service_manifest is not None else None
    if manifest:
        yield _MANIFEST, _decoded(manifest)
    for number, value in enumerate(payload.existing_manifests.values()):
        text = _as_text(value)
        if text:
            yield f"existing_manifests.{number}", text


def _as_text(value: JsonValue) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict | list)
        else ""
    )


def _decoded(text: str) -> str:
    """The text, or what its base64 holds. YAML of a Deployment has colons, which base64 has not."""
    if _BASE64.fullmatch(text) is None:
        return text
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _container(tree: Tree, workload: Workload) -> str | None:
    """The name of the container whose image the survey took for the application's."""
    for root in roots(workload.file, tree.yaml[workload.file]):
        for item in _objects(root):
            if item["kind"].text == workload.kind and item.at("metadata", "name").text == workload.name:
                return _named(item, workload.image)
    return None


def _objects(root: View) -> Iterator[View]:
    yield root
    yield from root["items"].each()


def _named(item: View, image: str) -> str | None:
    for container in item.at("spec", "template", "spec", "containers").each():
        name = container["name"].text
        if (container["image"].text or "")[:500] == image and name and _LABEL.fullmatch(name):
            return name
    return None
