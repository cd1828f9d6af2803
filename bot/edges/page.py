"""A page of the public web, read once for ``ai-provision knowledge add``.

In: an https address, and the rules of the house for hosts (``resolve``, ``is_public``). Out: its text. Never: plain
http, an address that is not public, a name resolved twice, another host, a proxy of the environment, more than 1 MB,
more than 20 seconds.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, LocationParseError, SSLError

from bot.edges.capped import cap
from bot.errors import Code, Refusal, Refused, Unavailable

LARGEST: Final = 1_000_000
"""Bytes of a page."""
SECONDS: Final = 20.0
"""For name, connections, redirects and the last byte together."""
_HOPS: Final = 3
_LONGEST: Final = 2_000
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"})
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_HEADERS: Final = {"Accept": "text/html, text/markdown, text/plain, text/*", "Accept-Encoding": "identity"}
_EXAMPLE: Final = "https://www.postgresql.org/docs/current/runtime-config-resource.html"


@dataclass(frozen=True)
class FetchedPage:
    """The text of a page and its media type, such as ``text/html``; ``url`` is where it was found."""

    url: str
    media: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """How names become addresses, and which of them may be read. ``port`` and ``tls`` are for tests on loopback."""

    resolve: Callable[[str], tuple[str, ...]]
    is_public: Callable[[str], bool]
    port: int = 443
    tls: ssl.SSLContext = field(default_factory=lambda: ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH))


def fetch_page(url: str, hosts: Hosts, *, seconds: float = SECONDS) -> FetchedPage:
    """Read a page. Raises Refused (syntax, policy, tls) for what a person has to change, Unavailable (internal)."""
    until = time.monotonic() + seconds
    parts = _checked(url)
    address = _address(parts.hostname or "", hosts)
    try:
        for _ in range(_HOPS + 1):
            answer = _asked(parts, address, hosts, seconds=until - time.monotonic())
            try:
                if answer.status not in {301, 302, 303, 307, 308}:
                    return _read(parts, answer)
                parts = _moved(parts, answer.headers.get("Location"))
            finally:
                answer.close()
    except SSLError as problem:
        raise Refused(_tls(parts.hostname or "")) from problem
    except (HTTPError, OSError) as problem:
        raise _silent(parts.hostname or "") from problem
    raise Refused(_refusal(Code.SYNTAX, "The page redirects more than three times.", "Give the address it ends at."))


def _checked(url: str) -> SplitResult:
    """The parts of an address that may be asked for. Raises Refused(syntax)."""
    try:
        parts = urlsplit(url)
        odd = parts.port not in {None, 443} or parts.username is not None or parts.password is not None
    except ValueError:
        raise Refused(_wrong("it is no address")) from None
    if parts.scheme != "https":
        raise Refused(_wrong("it does not begin with https://"))
    if odd or len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise Refused(_wrong("it names a port or a user, is too long, or holds characters that an address has not"))
    if len(parts.hostname or "") > 253 or _HOST.fullmatch(parts.hostname or "") is None:
        raise Refused(_wrong("its host is no public name"))
    return parts


def _address(host: str, hosts: Hosts) -> str:
    """The one address that is talked to, whatever the name resolves to afterwards."""
    try:
        found = hosts.resolve(host)
    except (OSError, UnicodeError) as problem:
        raise Unavailable(
            Code.INTERNAL,
            f"The name {host} could not be resolved.",
            remedy="Check the spelling of the host; if it is right, try again in some minutes.",
        ) from problem
    if not found or not all(map(hosts.is_public, found)):
        raise Refused(
            _refusal(
                Code.POLICY,
                f"The host {host} is not public, so the page is not read.",
                "Save the page as a file and give the file.",
            )
        )
    return min(found, key=lambda each: ":" in each)


def _asked(parts: SplitResult, address: str, hosts: Hosts, *, seconds: float) -> BaseHTTPResponse:
    """The beginning of the answer. The name stands in TLS and in the Host header alone."""
    host = parts.hostname or ""
    if seconds <= 0:
        raise _silent(host)
    manager = PoolManager(num_pools=1, ssl_context=hosts.tls, server_hostname=host, assert_hostname=host, retries=False)
    cap(manager, seconds=seconds)
    place = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    return manager.request(
        "GET",
        f"https://{place}:{hosts.port}{parts.path or '/'}{query}",
        headers={**_HEADERS, "Host": host},
        redirect=False,
        preload_content=False,
        decode_content=False,
        timeout=Timeout(connect=seconds, read=seconds),
    )


def _moved(parts: SplitResult, location: str | None) -> SplitResult:
    """Where the page went, on the same host. Raises Refused(syntax)."""
    try:
        there = _checked(urljoin(parts.geturl(), location or "http:"))
    except (ValueError, LocationParseError):
        raise Refused(_wrong("it redirects to no address")) from None
    if there.hostname != parts.hostname:
        raise Refused(
            _refusal(
                Code.SYNTAX,
                f"The page redirects from {parts.hostname} to another host.",
                "Open it in a browser and give the address that it has there.",
            )
        )
    return there


def _read(parts: SplitResult, answer: BaseHTTPResponse) -> FetchedPage:
    host = parts.hostname or ""
    if answer.status != 200:
        if answer.status == 429 or answer.status >= 500:
            raise _silent(host)
        raise Refused(_refusal(Code.SYNTAX, f"{host} answers {answer.status} for this page.", "Check the address."))
    kind = Message()
    kind["Content-Type"] = answer.headers.get("Content-Type", "")
    plain = answer.headers.get("Content-Encoding", "identity") == "identity"
    if not plain or not kind["Content-Type"].lower().startswith("text/"):
        raise Refused(_refusal(Code.SYNTAX, "The page is no plain text, Markdown or HTML.", "Give another form of it."))
    raw = answer.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Refused(_refusal(Code.SIZE, f"The page is larger than {LARGEST:,} bytes.", "Give a smaller part of it."))
    charset = (kind.get_content_charset() or "utf-8").lower()
    text = raw.decode(charset if charset in _CHARSETS else "utf-8", errors="replace")
    return FetchedPage(url=parts.geturl(), media=kind.get_content_type(), text=text)


def _refusal(code: Code, message: str, remedy: str) -> Refusal:
    return Refusal(code=code, message=message, remedy=remedy)


def _wrong(why: str) -> Refusal:
    return _refusal(Code.SYNTAX, f"The page cannot be read: {why}.", f"Give an address such as {_EXAMPLE}, or a file.")


def _tls(host: str) -> Refusal:
    return _refusal(
        Code.TLS,
        f"The TLS certificate of {host} could not be verified, so nothing was read.",
        "Save the page as a file and give the file; verification is never switched off.",
    )


def _silent(host: str) -> Unavailable:
    return Unavailable(
        Code.INTERNAL,
        f"{host} did not give the page within {SECONDS:g} seconds, or broke off.",
        remedy="Try again in some minutes, or save the page as a file and give the file.",
    )
