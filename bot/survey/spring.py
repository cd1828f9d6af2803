"""What the configuration of a Spring Boot application says: port, health endpoints, stores.

In: ``application.yml`` or ``application.properties`` of a folder whose code is Spring Boot. Out: ``Clues``. Never: the
settings of a profile, a value that is kept.

The defaults (port 8080, ``/actuator``, ``/health`` exposed, ``/health/liveness`` with probes enabled) are those of the
Spring Boot reference documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.model.profile import Dependency, DependencyKind, Evidence, Health
from bot.model.tree import Tree
from bot.survey.clues import Clues, PortClaim
from bot.survey.code.sources import skipped
from bot.survey.code.stores import url_store
from bot.survey.commands import valid_port
from bot.survey.places import base_of, folder_of, is_below
from bot.survey.yaml_view import View, roots

DEFAULT_PORT: Final = 8080

_FRAMEWORKS: Final = frozenset({"spring-boot", "webflux"})
_WEB_STARTER: Final = re.compile(r"spring-boot-starter-(?:web|webflux|webmvc|jersey|graphql|websocket|data-rest)\b")
_ACTUATOR: Final = "spring-boot-starter-actuator"
_SECURITY: Final = "spring-boot-starter-security"
_FILES: Final = re.compile(r"(?:application|bootstrap)\.(?:ya?ml|properties)")
_PACKAGES: Final = frozenset({"pom.xml", "build.gradle", "build.gradle.kts"})
_PROPERTY: Final = re.compile(r"(?P<key>[A-Za-z0-9_.\[\]-]{1,200})\s{0,20}[=:]\s{0,20}(?P<value>.{0,500})")
_DEFAULTED: Final = re.compile(r"\$\{(?P<name>[A-Za-z0-9_.-]{1,100})(?::(?P<default>[^}]{0,200}))?\}")
_STORES: Final[tuple[tuple[str, DependencyKind], ...]] = (
    ("spring.data.redis.", "redis"), ("spring.redis.", "redis"), ("spring.kafka.", "kafka"),
    ("spring.cloud.stream.kafka.", "kafka"), ("spring.rabbitmq.", "rabbitmq"), ("spring.data.mongodb.", "mongodb"),
    ("spring.mongodb.", "mongodb"), ("spring.elasticsearch.", "elasticsearch"),
    ("spring.data.cassandra.", "cassandra"), ("spring.cassandra.", "cassandra"),
)  # fmt: skip
_CACHES: Final[Mapping[str, DependencyKind]] = {"redis": "redis"}
_ADDRESSES: Final = frozenset({"spring.datasource.url", "spring.r2dbc.url", "spring.datasource.jdbcurl"})
_MAX_DEPTH: Final = 12


@dataclass(frozen=True)
class _Value:
    text: str
    evidence: Evidence


def read_spring(tree: Tree, area: str, coded: Clues) -> tuple[Clues, ...]:
    """The clues of a Spring Boot application; nothing where the package files name no Spring Boot."""
    named = next((claim for claim in coded.frameworks if claim.value in _FRAMEWORKS), None)
    if named is None:
        return ()
    packages = "\n".join(
        text for path, text in tree.texts.items() if base_of(path) in _PACKAGES and _is_own(path, area)
    )
    settings = _settings(tree, area)
    ports = tuple(_ports(settings, named.evidence, web=_WEB_STARTER.search(packages) is not None))
    return (
        Clues(
            area=area,
            detector="spring",
            ports=ports,
            health=tuple(_health(settings, packages, named.evidence)) if ports else (),
            dependencies=tuple(_dependencies(settings, coded)),
        ),
    )


def _is_own(path: str, area: str) -> bool:
    return is_below(path, area) and not skipped(path[len(area) + 1 :] if area else path)


def _settings(tree: Tree, area: str) -> dict[str, _Value]:
    """Settings by their lower-case dotted names without hyphens, as Spring binds them; the first file wins."""
    found: dict[str, _Value] = {}
    files = [path for path in {*tree.texts, *tree.yaml} if _FILES.fullmatch(base_of(path)) and _is_own(path, area)]
    for path in sorted(files, key=lambda path: (folder_of(path).count("/"), path))[:20]:
        for key, value in _properties(tree, path) if path.endswith(".properties") else _documents(tree, path):
            found.setdefault(_bound(key), value)
    return found


def _bound(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


def _properties(tree: Tree, path: str) -> Iterator[tuple[str, _Value]]:
    for number, line in enumerate(tree.texts.get(path, "").split("\n")[:2_000], start=1):
        match = _PROPERTY.fullmatch(line.strip()[:800])
        if match:
            evidence = Evidence(path=path, line=number, excerpt=match["key"][:100])
            yield match["key"], _Value(match["value"], evidence)


def _documents(tree: Tree, path: str) -> Iterator[tuple[str, _Value]]:
    for root in roots(path, tree.yaml.get(path, ())):
        flat = dict(_flat(root, "", depth=0))
        if not any(_bound(key) in {"spring.config.activate.onprofile", "spring.profiles"} for key in flat):
            yield from flat.items()


def _flat(view: View, prefix: str, *, depth: int) -> Iterator[tuple[str, _Value]]:
    for key, below in view.items() if depth < _MAX_DEPTH else ():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(below.value, dict):
            yield from _flat(below, name, depth=depth + 1)
        else:
            text = str(below.value).lower() if isinstance(below.value, bool) else (below.text or "")
            yield name, _Value(text, below.evidence(name[:100]))


def _ports(settings: Mapping[str, _Value], named: Evidence, *, web: bool) -> Iterator[PortClaim]:
    stated = settings.get("server.port")
    if stated is not None:
        yield from _stated_port(stated, "")
    elif web:
        place = named.model_copy(update={"excerpt": f"Spring Boot listens on {DEFAULT_PORT} unless told otherwise"})
        yield PortClaim(port=DEFAULT_PORT, protocol="http", seen="convention", evidence=place)
    managed = settings.get("management.server.port")
    if managed is not None and (stated is not None or web):
        yield from _stated_port(managed, "management")


def _stated_port(value: _Value, name: str) -> Iterator[PortClaim]:
    text, variable = _plain(value.text), _DEFAULTED.fullmatch(value.text.strip())
    if text.isascii() and text.isdigit() and len(text) <= 5 and valid_port(int(text)):
        yield PortClaim(
            port=int(text), protocol="http", name=name, seen="code", from_env=variable["name"] if variable else None,
            evidence=value.evidence,
        )  # fmt: skip


def _plain(text: str) -> str:
    """``${PORT:8080}`` with its default; empty where there is none."""
    return _DEFAULTED.sub(lambda match: match["default"] or "", text.strip()).strip().strip("\"'")


def _health(settings: Mapping[str, _Value], packages: str, named: Evidence) -> Iterator[Health]:
    """The actuator's health endpoint; not behind Spring Security, which closes it unless code opens it."""
    if _ACTUATOR not in packages or _SECURITY in packages:
        return
    base = _path(settings.get("management.endpoints.web.basepath"), "/actuator")
    own_port = settings.get("management.server.port")
    context = "" if own_port is not None else _path(settings.get("server.servlet.contextpath"), "")
    probes = settings.get("management.endpoint.health.probes.enabled")
    on = probes is not None and _plain(probes.text) == "true"
    path = f"{context}{base}/health"
    port = _plain(own_port.text) if own_port is not None else ""
    yield Health(
        kind="http",
        path=f"{path}/liveness" if on else path,
        ready_path=f"{path}/readiness" if on else None,
        port=int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None,
        evidence=probes.evidence if probes is not None and on else named,
    )


def _path(value: _Value | None, default: str) -> str:
    text = _plain(value.text) if value is not None else default
    return "/" + text.strip("/") if text.strip("/") else ""


def _dependencies(settings: Mapping[str, _Value], coded: Clues) -> Iterator[Dependency]:
    """Stores that the settings configure and whose client the package files name."""
    clients = {need.kind for need in coded.dependencies}
    for key, value in settings.items():
        kind = _store(key, value)
        if kind is not None and kind in clients:
            yield Dependency(kind=kind, evidence=(value.evidence,))


def _store(key: str, value: _Value) -> DependencyKind | None:
    if key in _ADDRESSES:
        return url_store(re.sub(r"^(?:jdbc|r2dbc):(?:pool:)?", "", value.text))
    if key == "spring.cache.type":
        return _CACHES.get(_plain(value.text).lower())
    return next((kind for prefix, kind in _STORES if key.startswith(prefix)), None)
