"""What a start command or a health command says: ports, workers, heap limits, and the check that is made.

In: words of a command line. Out: facts. Never: the command run, a value that looks like a secret kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlsplit

from bot.model.noun import Noun
from bot.model.profile import Evidence, Health
from bot.model.quantity import MIB, Bytes
from bot.survey.secrets import looks_secret

JVM_NATIVE: Final = 150 * MIB
"""Memory a JVM needs beside its heap: 70-150 MB (sizing table of runtimes), the upper end."""

MAX_WORDS: Final = 60

_HEAP: Final = re.compile(r"-Xmx(?P<size>[0-9]{1,12})(?P<unit>[kKmMgG]?)\b")
_NODE_HEAP: Final = re.compile(r"--max[-_]old[-_]space[-_]size[= ](?P<mib>[0-9]{1,6})\b")
_WORKERS: Final = re.compile(
    r"(?:^|\s)(?:-w|--workers|--processes|--web-concurrency)[= ]?(?P<count>[0-9]{1,3})(?=\s|$)"
)
_PORT_FLAG: Final = re.compile(
    r"(?:^|\s)(?:-p|-b|-l|-S|--port|--bind|--listen|--http|--http-socket|--http-port|--server\.port|--addr|--address"
    r"|--listen-address|-Dserver\.port|--urls)[= ]?(?P<target>[^\s\"',]{1,120})"
)
_TARGET: Final = re.compile(
    r"(?:(?:https?|tcp)://)?[A-Za-z0-9_.*+\[\]:-]{0,80}?:(?P<after>[0-9]{1,5})/?|(?P<alone>[0-9]{1,5})"
)
_TARGET_NAME: Final = re.compile(
    r"(?:[A-Za-z0-9_.*\[\]:/-]{0,80}:)?\$\{?(?P<name>[A-Z][A-Z0-9_]{0,60})(?::-(?P<default>[0-9]{1,5}))?\}?"
)
_SERVERS: Final = re.compile(
    r"\b(?:gunicorn|uvicorn|hypercorn|daphne|waitress-serve|granian|uwsgi|flask|runserver|rails|puma|unicorn|next|nuxt|vite|serve"
    r"|http-server|php|java|dotnet|ng|streamlit|node|fastapi|caddy|artisan)\b"
)
_URL: Final = re.compile(r"(?:https?://)(?P<host>[A-Za-z0-9_.\[\]:-]{1,200})(?P<path>/[^\s\"'|;&)>]{0,300})?")
_SHELL: Final = re.compile(r"[|&;<>$`(){}*?]")
_DEVELOPMENT: Final = re.compile(
    r"\b(?:nodemon|--inspect(?:-brk)?|--reload|--debug|debugpy|dlv|ts-node-dev|runserver|webpack-dev-server|CompileDaemon|reflex"
    r"|watchexec)\b|\bnpm run (?:dev|watch|start:dev)\b|\byarn (?:dev|watch)\b|\bpnpm (?:run )?dev\b|\bair\b"
)


class CommandPort(Noun):
    """A port that a command line names, or the variable that holds it."""

    port: int | None
    from_env: str | None = None


class CommandFacts(Noun):
    """What a command line says about the process it starts."""

    ports: tuple[CommandPort, ...] = ()
    workers: int | None = None
    memory_floor: Bytes | None = None


def read_command(command: Sequence[str]) -> CommandFacts:
    """Ports of well-known servers, worker count and heap limit of a command line."""
    text = " ".join(command[:MAX_WORDS])[:4_000]
    workers = _WORKERS.search(text)
    count = int(workers["count"]) if workers else 0
    return CommandFacts(
        ports=_ports(text), workers=count if 1 <= count <= 256 else None, memory_floor=memory_floor(text)
    )


def _ports(text: str) -> tuple[CommandPort, ...]:
    if not _SERVERS.search(text):
        return ()
    found = (_port(match["target"]) for match in _PORT_FLAG.finditer(text))
    return tuple(dict.fromkeys(port for port in found if port is not None))


def _port(target: str) -> CommandPort | None:
    number = _TARGET.fullmatch(target)
    if number:
        port = int(number["after"] or number["alone"])
        return CommandPort(port=port) if valid_port(port) else None
    named = _TARGET_NAME.fullmatch(target)
    if named is None:
        return None
    default = int(named["default"]) if named["default"] else None
    return CommandPort(port=default if valid_port(default) else None, from_env=named["name"])


def valid_port(port: int | None) -> bool:
    """True for 1 to 65535."""
    return port is not None and 1 <= port <= 65_535


def memory_floor(text: str) -> Bytes | None:
    """The least memory that a heap flag demands: ``-Xmx`` plus a JVM's native memory, or Node's old space."""
    heap = _HEAP.search(text[:8_000])
    if heap:
        unit = {"k": 1024, "m": MIB, "g": 1024 * MIB}.get(heap["unit"].lower(), 1)
        size = int(heap["size"]) * unit
        return Bytes(size + JVM_NATIVE) if MIB <= size <= 1024 * 1024 * MIB else None
    node = _NODE_HEAP.search(text[:8_000])
    return Bytes.of_mib(int(node["mib"])) if node and int(node["mib"]) <= 1_048_576 else None


def is_development(command: Sequence[str]) -> bool:
    """True for a command that only a developer runs: file watchers, debuggers, reloaders."""
    return _DEVELOPMENT.search(" ".join(command[:MAX_WORDS])[:4_000]) is not None


def shell_form(text: str) -> tuple[str, ...]:
    """The words of a shell-form command; kept in one piece behind ``/bin/sh -c`` when a shell has to read it."""
    return ("/bin/sh", "-c", text[:2_000]) if _SHELL.search(text) else tuple(text.split())[:MAX_WORDS]


def without_secrets(command: Sequence[str]) -> tuple[str, ...]:
    """The command with every word that looks like a secret replaced."""
    return tuple("(not copied)" if looks_secret(word) else word[:2_000] for word in command[:MAX_WORDS])


def read_check(command: Sequence[str], evidence: Evidence) -> Health | None:
    """A health command as the check it makes: ``curl http://localhost:8080/health`` is an HTTP check."""
    kind: Literal["http", "grpc", "exec"]
    text = " ".join(command[:MAX_WORDS])[:4_000].strip()
    if not text or text.upper() == "NONE":
        return None
    if "grpc_health_probe" in text or "grpc-health-probe" in text:
        found = re.search(r"-addr[= ]\S{0,80}?:(?P<port>[0-9]{1,5})\b", text)
        return Health(kind="grpc", port=int(found["port"]) if found else None, evidence=evidence)
    url = _URL.search(text)
    if url and re.search(r"\b(?:curl|wget|http|fetch|nc|healthcheck|python\d?|node|get)\b", text):
        return _http_check(url, evidence)
    kind = "exec"
    return Health(kind=kind, command=without_secrets(command), evidence=evidence)


def _http_check(url: re.Match[str], evidence: Evidence) -> Health:
    host, path = url["host"], url["path"] or "/"
    port = 443 if url[0].startswith("https") else 80
    try:
        stated = urlsplit("http://" + host).port
    except ValueError:
        stated = None
    number = stated or (None if ":" in host and "[" not in host else port)
    clean = path if "$" not in path and "{" not in path else "/"
    return Health(kind="http", path=clean, port=number, evidence=evidence)
