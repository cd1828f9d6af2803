"""Which health check a service has: code, manifest, compose, HEALTHCHECK, in this order; never an invented one.

In: clues and the ports that won the vote. Out: ``Health`` or None. Never: a path that is no plain URL path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from bot.model.profile import Health, Port
from bot.survey.clues import Clues

_ORDER: Final = ("code", "manifest", "compose", "dockerfile", "spring", "chart", "procfile")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,200}(?:\?[A-Za-z0-9._~=&%-]{0,200})?")


def choose_health(clues: Sequence[Clues], ports: Sequence[Port]) -> Health | None:
    """The first usable check, with the port that it goes to; a network check needs a port that the service has."""
    found = [health for detector in _ORDER for clue in clues if clue.detector == detector for health in clue.health]
    usable = (_usable(health, ports) for health in found)
    chosen = next((health for health in usable if health is not None), None)
    return _with_ready(chosen, found) if chosen is not None else None


def _usable(health: Health, ports: Sequence[Port]) -> Health | None:
    if health.kind == "exec":
        return health if health.command else None
    if health.kind == "http" and not (health.path and _PATH.fullmatch(health.path)):
        return None
    port = _port(health, ports)
    if port is None:
        return None
    ready = health.ready_path if health.ready_path and _PATH.fullmatch(health.ready_path) else None
    return health.model_copy(update={"port": port, "ready_path": ready})


def _port(health: Health, ports: Sequence[Port]) -> int | None:
    """The stated port when the service has it, else the first one that speaks the protocol of the check."""
    numbers = [port.port for port in ports]
    if health.port in numbers:
        return health.port
    wanted = {"http": {"http"}, "grpc": {"grpc"}, "tcp": {"http", "grpc", "tcp"}}[health.kind]
    return next((port.port for port in ports if port.protocol in wanted), None)


def _with_ready(chosen: Health, found: Iterable[Health]) -> Health:
    """Code that declares a second, readiness path says so in another entry."""
    if chosen.kind != "http" or chosen.ready_path is not None:
        return chosen
    ready = next((health.ready_path for health in found if health.kind == "http" and health.ready_path), None)
    return chosen.model_copy(update={"ready_path": ready}) if ready and _PATH.fullmatch(ready) else chosen
