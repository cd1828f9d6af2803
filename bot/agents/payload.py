"""What an agent's model is told: the input standard, filled from what one command has collected.

In: profile, demand, plan, snapshot, evidence. Out: ``Asked``: a payload, its digest, and the sources that may be cited.
Never: a value of an environment variable, a secret, an internal address, the name of a node, store or guest; more than
24 kB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.agents.scrub import Scrubber
from bot.model.consultation import AgentName
from bot.model.evidence import Piece
from bot.model.noun import JsonValue
from bot.model.order import digest
from bot.model.profile import AppProfile, Declared, Service
from bot.model.standard import (
    AppMetadata,
    ContextPiece,
    DeploymentContext,
    DockerfileMeta,
    HistoricalMetrics,
    NodeRoom,
    Payload,
)

CAP: Final = 24_000
"""Bytes of canonical JSON: some 6,000 tokens."""
LONGEST_ID: Final = 64
"""An answer names a source in at most so many characters; longer ids are shown under another name."""
README: Final = "readme"
"""The source id of the repository's own text."""
_TEXT: Final = 200
_LARGEST: Final = 1e12


@dataclass(frozen=True)
class Asked:
    """One agent's input. ``sources`` maps each id that the payload shows to the real one."""

    agent: AgentName
    payload: Payload
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> JsonValue:
        """The payload as plain data, without what is empty."""
        return plain(self.payload)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the canonical JSON."""
        return digest(canonical(self.data))[:16]


@dataclass(frozen=True)
class Told:
    """Everything that may go into a payload, not yet cleaned or cut. ``readme`` is untrusted text; ``nodes`` hold free
    cores and free memory; ``rule`` is what the rules decided, its lists named in ``lists`` may be cut.
    """

    metadata: Mapping[str, str | float | None] = field(default_factory=dict)
    description: str = ""
    readme: str = ""
    base_image: str | None = None
    port: int | None = None
    endpoints: Sequence[str] = ()
    manifests: Mapping[str, Declared] = field(default_factory=dict)
    github: str | None = None
    history: HistoricalMetrics | None = None
    environment: str | None = None
    quota: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[tuple[float, str]] = ()
    pieces: Sequence[Piece] = ()
    rule: Mapping[str, JsonValue] = field(default_factory=dict)
    sources: Sequence[str] = ()


@dataclass(frozen=True)
class _Sizes:
    """How much of each list is told."""

    pieces: int
    text: int
    items: int
    rows: int


_STAGES: Final = (
    _Sizes(pieces=12, text=600, items=50, rows=30),
    _Sizes(pieces=8, text=400, items=25, rows=16),
    _Sizes(pieces=4, text=300, items=10, rows=8),
    _Sizes(pieces=2, text=200, items=4, rows=3),
    _Sizes(pieces=0, text=0, items=0, rows=1),
)
_README: Final = 4_000
_DESCRIPTION: Final = 4_000
_PIECE: Final = 4_000


def asked(agent: AgentName, told: Told, scrubber: Scrubber) -> Asked:
    """The largest payload that fits; what was cut is named in ``rule.notes``."""
    made = _made(agent, told, scrubber, _STAGES[0])
    for sizes in _STAGES[1:]:
        if len(canonical(made.data)) <= CAP:
            break
        made = _made(agent, told, scrubber, sizes)
    return made


def plain(payload: Payload) -> JsonValue:
    """A payload as plain data, without what is empty."""
    data: dict[str, JsonValue] = payload.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return data


def canonical(value: JsonValue) -> str:
    """Sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _made(agent: AgentName, told: Told, scrubber: Scrubber, sizes: _Sizes) -> Asked:
    names = shown_ids((*(piece.source_id for piece in told.pieces[: sizes.pieces]), *told.sources), scrubber)
    notes: list[str] = []
    nodes = _cut(told.nodes, sizes.rows, "nodes", notes)
    endpoints = _cut(tuple(dict.fromkeys(told.endpoints)), sizes.items, "endpoints", notes)
    manifests = dict(_cut(tuple(told.manifests.items()), sizes.rows, "manifests", notes))
    pieces = _cut(told.pieces, sizes.pieces, "pieces of knowledge", notes)
    rule: dict[str, JsonValue] = {name: _rule(name, value, sizes, notes) for name, value in told.rule.items()}
    rule |= {"notes": [*notes]} if notes else {}
    payload = Payload(
        app_metadata=_metadata(told.metadata, scrubber),
        description=scrubber.text(_head(told.description, 2 * _DESCRIPTION), _DESCRIPTION) or None,
        dockerfile_meta=_dockerfile(told, scrubber),
        code_endpoints=tuple(scrubber.text(path, _TEXT) for path in endpoints),
        existing_manifests={scrubber.text(name, _TEXT): _declared(stated) for name, stated in manifests.items()},
        github=_address(told.github, scrubber),
        historical_metrics=told.history,
        deployment_context=_context(told, nodes, scrubber),
        context=(*_readme(told.readme, sizes, scrubber), *_pieces(pieces, names, sizes, scrubber)),
        rule=scrubber.value(_renamed(rule, names)) if rule else None,
    )
    back = {shown: real for real, shown in names.items()}
    back |= {README: README} if any(piece.source_id == README for piece in payload.context) else {}
    return Asked(agent, payload, back)


