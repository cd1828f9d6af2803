"""Which ports a service listens on: code, environment, compose, manifests and EXPOSE vote, and the loser is shown.

In: port claims of all detectors. Out: ``PortVote``. Never: an invented port; no claim means no port.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Evidence, Port
from bot.survey.clues import PortClaim, Seen
from bot.survey.places import slug

MAX_PORTS: Final = 10

_ORDER: Final[tuple[Seen, ...]] = ("code", "env", "compose", "manifest", "image", "convention")
_WORDS: Final[dict[Seen, str]] = {
    "code": "code", "env": "environment", "compose": "compose", "manifest": "manifest", "image": "EXPOSE",
    "convention": "the framework's default",
}  # fmt: skip
_SIDE_NAMES: Final = ("metric", "prom", "admin", "manage", "health", "probe", "pprof")


class Lost(Noun):
    """A claim that another source outvoted, in words."""

    seen: Seen
    text: str
    evidence: Evidence


class PortVote(Noun):
    """The ports that won, most important first, and the claims that lost."""

    ports: tuple[Port, ...] = ()
    winner: Seen | None = None
    lost: tuple[Lost, ...] = ()


def vote(claims: Sequence[PortClaim], *, grpc: bool = False) -> PortVote:
    """Code beats environment beats compose beats manifest beats EXPOSE; a source that shares a port adds its others.

    EXPOSE only speaks where nobody else does, and a framework's default where not even EXPOSE does. Debug ports never
    win. ``grpc`` says that the service is known to speak gRPC, for ports whose claims do not tell.
    """
    open_claims = _settled([claim for claim in claims if not claim.debug])
    stated = [claim for claim in open_claims if claim.seen != "convention"]
    open_claims = stated or open_claims
    by_source = {seen: [claim for claim in open_claims if claim.seen == seen] for seen in _ORDER}
    winner = next((seen for seen in _ORDER if by_source[seen]), None)
    if winner is None:
        return PortVote()
    chosen = list(dict.fromkeys(claim.port for claim in by_source[winner]))
    lost: list[Lost] = []
    for seen in _ORDER[_ORDER.index(winner) + 1 :]:
        others = list(dict.fromkeys(claim.port for claim in by_source[seen]))
        if not others:
            continue
        if seen == "image" or set(others).isdisjoint(chosen):
            lost += [_lost(claim, winner, chosen) for claim in by_source[seen] if claim.port not in chosen]
        else:
            chosen += [port for port in others if port not in chosen]
    ports = sorted((_port(number, open_claims, grpc=grpc) for number in chosen[:MAX_PORTS]), key=_is_side)
    return PortVote(ports=tuple(_named(ports)), winner=winner, lost=tuple(lost[:MAX_PORTS]))


def _settled(claims: Sequence[PortClaim]) -> list[PortClaim]:
    """Where code reads the port from a variable, the variable's value is the port; a value that code does not read
    stays a claim of its own.
    """
    values: dict[str, PortClaim] = {}
    for claim in claims:
        if claim.seen == "env" and claim.from_env:
            values.setdefault(claim.from_env, claim)
    settled: list[PortClaim] = []
    for claim in claims:
        value = values.get(claim.from_env or "") if claim.seen == "code" else None
        if value is None:
            settled.append(claim)
        else:
            settled.append(claim.model_copy(update={"port": value.port, "evidence": value.evidence}))
    return settled


def _lost(claim: PortClaim, winner: Seen, chosen: Sequence[int]) -> Lost:
    ports = ", ".join(str(port) for port in chosen)
    text = f"port {claim.port} ({_WORDS[claim.seen]}) lost against {ports} ({_WORDS[winner]})"
    return Lost(seen=claim.seen, text=text, evidence=claim.evidence)


def _port(number: int, claims: Iterable[PortClaim], *, grpc: bool) -> Port:
    own = [claim for claim in claims if claim.port == number]
    coded = next((claim.protocol for claim in own if claim.seen == "code" and claim.protocol != "http"), None)
    spoken = {claim.protocol for claim in own}
    told = coded or next((protocol for protocol in ("udp", "tcp") if spoken == {protocol}), None)
    in_code = any(claim.seen == "code" for claim in own)
    is_grpc = ("grpc" in spoken) or (grpc and not in_code and not _is_web_name(own))
    name = next((claim.name for claim in own if claim.name), "")
    return Port(
        port=number,
        protocol=told or ("grpc" if is_grpc else "http"),
        name=name,
        evidence=_evidence(own),
    )


def _is_web_name(claims: Iterable[PortClaim]) -> bool:
    return any(word in claim.name.lower() for claim in claims for word in ("http", "web", *_SIDE_NAMES))


def _evidence(claims: Iterable[PortClaim]) -> tuple[Evidence, ...]:
    unique: list[Evidence] = []
    for claim in sorted(claims, key=lambda claim: _ORDER.index(claim.seen) if claim.seen in _ORDER else len(_ORDER)):
        if claim.evidence not in unique:
            unique.append(claim.evidence)
    return tuple(unique[:5])


def _is_side(port: Port) -> bool:
    return any(word in port.name.lower() for word in _SIDE_NAMES)


def _named(ports: Iterable[Port]) -> Iterable[Port]:
    """Each port gets a name of its own that Kubernetes takes: at most 15 characters, a letter among them."""
    seen: set[str] = set()
    for port in ports:
        name = slug(port.name)[:15].strip("-")
        if not name or name.replace("-", "").isdigit():
            name = port.protocol
        if name in seen:
            name = f"{name[:9].strip('-')}-{port.port}"
        seen.add(name)
        yield port.model_copy(update={"name": name})
