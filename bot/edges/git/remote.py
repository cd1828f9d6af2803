"""Where a repository is read from, and the proof that the place is public.

In: a ``RepoTarget`` and a resolver. Out: a ``Remote`` with one checked and pinned address. Never: a private, loopback,
link-local or translated address that a command named, a credential in a URL, an address that is not a host name.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.command import RepoTarget

Resolve = Callable[[str], tuple[str, ...]]

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.ip_network("64:ff9b:1::/48")
_V4_COMPATIBLE: Final = ipaddress.ip_network("::/96")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """One address that git may talk to. ``address`` is the pinned IP; None leaves the name to the resolver.

    ``authorization`` is the value of an HTTP ``Authorization`` header; it travels in the environment alone.
    """

    url: str
    protocol: Literal["https", "http", "file"] = "https"
    address: str | None = None
    host: str | None = None
    port: int = 443
    authorization: SecretStr | None = None


def resolve_host(host: str) -> tuple[str, ...]:
    """Every address of a host name. Raises OSError when the name does not resolve."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_remote(
    target: RepoTarget, resolve: Resolve = resolve_host, *, authorization: SecretStr | None = None
) -> Remote:
    """The https remote of a target, its address resolved once, checked and pinned.

    Raises Refused (repo-url, repo-host) or Unavailable (repo-unreachable) when the name does not resolve.
    """
    _check_words(target)
    addresses = _resolved(target.host, resolve)
    if not addresses or not all(map(is_public, addresses)):
        raise Refused(_not_public(target.host))
    pinned = min(addresses, key=lambda address: ":" in address)
    return Remote(url=target.clone_url, host=target.host, address=pinned, authorization=authorization)


def private_remote(url: str, authorization: SecretStr | None) -> Remote:
    """The remote of a repository on the operator's own GitHub, at the address that its API names.

    The operator trusts that host, so it may stand in a private network: the name is left to the resolver and TLS proves
    it. ``authorization`` is sent to this repository's address alone (redirects are off). Raises Refused(repo-url).
    """
    parts = urlsplit(url)
    plain = parts.scheme == "http" and _is_here(parts.hostname)
    if not parts.hostname or parts.username or parts.query or (parts.scheme != "https" and not plain):
        raise Refused(_no_address())
    return Remote(url=url, protocol="http" if plain else "https", authorization=authorization)


def _is_here(host: str | None) -> bool:
    """Whether a host is this computer."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """True when the address, and every IPv4 address that it carries inside, is globally reachable."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_is_global(form) for form in _forms(parsed))


def _forms(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.scope_id is not None or address in _V4_COMPATIBLE or address in _NAT64_LOCAL:
        return (None,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    inner = (address.sixtofour, *(address.teredo or ()))
    return (address, *(form for form in inner if form is not None))


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    return (
        address is not None
        and address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback)
    )


def _check_words(target: RepoTarget) -> None:
    if len(target.host) > 253 or _HOST.fullmatch(target.host) is None:
        raise Refused(_not_public(target.host))
    words = (target.owner, target.name)
    if any(_SEGMENT.fullmatch(word) is None or word in {".", ".."} for word in words):
        raise Refused(
            Refusal(
                code=Code.REPO_URL,
                message="The repository's owner or name holds characters that a repository cannot have.",
                remedy='Write it as git_repo: "https://github.com/owner/name".',
            )
        )


def _resolved(host: str, resolve: Resolve) -> tuple[str, ...]:
    try:
        return resolve(host)
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            Code.REPO_UNREACHABLE,
            f"The name {host} could not be resolved.",
            remedy="Check the spelling of the host; if it is right, try again in some minutes.",
        ) from error


def _no_address() -> Refusal:
    return Refusal(
        code=Code.REPO_URL,
        message="GitHub's API names a clone address that is no https address, so the repository is not read.",
        remedy="Check `GITHUB_API_URL`.",
    )


def _not_public(host: str) -> Refusal:
    shown = re.sub(r"[^A-Za-z0-9.:_-]", "?", host)[:80]
    return Refusal(
        code=Code.REPO_HOST,
        message=f"The host {shown!r} is not a public host name, so the repository is not read.",
        remedy="Use a host of AI_PROVISION_ALLOWED_GIT_HOSTS whose addresses are all public.",
    )
