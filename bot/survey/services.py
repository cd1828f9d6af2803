"""Clues of all detectors become one ``Service``: who wins, and what is said about the losers.

In: a candidate and its ``Clues``, the strongest detector first. Out: ``Merged``. Never: a fact without a detector that
saw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from bot.model.noun import Noun
from bot.model.profile import (
    RELATIONAL,
    Declared,
    Dependency,
    DependencyKind,
    Doubt,
    EnvName,
    Evidence,
    Header,
    Service,
    Volume,
)
from bot.survey.candidate import Candidate
from bot.survey.clues import BASE_WEIGHT, Claim, Clues, PortClaim
from bot.survey.health import choose_health
from bot.survey.images import is_reference, is_web_server, name_of
from bot.survey.matching import key_of
from bot.survey.places import slug
from bot.survey.ports import PortVote, vote

Kind = Literal["web", "api", "static", "worker", "job"]

_WEB_FRAMEWORKS: Final = frozenset(
    {
        "angular", "astro", "django", "ember", "gatsby", "laravel", "next", "next.js", "nuxt", "nuxt.js", "rails",
        "react", "remix", "solid", "streamlit", "svelte", "sveltekit", "symfony", "vite", "vue",
    }
)  # fmt: skip
_WEB_NAMES: Final = frozenset(
    {"web", "frontend", "front-end", "ui", "webapp", "web-app", "website", "portal", "client", "site"}
)
_READ_LANGUAGES: Final = frozenset({"go", "javascript", "python", "typescript"})
"""Languages whose sources are read, so that their silence says something."""
_WEB_PORTS: Final = frozenset({80, 443, 3000, 4000, 4200, 5000, 5173, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000})
_SAME_LANGUAGE: Final = {"js": "javascript", "node": "javascript", "nodejs": "javascript", "node.js": "javascript",
                         "ts": "typescript", "golang": "go", "c#": "csharp", "dotnet": "csharp", ".net": "csharp",
                         "py": "python", "python3": "python"}  # fmt: skip
_FAMILY: Final = {"typescript": "javascript", "kotlin": "java", "scala": "java"}


class Merged(Noun):
    """A service, what is unclear about it, and what was noticed on the way."""

    service: Service
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()


def merge(candidate: Candidate, clues: Sequence[Clues]) -> Merged:
    """Decide every fact of a service; ``clues`` come in the order of trust where no rule says otherwise."""
    header = next((clue.header for clue in clues if clue.header is not None), None)
    base = next((clue.base_image for clue in clues if clue.base_image), None)
    language = _language(clues, base)
    framework = _framework(clues, language)
    voted = _ports(clues, framework)
    service = Service(
        name=(header.name if header else None) or candidate.name,
        path=candidate.area,
        language=language or _normal(header.language if header else None),
        framework=framework or (header.framework.lower() if header and header.framework else None),
        dockerfile=candidate.dockerfile,
        build_context=candidate.context if candidate.dockerfile is not None else None,
        base_image=base,
        image=_image(candidate, clues),
        endpoints=tuple(endpoint for clue in clues for endpoint in clue.endpoints),
        ports=voted.ports,
        dependencies=_dependencies(clues),
        calls=_calls(candidate, clues),
        stateful=_is_stateful(clues),
        volumes=_volumes(clues),
        health=choose_health(clues, voted.ports),
        start_command=_start(clues),
        env=_env(clues),
        user=next((clue.user for clue in clues if clue.user), None),
        kind=_kind(candidate, clues, voted, framework),
        memory_floor=max((clue.memory_floor for clue in clues if clue.memory_floor is not None), default=None),
        declared=_declared(clues),
        header=header,
        windows=any(clue.windows for clue in clues),
        evidence=_evidence(candidate, clues, header),
    )
    doubts = (*(doubt for clue in clues for doubt in clue.doubts), *_doubts(candidate, service, voted))
    notes = (
        *_code_notes(candidate, clues),
        *(note for clue in clues for note in clue.notes),
        *_port_notes(service, voted),
        *_header_notes(service, header),
    )
    return Merged(service=service, doubts=doubts, notes=notes)


def _best(claims: Iterable[Claim]) -> Claim | None:
    return max(claims, key=lambda claim: claim.weight, default=None)


def _language(clues: Sequence[Clues], base: str | None) -> str | None:
    """The language of the code; among several, the one that the image is made for."""
    coded = [claim for clue in clues for claim in clue.languages if claim.seen != "image"]
    imaged = [claim for clue in clues for claim in clue.languages if claim.seen == "image"]
    made_for = {_FAMILY.get(claim.value, claim.value) for claim in imaged}
    fitting = [claim for claim in coded if _FAMILY.get(claim.value, claim.value) in made_for]
    runtime = [] if is_web_server(base or "") else [claim for claim in imaged if claim.weight >= BASE_WEIGHT]
    best = _best(fitting) or _best(runtime) or _best(coded) or _best(imaged)
    if best is not None and (coded or not is_web_server(base or "")):
        return best.value
    return name_of(base) if base and is_web_server(base) else None


def _framework(clues: Sequence[Clues], language: str | None) -> str | None:
    """The framework of the detector that saw the language."""
    speaking = [clue for clue in clues if any(claim.value == language for claim in clue.languages)]
    best = _best(claim for clue in speaking for claim in clue.frameworks)
    best = best or _best(claim for clue in clues for claim in clue.frameworks if not speaking)
    if best is None and language in {"nginx", "httpd", "caddy", "openresty"}:
        return language
    return best.value if best else None


def _ports(clues: Sequence[Clues], framework: str | None) -> PortVote:
    """A worker whose code listens on nothing keeps no port that only EXPOSE or a manifest names."""
    claims = [claim for clue in clues for claim in clue.ports]
    silent = any(clue.listens is False for clue in clues) and not any(claim.seen == "code" for claim in claims)
    if silent:
        claims = [claim for claim in claims if claim.seen == "compose"]
    if _speaks_no_http(clues, framework):
        claims = [_without_http(claim) for claim in claims]
    grpc = "grpc" in (framework or "").lower() or any(health.kind == "grpc" for clue in clues for health in clue.health)
    return vote(claims, grpc=grpc)


def _speaks_no_http(clues: Sequence[Clues], framework: str | None) -> bool:
    """True where sources were read and nothing in them serves HTTP: no framework, no route, no known port."""
    coded = next((clue for clue in clues if clue.detector == "code"), None)
    readable = coded is not None and any(claim.value in _READ_LANGUAGES for claim in coded.languages)
    silent = coded is not None and not coded.ports and not coded.endpoints
    return readable and silent and framework is None


def _without_http(claim: PortClaim) -> PortClaim:
    """A port that only the image or the orchestration names, by a number that is not usual for the web."""
    usual = claim.port in _WEB_PORTS or claim.protocol != "http" or "http" in claim.name.lower()
    return claim if usual or claim.seen == "code" else claim.model_copy(update={"protocol": "tcp"})


def _image(candidate: Candidate, clues: Sequence[Clues]) -> str | None:
    """An image that a registry could hold: for what is built here only a name with a registry or an account."""
    for clue in clues:
        image = clue.image or ""
        if is_reference(image) and ("/" in image or not candidate.built):
            return image
    return candidate.image if candidate.image and not candidate.built and is_reference(candidate.image) else None


def _dependencies(clues: Sequence[Clues]) -> tuple[Dependency, ...]:
    """One entry per kind; in use when any detector saw a use. SQLite beside a real database is only its fallback."""
    merged: dict[DependencyKind, Dependency] = {}
    for dependency in (dependency for clue in clues for dependency in clue.dependencies):
        known = merged.get(dependency.kind)
        merged[dependency.kind] = dependency if known is None else _joined(known, dependency)
    relational = any(dependency.in_use and kind in RELATIONAL for kind, dependency in merged.items())
    if relational and "sqlite" in merged:
        merged["sqlite"] = merged["sqlite"].model_copy(update={"in_use": False})
    return tuple(sorted(merged.values(), key=lambda dependency: (not dependency.in_use, dependency.kind)))


def _joined(known: Dependency, other: Dependency) -> Dependency:
    evidence = (*known.evidence, *(place for place in other.evidence if place not in known.evidence))
    return Dependency(
        kind=known.kind, evidence=evidence[:8], in_use=known.in_use or other.in_use, image=known.image or other.image
    )


def _calls(candidate: Candidate, clues: Sequence[Clues]) -> tuple[str, ...]:
    """Orchestration names services exactly; names that only code knows are added when they are new."""
    named: dict[str, str] = {}
    for clue in sorted(clues, key=lambda clue: clue.detector == "code"):
        for call in clue.calls:
            named.setdefault(key_of(call), call)
    return tuple(sorted(name for key, name in named.items() if key != key_of(candidate.name)))


def _is_stateful(clues: Sequence[Clues]) -> bool:
    sqlite = any(dependency.kind == "sqlite" and dependency.in_use for dependency in _dependencies(clues))
    return sqlite or any(clue.stateful or clue.volumes for clue in clues)


def _volumes(clues: Sequence[Clues]) -> tuple[Volume, ...]:
    volumes: dict[str, Volume] = {}
    for volume in (volume for clue in clues for volume in clue.volumes):
        volumes.setdefault(volume.path.rstrip("/") or "/", volume)
    return tuple(volumes.values())[:20]


def _start(clues: Sequence[Clues]) -> tuple[str, ...] | None:
    """What the orchestration overrides, else the image's own command, else what the code suggests."""
    for detector in ("compose", "manifest", "dockerfile", "procfile", "code"):
        for clue in clues:
            if clue.detector == detector and clue.start_command:
                return clue.start_command
    return None


