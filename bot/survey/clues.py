"""What one detector saw in one area of a tree, before anybody votes.

In: sightings with file and line. Out: ``Clues``, merged by ``bot.survey.services``. Never: values of variables.
"""

from __future__ import annotations

from typing import Final, Literal

from bot.model.noun import Noun
from bot.model.profile import Declared, Dependency, Doubt, Endpoint, EnvName, Evidence, Header, Health, Volume
from bot.model.quantity import Bytes

Seen = Literal["code", "env", "compose", "manifest", "image", "header", "convention"]
"""Where a claim comes from; ports vote in this order: code, env, compose, manifest, image (EXPOSE),
convention (a framework's documented default)."""

Kind = Literal["web", "api", "static", "worker", "job"]
"""What a process is for, as ``Service.kind``."""

BASE_WEIGHT: Final = 10
"""The weight of a language that only the image which runs suggests; images that only build weigh less."""


class Claim(Noun):
    """A named value that one place supports. Higher weight wins; equal weight: first in path order."""

    value: str
    seen: Seen
    weight: int
    evidence: Evidence


class PortClaim(Noun):
    """A port that one place supports. ``debug`` ports never reach a Service."""

    port: int
    protocol: Literal["http", "grpc", "tcp", "udp"]
    name: str = ""
    seen: Seen
    debug: bool = False
    from_env: str | None = None
    evidence: Evidence


class Clues(Noun):
    """All that one detector saw below ``area`` (a folder, empty string for the root).

    ``calls`` are slugs of services (``cart-service``); compare them without hyphens. ``versions`` are of the language,
    ``migrations`` name the tool, ``egress`` holds hard-coded outside https hosts, ``hosts`` hard-coded names of stores
    that a Service has to match.
    """

    area: str
    detector: str
    names: tuple[Claim, ...] = ()
    languages: tuple[Claim, ...] = ()
    frameworks: tuple[Claim, ...] = ()
    ports: tuple[PortClaim, ...] = ()
    listens: bool | None = None
    health: tuple[Health, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    calls: tuple[str, ...] = ()
    env: tuple[EnvName, ...] = ()
    volumes: tuple[Volume, ...] = ()
    start_command: tuple[str, ...] | None = None
    memory_floor: Bytes | None = None
    declared: Declared | None = None
    workers: int | None = None
    kind: Kind | None = None
    versions: tuple[Claim, ...] = ()
    migrations: tuple[Claim, ...] = ()
    egress: tuple[str, ...] = ()
    hosts: tuple[Claim, ...] = ()
    base_image: str | None = None
    image: str | None = None
    user: str | None = None
    windows: bool = False
    job: bool = False
    stateful: bool = False
    header: Header | None = None
    doubts: tuple[Doubt, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