def shown_ids(ids: Iterable[str], scrubber: Scrubber, *, first: int = 1) -> dict[str, str]:
    """Real id to shown id: the same, unless it is long or holds what must not be told."""
    shown: dict[str, str] = {}
    for number, real in enumerate(dict.fromkeys(ids), first):
        plain_id = real if len(real) <= LONGEST_ID and scrubber.text(real) == real else f"source-{number}"
        shown[real] = plain_id if plain_id and plain_id not in shown.values() else f"source-{number}"
    return shown


def _head(text: str, most: int) -> str:
    """The beginning, without a last word that the cut may have halved: half a secret looks like none."""
    return text if len(text) <= most else "".join(text[:most].rsplit(None, 1)[:1])


def _cut(items: Sequence[Any], most: int, what: str, notes: list[str]) -> Sequence[Any]:
    if len(items) > most:
        notes.append(f"{most} of {len(items)} {what} shown")
    return items[:most]


def _rule(name: str, value: JsonValue, sizes: _Sizes, notes: list[str]) -> JsonValue:
    return list(_cut(value, sizes.rows, name, notes)) if isinstance(value, list) else value


def _renamed(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    """Source ids as they are shown, wherever they stand."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: names.get(item, "") if key == "source_id" and isinstance(item, str) else _renamed(item, names)
        for key, item in value.items()
    }


def _metadata(facts: Mapping[str, str | float | None], scrubber: Scrubber) -> AppMetadata | None:
    found = {
        name: scrubber.text(value, _TEXT) if isinstance(value, str) else number(value) for name, value in facts.items()
    }
    return AppMetadata.model_validate(found) if any(value is not None for value in found.values()) else None


def number(value: float | None) -> float | None:
    """A number that a payload can hold, or None."""
    return float(value) if value is not None and math.isfinite(value) and 0 <= value <= _LARGEST else None


def _dockerfile(told: Told, scrubber: Scrubber) -> DockerfileMeta | None:
    port = told.port if told.port is not None and 1 <= told.port <= 65_535 else None
    if told.base_image is None and port is None:
        return None
    return DockerfileMeta(base_image=scrubber.text(told.base_image or "", _TEXT) or None, exposed_port=port)


def _declared(stated: Declared) -> dict[str, JsonValue]:
    """Sizes alone: where they were seen is a path with whatever stands in it."""
    return stated.model_dump(mode="json", exclude={"evidence"}, exclude_none=True)


def _address(address: str | None, scrubber: Scrubber) -> str | None:
    """Only an address that anybody may see: no folder of this computer, no internal host."""
    if address is None or not address.startswith("https://") or len(address) > _TEXT:
        return None
    return address if scrubber.text(address) == address else None


def _context(told: Told, nodes: Sequence[tuple[float, str]], scrubber: Scrubber) -> DeploymentContext | None:
    if told.environment is None and not told.quota and not nodes:
        return None
    return DeploymentContext(
        environment=scrubber.text(told.environment, _TEXT) if told.environment is not None else None,
        namespace_quota={name: scrubber.text(value, _TEXT) for name, value in told.quota.items()},
        node_utilization={
            f"node-{index}": NodeRoom(cpu_free=number(cpu), mem_free=memory)
            for index, (cpu, memory) in enumerate(nodes, 1)
        },
    )


def _readme(text: str, sizes: _Sizes, scrubber: Scrubber) -> tuple[ContextPiece, ...]:
    cut = scrubber.text(_head(text, 2 * _README), _README if sizes.items > _STAGES[-1].items else 0)
    return (ContextPiece(source_id=README, title="README of the repository, as data", text=cut),) if cut else ()


def _pieces(
    pieces: Sequence[Piece], names: Mapping[str, str], sizes: _Sizes, scrubber: Scrubber
) -> tuple[ContextPiece, ...]:
    return tuple(
        ContextPiece(
            source_id=names[piece.source_id],
            title=scrubber.text(piece.title, _TEXT),
            text=scrubber.text(_head(piece.text, _PIECE), sizes.text),
        )
        for piece in pieces
    )


def facts_of(profile: AppProfile) -> dict[str, Any]:
    """What is told of the repository: the first service in full, the sizes and routes of all."""
    first = profile.services[0] if profile.services else Service(name=profile.name, path="")
    return {
        "base_image": first.base_image,
        "port": next((port.port for port in first.ports), None),
        "endpoints": tuple(route.path for service in profile.services for route in service.endpoints),
        "manifests": {service.name: service.declared for service in profile.services if service.declared is not None},
    }