def _env(clues: Sequence[Clues]) -> tuple[EnvName, ...]:
    """By name; a variable that the image sets is not required from outside."""
    merged: dict[str, EnvName] = {}
    for name in (name for clue in clues for name in clue.env):
        known = merged.get(name.name)
        merged[name.name] = name if known is None else known.model_copy(
            update={"required": known.required or name.required, "secret": known.secret or name.secret}
        )  # fmt: skip
    preset = {name.name for clue in clues if clue.detector == "dockerfile" for name in clue.env}
    return tuple(
        name.model_copy(update={"required": False}) if name.name in preset else name
        for name in sorted(merged.values(), key=lambda name: name.name)
    )


def _kind(candidate: Candidate, clues: Sequence[Clues], voted: PortVote, framework: str | None) -> Kind:
    if any(clue.job for clue in clues):
        return "job"
    if any(clue.kind == "static" for clue in clues):
        return "static"
    if not voted.ports:
        return "worker"
    coded = next((clue.kind for clue in clues if clue.kind is not None), None)
    if coded is not None and coded != "worker":
        return coded
    if (framework or "").lower() in _WEB_FRAMEWORKS or candidate.name in _WEB_NAMES:
        return "web"
    return "api"


def _declared(clues: Sequence[Clues]) -> Declared | None:
    """The first of manifest, chart and compose that states anything."""
    for detector in ("manifest", "chart", "compose"):
        for clue in clues:
            if clue.detector == detector and clue.declared is not None:
                return clue.declared
    return None


