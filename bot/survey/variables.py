"""What the name and value of one environment variable say: the process's own port, the hosts it points at.

In: a name and a value, looked at once. Out: numbers and host names. Never: the value.
"""

from __future__ import annotations

import re
from typing import Final

from bot.survey.commands import valid_port

MAX_VALUE: Final = 2_000

_PORT_NAMES: Final = re.compile(
    r"(?:(?:HTTP|SERVER|APP|LISTEN|WEB|API|GRPC|SERVICE|CONTAINER|FLASK_RUN|UVICORN|NUXT|NITRO|ROCKET|MICRONAUT_SERVER"
    r"|QUARKUS_HTTP)_)?PORT|ASPNETCORE_HTTP_PORTS"
)
_ADDRESS_NAMES: Final = re.compile(
    r"ASPNETCORE_URLS|(?:HTTP_|SERVER_|APP_)?(?:LISTEN|LISTEN_ADDR|LISTEN_ADDRESS|BIND|BIND_ADDR|ADDR)|GUNICORN_BIND"
)
_TRAILING_PORT: Final = re.compile(r"(?:.{0,200}:)?(?P<port>[0-9]{1,5})/?")
_HOST: Final = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?)"
_IN_URL: Final = re.compile(r"://(?:[^\s/@]{0,300}@)?" + _HOST)
_WITH_PORT: Final = re.compile(r"(?:^|[\s,;=@(/])" + _HOST + r":[0-9]{1,5}(?![0-9.])")
_ALONE: Final = re.compile(_HOST)
_IN_WORDS: Final = re.compile(r"(?:host|server|hostname)=" + _HOST, re.IGNORECASE)
_HOST_NAME: Final = re.compile(
    r"(?i)(?:.*_)?(?:hosts?|hostname|addr(?:ess)?|servers?|service|ur[il]|endpoint|brokers?|bootstrap_servers|nodes?"
    r"|peers?|backend|upstream|svc)"
)


def port_in(name: str, value: str) -> int | None:
    """The port that a variable's value holds, when its name says that it is the process's own port."""
    if _PORT_NAMES.fullmatch(name):
        found = re.fullmatch(r"(?P<port>[0-9]{1,5})(?:;.{0,50})?", value[:MAX_VALUE])
    elif _ADDRESS_NAMES.fullmatch(name):
        found = _TRAILING_PORT.fullmatch(value[:MAX_VALUE].partition(";")[0])
    else:
        return None
    port = int(found["port"]) if found else None
    return port if valid_port(port) else None


def hosts_in(name: str, value: str) -> tuple[str, ...]:
    """Host names that a value points at, lower case, the first label only.

    A bare word counts only under a name such as ``REDIS_HOST``: ``MODE=redis`` points at nothing.
    """
    text = value[:MAX_VALUE]
    found = [match["host"] for pattern in (_IN_URL, _WITH_PORT, _IN_WORDS) for match in pattern.finditer(text)]
    if _HOST_NAME.fullmatch(name) and len(text) <= 253:
        found += [word for word in re.split(r"[\s,;]+", text) if _ALONE.fullmatch(word)]
    return tuple(dict.fromkeys(host.partition(".")[0].lower() for host in found if not host.isdigit()))
