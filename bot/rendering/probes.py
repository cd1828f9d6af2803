"""Probes for health checks that exist; a check that nobody wrote is never invented.

In: the health check that the survey saw. Out: startup, readiness and liveness probes, or none. Never: a guessed path.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.plan import ServicePlan
from bot.model.profile import Health, Service
from bot.rendering.data_text import without_secrets
from bot.rendering.ports import NamedPort, container_ports

_PATH: Final = re.compile(r"/[!-~]{0,1023}", re.ASCII)
_READY_WORDS: Final = frozenset({"ready", "readyz", "readiness"})
_STARTUP_PERIOD: Final = 5


def probes(planned: ServicePlan, facts: Service) -> dict[str, object]:
    """The probes of the container by field name; empty when there is nothing to ask.

    A readiness path is not used for liveness: a slow database would then restart healthy pods.
    """
    health = facts.health
    if health is None:
        return {}
    ports = container_ports(facts)
    ready = _handler(health, health.ready_path or health.path, ports)
    alive = None if _only_readiness(health) else _handler(health, health.path or health.ready_path, ports)
    first = alive or ready
    if first is None or ready is None:
        return {}
    made: dict[str, object] = {"startupProbe": {**first, **_startup_times(planned)}, "readinessProbe": _ready(ready)}
    if alive is not None:
        made["livenessProbe"] = {**alive, "periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 3}
    return made


def _ready(handler: dict[str, object]) -> dict[str, object]:
    return {**handler, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 3}


def _startup_times(planned: ServicePlan) -> dict[str, object]:
    tries = max(1, -(-planned.rollout.startup_seconds // _STARTUP_PERIOD))
    return {"periodSeconds": _STARTUP_PERIOD, "timeoutSeconds": 2, "failureThreshold": tries}


def _only_readiness(health: Health) -> bool:
    path = health.path if health.path is not None else health.ready_path
    return health.kind == "http" and (path or "").rstrip("/").rsplit("/", 1)[-1].lower() in _READY_WORDS


def _handler(health: Health, path: str | None, ports: tuple[NamedPort, ...]) -> dict[str, object] | None:
    if health.kind == "exec":
        return {"exec": {"command": list(health.command)}} if _speakable(health.command) else None
    port = _port(health, ports)
    if port is None:
        return None
    match health.kind:
        case "http":
            plain = path is not None and _PATH.fullmatch(path) is not None and _speakable((path,))
            return {"httpGet": {"path": path, "port": port.name}} if plain else None
        case "grpc":
            return {"grpc": {"port": port.number}}
        case "tcp":
            return {"tcpSocket": {"port": port.name}}


def _port(health: Health, ports: tuple[NamedPort, ...]) -> NamedPort | None:
    """The port of the check: the stated one, else the first that speaks its protocol, else the first over TCP."""
    reachable = [port for port in ports if port.transport == "TCP"]
    if health.port is not None:
        return next((port for port in reachable if port.number == health.port), None)
    same = [port for port in reachable if port.protocol == health.kind]
    return next(iter([*same, *reachable]), None)


def _speakable(command: tuple[str, ...]) -> bool:
    """Printable, no template action, nothing that looks like a secret."""
    return bool(command) and all(
        word.isprintable() and "{{" not in word and without_secrets(word) == word for word in command
    )
