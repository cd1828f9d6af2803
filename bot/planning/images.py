"""The image reference of a service: one that exists, or one that a build has to push first.

In: what the repository names, registry and commit. Out: ``Image``. Never: a floating tag, an invented claim that an
image exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.plan import Image
from bot.model.profile import Service
from bot.planning.record import Notes, warn

_REFERENCE: Final = re.compile(
    r"(?:(?P<host>[a-z0-9](?:[a-z0-9.-]{0,100}[a-z0-9])?(?::[0-9]{1,5})?)/)?"
    r"(?P<path>[a-z0-9]+(?:[._-]{1,2}[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]{1,2}[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_LONGEST: Final = 400
_FLOATING: Final = frozenset({"latest", "stable", "edge", "main", "master", "dev", "nightly"})
UNBUILT: Final = "build-required"
NOWHERE: Final = "registry.invalid"
"""A registry that can never resolve (RFC 2606): stands where nobody named one."""


@dataclass(frozen=True)
class Origin:
    """Where images of our own go, and which commit they carry."""

    app: str
    owner: str | None
    commit: str | None


def image_of(service: Service, name: str, *, origin: Origin, config: Config) -> tuple[Image, Notes] | Refusal:
    """The fixed reference that the repository names, else ``<registry>/<name>:<commit>`` with the build to run first.

    Returns ``policy`` for a registry outside ``limits.registries``.
    """
    named = _fixed(service)
    image = Image(reference=named, exists=True) if named is not None else _to_build(service, name, origin, config)
    refusal = _registry_refusal(name, image, config)
    if refusal is not None:
        return refusal
    decision = Decision(
        path=f"services.{name}.image",
        value=image.reference,
        origin="rule",
        tag="read" if image.exists else "P",
        why="the repository names this image" if image.exists else image.build_first or "",
        source="survey" if image.exists else "configuration, defaults.registry",
    )
    return image, Notes(decisions=(decision,)) + _not_built(name, image)


def _fixed(service: Service) -> str | None:
    """The reference with its registry written out, when the tag or digest does not move."""
    if service.image is None or len(service.image) > _LONGEST:
        return None
    match = _REFERENCE.fullmatch(service.image)
    if match is None or (match["digest"] is None and (match["tag"] or "latest").lower() in _FLOATING):
        return None
    host, path = match["host"], match["path"]
    if host is not None and not ("." in host or ":" in host or host == "localhost"):
        host, path = None, f"{host}/{path}"
    if host is None and "/" not in path:
        if service.dockerfile is not None:
            return None
        path = f"library/{path}"
    tag = f":{match['tag']}" if match["tag"] else ""
    digest = f"@{match['digest']}" if match["digest"] else ""
    return f"{host or 'docker.io'}/{path}{tag}{digest}"


def _to_build(service: Service, name: str, origin: Origin, config: Config) -> Image:
    registry = config.defaults.registry or (f"ghcr.io/{origin.owner.lower()}" if origin.owner else NOWHERE)
    short = name if name == origin.app or name.startswith(f"{origin.app}-") else f"{origin.app}-{name}"
    tag = origin.commit[:12] if origin.commit else config.defaults.image_tag or UNBUILT
    reference = f"{registry.rstrip('/')}/{short}:{tag}"
    return Image(reference=reference, exists=False, build_first=_sentence(service, reference))


def _sentence(service: Service, reference: str) -> str:
    if service.dockerfile is None:
        return f"Build an image of this service and push it as {reference} first; the repository holds no Dockerfile."
    context = service.build_context or service.path or "."
    return f"Build {service.dockerfile} with context {context} and push it as {reference} first."


def _registry_refusal(name: str, image: Image, config: Config) -> Refusal | None:
    allowed = config.limits.registries
    if not allowed or any(image.reference.startswith(f"{prefix.rstrip('/')}/") for prefix in allowed):
        return None
    return Refusal(
        code=Code.POLICY,
        message=f"Service {name} would run {image.reference}; limits.registries permits {', '.join(allowed)}.",
        remedy="Set defaults.registry to an allowed registry, or add this one to limits.registries.",
    )


def _not_built(name: str, image: Image) -> Notes:
    if image.build_first is None:
        return Notes()
    remedy = "Run the build in the application's CI, then merge."
    if image.reference.startswith(f"{NOWHERE}/"):
        remedy = "Set defaults.registry in .ai-provision.yaml; nobody named a registry, so this one never resolves."
    return warn("image-build-first", f"Service {name}: {image.build_first}", remedy=remedy)
