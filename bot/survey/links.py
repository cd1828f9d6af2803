"""Which hosts the values of environment variables point at, and what kind of name a variable has.

In: names and values of variables, seen once. Out: names, hosts, ports. Never: a value kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.model.noun import Noun
from bot.model.profile import EnvName, Evidence
from bot.model.quantity import Bytes
from bot.survey.clues import PortClaim, Seen
from bot.survey.commands import memory_floor
from bot.survey.secrets import is_secret_name
from bot.survey.variables import hosts_in, port_in


class Pointing(Noun):
    """A variable whose value names a host."""

    host: str
    evidence: Evidence


class Variables(Noun):
    """What a list of variables says, without any of its values."""

    env: tuple[EnvName, ...] = ()
    hosts: tuple[Pointing, ...] = ()
    ports: tuple[PortClaim, ...] = ()
    memory_floor: Bytes | None = None


def read_variables(pairs: Iterable[tuple[str, str | None, Evidence]]) -> Variables:
    """Names, hosts and own ports of variables; a variable without a value is required from outside."""
    env: dict[str, EnvName] = {}
    hosts: list[Pointing] = []
    ports: list[PortClaim] = []
    floor: Bytes | None = None
    for name, value, evidence in pairs:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,100}", name) or len(env) >= 300:
            continue
        env[name] = EnvName(name=name, required=value is None, secret=is_secret_name(name), evidence=evidence)
        hosts += [Pointing(host=host, evidence=evidence) for host in hosts_in(name, value or "")]
        floor = memory_floor(value or "") or floor
        port = port_in(name, value or "")
        if port:
            ports.append(port_claim(port, evidence, seen="env", variable=name))
    return Variables(env=tuple(env.values()), hosts=tuple(hosts), ports=tuple(ports), memory_floor=floor)


def port_claim(port: int, evidence: Evidence, *, seen: Seen, variable: str | None = None, name: str = "") -> PortClaim:
    """A claim whose protocol follows from its name or number; http where nothing says otherwise."""
    words = f"{variable or ''} {name}".lower()
    grpc = "grpc" in words or port == 50051
    return PortClaim(
        port=port, protocol="grpc" if grpc else "http", name=name, seen=seen, debug=is_debug_port(port),
        from_env=variable, evidence=evidence,
    )  # fmt: skip


def is_debug_port(port: int) -> bool:
    """True for ports of debuggers: Node, JDWP, Delve, debugpy, gops."""
    return port in {9229, 9230, 5858, 5005, 40000, 2345, 5678, 56268, 2159}


def host_links(hosts: Iterable[Pointing], known: Mapping[str, str]) -> dict[str, Evidence]:
    """The known names that hosts point at: ``known`` maps a host name to what it is called here."""
    links: dict[str, Evidence] = {}
    for pointing in hosts:
        if pointing.host in known:
            links.setdefault(known[pointing.host], pointing.evidence)
    return links
