"""The address and the credential as people write them.

In: ``http://prometheus:9090``, ``https://host/prefix/``; ``user:password`` or a bearer token. Out: checked parts.
Never: a credential in the address, a credential over plain http to another machine, any of them in a message.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from bot.edges.prometheus.trouble import Trouble

_EXAMPLE: Final = "Set PROMETHEUS_URL to the address of your Prometheus, such as https://prometheus.example.org."
_FORMS: Final = "Set PROMETHEUS_TOKEN to a bearer token or to user:password."
_NAME: Final = re.compile(r"(?=.{1,253}$)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?", re.ASCII)
_PATH: Final = re.compile(r"[A-Za-z0-9._~/-]{0,200}", re.ASCII)
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}", re.ASCII)
_BASIC: Final = re.compile(r"[^\s:]{1,256}:[^\r\n\0]{1,1024}")


@dataclass(frozen=True)
class Address:
    """Where range queries go. ``environment``: the proxies and authorities of the environment apply, which they do not
    for plain http on this machine.
    """

    url: str
    environment: bool


@dataclass(frozen=True)
class Credential(AuthBase):
    """``Authorization: Bearer``, or nothing at all: then no credential of a ``.netrc`` is sent either."""

    bearer: str | None = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """See requests."""
        if self.bearer is not None:
            request.headers["Authorization"] = f"Bearer {self.bearer}"
        return request


def parse_address(text: str, *, secret: bool) -> Address:
    """Read an address; ``secret`` when a credential goes there. Raises Trouble."""
    plain = text.strip()
    try:
        url = urlsplit(plain)
        port = url.port
    except ValueError:
        raise Trouble("PROMETHEUS_URL is not a URL", _EXAMPLE) from None
    if not plain.isprintable():
        raise Trouble("PROMETHEUS_URL holds control characters", _EXAMPLE)
    problem = _problem(url, secret=secret)
    if problem is not None:
        raise Trouble(f"PROMETHEUS_URL {problem}", _EXAMPLE)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    place = host if port is None else f"{host}:{port}"
    environment = url.scheme == "https" or not _loopback(url.hostname or "")
    return Address(f"{url.scheme}://{place}{url.path.rstrip('/')}/api/v1/query_range", environment)


def parse_credential(text: str | None) -> AuthBase:
    """Read ``user:password`` or a bearer token. Raises Trouble."""
    if text is None:
        return Credential(None)
    if _BEARER.fullmatch(text.strip()):
        return Credential(text.strip())
    if _BASIC.fullmatch(text.strip()):
        user, _, password = text.strip().partition(":")
        return HTTPBasicAuth(user.encode(), password.encode())
    raise Trouble("PROMETHEUS_TOKEN has a form that cannot be sent", _FORMS)


def _problem(url: SplitResult, *, secret: bool) -> str | None:
    if url.scheme not in {"https", "http"} or not url.hostname:
        return "does not begin with https:// or http:// and a host"
    if url.username is not None or url.password is not None:
        return "holds a user name or a password, which belongs into PROMETHEUS_TOKEN"
    if not _is_host(url.hostname):
        return "names no valid host"
    if url.query or url.fragment or not _PATH.fullmatch(url.path) or ".." in url.path:
        return "holds more than scheme, host, port and a path"
    if secret and url.scheme == "http" and not _loopback(url.hostname):
        return "is plain http, which would send PROMETHEUS_TOKEN unencrypted"
    return None


def _is_host(host: str) -> bool:
    return _NAME.fullmatch(host) is not None or _ip(host) is not None


def _loopback(host: str) -> bool:
    found = _ip(host)
    return host == "localhost" or (found is not None and found.is_loopback)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
