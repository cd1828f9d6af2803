"""Start commands that files beside the code state: Procfile, gunicorn.conf.py, uWSGI ini, a Dockerfile's CMD line.

In: the small files of an area. Out: ports, workers, start command. Never: a shell.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace

from bot.survey.clues import PortClaim
from bot.survey.code.facts import evidence
from bot.survey.code.sources import Area, Source
from bot.survey.code.values import port_in
from bot.survey.commands import read_command
from bot.survey.procfile import processes_in

_INI_LINE = re.compile(r"\s*([a-z0-9-]{1,40})\s*[=:]\s*(\S{1,120})")
_CONF_LINE = re.compile(r"""(bind|workers)\s*=\s*["']?([^"'#\s]{1,120})""")
_SOCKETS = frozenset({"socket", "http", "http-socket", "https", "http11-socket"})
_STARTERS = ("gunicorn", "uvicorn", "uwsgi", "hypercorn", "waitress-serve", "flask")


@dataclass(frozen=True)
class Started:
    """What start commands say."""

    ports: tuple[PortClaim, ...] = ()
    workers: int | None = None
    command: tuple[str, ...] | None = None


def started_by(area: Area) -> Started:
    """The statements of the area's small files, merged; the first that says something wins."""
    found = [
        *(_procfile(source) for source in area.named("Procfile")),
        *(_gunicorn(source) for source in area.ending(".py") if source.name.startswith("gunicorn")),
        *(_uwsgi(source) for source in area.others if source.name.endswith(".ini") and "[uwsgi]" in source.text),
        *(_dockerfile(source) for source in area.named("Dockerfile")),
    ]
    ports = next((item.ports for item in found if item.ports), ())
    workers = next((item.workers for item in found if item.workers), None)
    return Started(ports, workers, next((item.command for item in found if item.command), None))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a command line; split at spaces when the quoting is broken."""
    try:
        return tuple(shlex.split(text[:2_000]))
    except ValueError:
        return tuple(text[:2_000].split())


def _procfile(source: Source) -> Started:
    """The web process, with the evidence that the Procfile's own reader gives, so that it is shown once."""
    web = next((process for process in processes_in(source.path, source.text) if process.kind == "web"), None)
    if web is None:
        return Started()
    started = _command(source, web.evidence.line or 1, web.command, keep=True)
    return replace(started, ports=tuple(port.model_copy(update={"evidence": web.evidence}) for port in started.ports))


def _command(source: Source, line: int, words: tuple[str, ...], *, keep: bool) -> Started:
    facts = read_command(words) if any(word.rpartition("/")[2] in _STARTERS for word in words) else None
    ports = tuple(
        PortClaim(port=item.port, protocol="http", name="http", seen="code", from_env=item.from_env,
                  evidence=evidence(source.path, line, f"start command :{item.port}"))
        for item in (facts.ports if facts else ())
        if item.port is not None
    )  # fmt: skip
    return Started(ports, facts.workers if facts else None, words if keep else None)


def _dockerfile(source: Source) -> Started:
    """The last CMD or ENTRYPOINT: only its ports and workers; the command itself is the Dockerfile reader's."""
    for number, line in reversed(list(enumerate(source.text.splitlines(), 1))):
        head, _, rest = line.strip().partition(" ")
        if head.upper() in {"CMD", "ENTRYPOINT"}:
            return _command(source, number, words_of(rest.strip("[] ").replace('",', '" ')), keep=False)
    return Started()


def _gunicorn(source: Source) -> Started:
    ports: tuple[PortClaim, ...] = ()
    workers: int | None = None
    for number, line in enumerate(source.text.splitlines(), 1):
        match = _CONF_LINE.match(line)
        if match is None:
            continue
        if match[1] == "workers" and match[2].isascii() and match[2].isdigit():
            workers = workers or _count(match[2])
        elif match[1] == "bind":
            ports = ports or _port(source, number, match[2])
    return Started(ports, workers)


def _uwsgi(source: Source) -> Started:
    ports: tuple[PortClaim, ...] = ()
    workers: int | None = None
    for number, line in enumerate(source.text.splitlines(), 1):
        match = _INI_LINE.match(line)
        if match is None:
            continue
        if match[1] in {"processes", "workers"} and match[2].isascii() and match[2].isdigit():
            workers = workers or _count(match[2])
        elif match[1] in _SOCKETS:
            ports = ports or _port(source, number, match[2])
    return Started(ports, workers)


def _count(text: str) -> int | None:
    number = int(text[:4])
    return number if 1 <= number <= 256 else None


def _port(source: Source, line: int, text: str) -> tuple[PortClaim, ...]:
    port = port_in(text)
    if port is None:
        return ()
    return (
        PortClaim(
            port=port, protocol="http", name="http", seen="code", evidence=evidence(source.path, line, f"bind :{port}")
        ),
    )
