"""The address and the token as people write them.

In: ``https://host:8006/``, ``https://host:8006/api2/json``, ``user@realm!id=secret``. Out: checked parts. Never: plain
http to another machine, a secret in a message.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bot.edges.proxmox.trouble import refused
from bot.errors import Code

_TOKEN: Final = re.compile(
    r"(?:PVEAPIToken=)?(?P<user>[^\s!=:/@]{1,64}@[A-Za-z][A-Za-z0-9._-]{1,31})!(?P<name>[A-Za-z][A-Za-z0-9._-]{1,127})"
    r"=(?P<secret>[!-~]{1,256})",
    re.ASCII,
)
_PATHS: Final = frozenset({"", "/api2", "/api2/json"})
_EXAMPLE: Final = "Set `PROXMOX_VE_ENDPOINT` to the address of one node, such as `https://pve1.example.org:8006/`."


@dataclass(frozen=True)
class Endpoint:
    """The API's base URL; ``tls`` is False only on loopback."""

    base_url: str
    tls: bool


@dataclass(frozen=True)
class Token:
    """An API token; the secret does not print."""

    user: str
    name: str
    secret: str = field(repr=False)


def parse_endpoint(text: str) -> Endpoint:
    """Read an endpoint. Raises Refused(config) for anything but https, or http on loopback."""
    try:
        url = urlsplit(text.strip())
        port = url.port
    except ValueError:
        raise refused(Code.CONFIG, "The Proxmox VE endpoint is not a URL.", _EXAMPLE) from None
    problem = _problem(url)
    if problem is not None:
        raise refused(Code.CONFIG, f"The Proxmox VE endpoint {problem}.", _EXAMPLE)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    place = host if port is None else f"{host}:{port}"
    return Endpoint(base_url=f"{url.scheme}://{place}/api2/json", tls=url.scheme == "https")


def _problem(url: SplitResult) -> str | None:
    if url.scheme not in {"https", "http"} or not url.hostname:
        return "does not begin with `https://` and a host"
    if not re.fullmatch(r"[A-Za-z0-9._:%-]{1,253}", url.hostname):
        return "names no valid host"
    if url.username is not None or url.password is not None or url.query or url.fragment:
        return "holds more than scheme, host and port"
    if url.path.rstrip("/") not in _PATHS:
        return "has a path that Proxmox VE does not have"
    if url.scheme == "http" and not _loopback(url.hostname):
        return "is plain http, which would send the token unencrypted"
    return None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_token(text: str) -> Token:
    """Read ``user@realm!id=secret``. Raises Refused(proxmox-auth)."""
    match = _TOKEN.fullmatch(text.strip())
    if match is None:
        raise refused(
            Code.PROXMOX_AUTH,
            "The Proxmox VE API token does not have the form `user@realm!id=secret`.",
            "Set `PROXMOX_VE_API_TOKEN`; `pveum user token add user@realm id` prints both parts.",
        )
    return Token(user=match["user"], name=match["name"], secret=match["secret"])
