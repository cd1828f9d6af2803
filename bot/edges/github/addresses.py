"""Where the token may go: the web host that belongs to an API, and which clone addresses are trusted.

In: the API's address and what the API said. Out: an address, or a refusal. Never: a token for another party's host.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from bot.errors import Code, Refusal, Refused
from bot.loopback import is_loopback

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}")


def is_plain_loopback(url: str) -> bool:
    """Whether an address is plain http on this computer, as an emulator's is; False for what is no address."""
    parts = _parts(url)
    return parts.scheme == "http" and is_loopback(parts.hostname)


def _parts(url: str) -> SplitResult:
    """The parts of an address; all empty for what is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def checked_api(api_url: str) -> str:
    """The API's address without a trailing slash: https, or plain http on loopback. Raises Refused(config)."""
    parts = _parts(api_url)
    plain = parts.scheme == "http" and is_loopback(parts.hostname)
    if not parts.hostname or parts.username or parts.query or (parts.scheme != "https" and not plain):
        raise Refused(
            Refusal(
                code=Code.CONFIG,
                message="`GITHUB_API_URL` is no https address.",
                remedy="Set it to `https://api.github.com`, or to `https://HOST/api/v3` of your own server.",
            )
        )
    return api_url.rstrip("/")


def web_host(api_url: str) -> str:
    """The host (with port) where people see what the API serves: ``github.com`` for ``api.github.com``."""
    return urlsplit(api_url).netloc.removeprefix("api.")


def checked_clone_url(clone_url: str, *, api_url: str) -> str:
    """The address that git may send the token to.

    Https on the API's own web host; on a loopback API also plain http on loopback. Raises Refused(github-auth).
    """
    api, git = _parts(api_url), _parts(clone_url)
    if not git.username and not git.query and (_same_house(api, git) or _both_local(api, git)):
        return clone_url
    raise Refused(
        Refusal(
            code=Code.GITHUB_AUTH,
            message="The API names a clone address on a host that is not its own, so the token was not sent there.",
            remedy="Check `GITHUB_API_URL`.",
        )
    )


def _same_house(api: SplitResult, git: SplitResult) -> bool:
    host = (api.hostname or "").removeprefix("api.")
    return git.scheme == "https" and git.hostname in {host, api.hostname}


def _both_local(api: SplitResult, git: SplitResult) -> bool:
    return is_loopback(api.hostname) and api.scheme == "http" and git.scheme == "http" and is_loopback(git.hostname)


def checked_name(repo: str) -> str:
    """``owner/name``, safe in a path. Raises Refused(config)."""
    if _NAME.fullmatch(repo) and repo.split("/")[1] not in {".", ".."}:
        return repo
    raise Refused(
        Refusal(code=Code.CONFIG, message="The repository is not named as `owner/name`.", remedy="Write `owner/name`.")
    )