def _evidence(candidate: Candidate, clues: Sequence[Clues], header: Header | None) -> tuple[Evidence, ...]:
    places = [candidate.evidence, *([header.evidence] if header else [])]
    places += [place for clue in clues for place in clue.evidence]
    places += [claim.evidence for clue in clues for claim in (*clue.languages[:1], *clue.frameworks[:1])]
    unique: list[Evidence] = []
    for place in places:
        if place not in unique:
            unique.append(place)
    return tuple(unique[:12])


def _doubts(candidate: Candidate, service: Service, voted: PortVote) -> Iterator[Doubt]:
    where = f"profile.services.{service.name}"
    if service.windows:
        yield Doubt(
            path=where,
            question=f"{service.name} runs on a Windows image. Does a cluster have Windows nodes for it?",
            assumed="Windows nodes with the label kubernetes.io/os=windows exist",
            answer=f"FROM a Linux image in {candidate.dockerfile or 'the Dockerfile'}",
            evidence=service.evidence[:1],
        )
    if candidate.built and candidate.dockerfile is None:
        yield Doubt(
            path=f"{where}.dockerfile",
            question=f"{service.name} has no Dockerfile. How is its image built?",
            assumed="an image is built elsewhere before this is applied",
            answer=f"add {candidate.area + '/' if candidate.area else ''}Dockerfile, "
            "or end app_description with [dockerfile=propose] to have one proposed",
            evidence=service.evidence[:1],
        )
    if voted.winner == "image" and len(voted.ports) > 1:
        listed = ", ".join(str(port.port) for port in voted.ports)
        yield Doubt(
            path=f"{where}.ports",
            question=f"EXPOSE names several ports ({listed}) and nothing else does. Which one takes the traffic?",
            assumed=str(voted.ports[0].port),
            answer=f"EXPOSE {voted.ports[0].port}",
            evidence=tuple(place for port in voted.ports for place in port.evidence[:1]),
        )
    for lost in voted.lost:
        if lost.seen != "image":
            yield Doubt(
                path=f"{where}.ports",
                question=f"{service.name}: {lost.text}. Is that right?",
                assumed=", ".join(str(port.port) for port in voted.ports),
                answer=f"change the port in {lost.evidence.path}, line {lost.evidence.line}",
                evidence=(lost.evidence,),
            )


def _code_notes(candidate: Candidate, clues: Sequence[Clues]) -> Iterator[str]:
    for clue in clues:
        for host in clue.hosts:
            place = f"{host.evidence.path} line {host.evidence.line}"
            yield f"{candidate.name}: the host {host.value[:80]} is fixed in {place}; the store has to bear that name"
        for tool in clue.migrations[:1]:
            yield f"{candidate.name}: migrations with {tool.value[:40]} ({tool.evidence.path}); nothing runs them here"


def _port_notes(service: Service, voted: PortVote) -> Iterator[str]:
    for lost in voted.lost:
        if lost.seen == "image":
            yield f"{service.name}: {lost.text} in {lost.evidence.path} line {lost.evidence.line}"


def _normal(language: str | None) -> str | None:
    lower = slug(language or "") and (language or "").strip().lower()
    return _SAME_LANGUAGE.get(lower, lower) or None


def _header_notes(service: Service, header: Header | None) -> Iterator[str]:
    """The header beats guesses and loses to code that contradicts it, with a warning."""
    if header is None:
        return
    place = f"{header.evidence.path} line {header.evidence.line}"
    language, stated = service.language or "", _normal(header.language)
    if stated and _FAMILY.get(stated, stated) != _FAMILY.get(language, language):
        yield f"warning: the metadata header says {header.language}, the code {language}; the code counts ({place})"
    framework = (service.framework or "").lower()
    if header.framework and key_of(header.framework) not in key_of(framework):
        yield f"warning: the metadata header says {header.framework}, the code {framework}; the code counts ({place})"
