"""The address of a repository, read strictly: https, an allowed host, owner, name, perhaps a part of a monorepo.

In: text that anybody typed. Out: ``RepoTarget`` or ``Refusal`` (repo-url, repo-host). Never: a look-up, a started
program, an echo of credentials or of a query.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from bot.errors import Code, Refusal
from bot.model.command import RepoTarget

EXAMPLE: Final = "https://github.com/myorg/supermarket-inventory"
_LONGEST: Final = 2_048
_SCHEME: Final = "https://"
_PATH: Final = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?(?:/|/tree/(.+))?", re.ASCII)
_SHOWABLE: Final = re.compile(r"[A-Za-z0-9./_~+-]{1,100}|[a-z]{2,6}://?[A-Za-z0-9./_~+-]{0,100}", re.ASCII)
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_PORT: Final = re.compile(r"(?P<name>[^:\[\]]+):(?P<port>[^:]*)")
_OWNER: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_SEGMENTS: Final = 64


def parse_repo_url(text: str, *, hosts: Sequence[str]) -> RepoTarget | Refusal:
    """Read ``https://host/owner/name[.git]`` or ``https://host/owner/name/tree/<ref>/<path>``."""
    authority, slash, path = text[len(_SCHEME) :].partition("/")
    problem = _wrong_text(text, authority)
    if problem is not None:
        return _bad_url(problem)
    host = _checked_host(authority, hosts)
    if isinstance(host, Refusal):
        return host
    match = _PATH.fullmatch(slash + path)
    if match is None:
        return _bad_url(f"git_repo is not https://host/owner/name{_shown(text)}")
    return _target(host, match[1], match[2], tree=match[3])


def _wrong_text(text: str, authority: str) -> str | None:
    """What is wrong before the host is looked at."""
    if not text.strip():
        return "git_repo is empty"
    if any(mark in text for mark in "@?#\uff20") or "%40" in authority:
        return "git_repo holds a user, a query or a fragment; it is not repeated here because it may be secret"
    if len(text) > _LONGEST or not text.isprintable() or any(letter.isspace() or letter == "\\" for letter in text):
        return "git_repo holds spaces, control characters or backslashes, or is longer than 2,048 characters"
    if text[: len(_SCHEME)].lower() != _SCHEME or not authority:
        return f"git_repo is not https://host/owner/name{_shown(text)}"
    return None


def _shown(text: str) -> str:
    """The text, when nothing in it can be a credential."""
    return f": {text}" if _SHOWABLE.fullmatch(text) else ""


def _checked_host(authority: str, hosts: Sequence[str]) -> str | Refusal:
    allowed = [host.lower() for host in hosts]
    split = _PORT.fullmatch(authority.lower())
    name, port = (split["name"], split["port"]) if split else (authority.lower(), "443")
    if port != "443":
        return _bad_host("git_repo names a port; only https on port 443 is read", allowed)
    if _HOST.fullmatch(name) is None and name not in allowed:
        return _bad_host("git_repo names an address instead of a host name", allowed)
    if name not in allowed:
        return _bad_host(f"The host {name[:100]} is not on the list of allowed hosts", allowed)
    return name


def _target(host: str, owner: str, name: str, *, tree: str | None) -> RepoTarget | Refusal:
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name) or name in {".", ".."} or name.endswith(".git"):
        return _bad_url(f"git_repo names no owner and repository{_shown(f'{owner}/{name}')}")
    segments = _segments(tree) if tree is not None else ()
    if segments is None:
        return _bad_url("the part behind /tree/ is no path inside the repository")
    return RepoTarget(host=host, owner=owner, name=name, tree=segments)


def _segments(tree: str) -> tuple[str, ...] | None:
    """The path behind ``/tree/``, decoded once; None when it could leave the repository or hide something."""
    segments = []
    for raw in tree.rstrip("/").split("/"):
        try:
            segment = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            return None
        if segment in {"", ".", ".."} or not segment.isprintable() or "/" in segment or "\\" in segment:
            return None
        segments.append(segment)
    return tuple(segments) if len(segments) <= _SEGMENTS and not segments[0].startswith("-") else None


def _bad_url(problem: str) -> Refusal:
    return Refusal(
        code=Code.REPO_URL,
        message=f"{problem if problem.startswith('git_repo') else problem[0].upper() + problem[1:]}.",
        remedy=f"Give the address as the browser shows it, such as {EXAMPLE} or {EXAMPLE}/tree/main/src/cart.",
    )


def _bad_host(problem: str, allowed: Sequence[str]) -> Refusal:
    return Refusal(
        code=Code.REPO_HOST,
        message=f"{problem}.",
        remedy=f"Name a repository on {', '.join(allowed) or 'an allowed host'}; "
        "operators allow more with AI_PROVISION_ALLOWED_GIT_HOSTS.",
    )
