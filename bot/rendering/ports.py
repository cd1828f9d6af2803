"""Ports under names that Kubernetes accepts.

In: the ports that the survey saw. Out: named ports, each number and transport once. Never: a port that nothing listens
on, a debugger in a Service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.profile import Port, Service

UNPRIVILEGED: Final = 1024
_NAME: Final = re.compile(r"(?=[a-z0-9-]*[a-z])[a-z0-9](?:-?[a-z0-9]){0,14}", re.ASCII)
_LONGEST: Final = 15


@dataclass(frozen=True, kw_only=True)
class NamedPort:
    """One container port."""

    name: str
    number: int
    protocol: str
    exposed: bool = True

    @property
    def transport(self) -> Literal["TCP", "UDP"]:
        """The transport as Kubernetes writes it."""
        return "UDP" if self.protocol == "udp" else "TCP"


def container_ports(facts: Service) -> tuple[NamedPort, ...]:
    """All ports of the container, the health port included when it has one of its own."""
    named: list[NamedPort] = []
    for port in facts.ports:
        if _possible(port.port) and not any(_same(port, other) for other in named):
            named.append(_named(port, taken={other.name for other in named}))
    health = facts.health.port if facts.health is not None else None
    if health is not None and _possible(health) and all(port.number != health for port in named):
        named.append(NamedPort(name="health-check", number=health, protocol="tcp", exposed=False))
    return tuple(named)


def service_ports(facts: Service) -> tuple[NamedPort, ...]:
    """The ports that others may call."""
    return tuple(port for port in container_ports(facts) if port.exposed)


def _possible(number: int) -> bool:
    return 1 <= number <= 65535


def _same(port: Port, other: NamedPort) -> bool:
    return port.port == other.number and (port.protocol == "udp") == (other.protocol == "udp")


def _named(port: Port, *, taken: set[str]) -> NamedPort:
    fits = len(port.name) <= _LONGEST and _NAME.fullmatch(port.name) is not None and port.name != "health-check"
    name = port.name if fits and port.name not in taken else f"{port.protocol}-{port.port}"
    return NamedPort(name=name, number=port.port, protocol=port.protocol, exposed="debug" not in port.name.lower())
