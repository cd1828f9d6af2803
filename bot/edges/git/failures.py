"""What git's last words mean for a person.

In: git's error text. Out: an exception with one of our codes and a fixed sentence. Never: the text itself, which holds
what the server chose to say, perhaps an address of our network.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from bot.errors import Code, Refusal, Refused, Unavailable

Kind = Literal["tls", "private", "absent", "moved", "ref", "slow", "busy", "dumb", "memory", "broken", "outage"]

_NEEDLES: Final[tuple[tuple[str, Kind], ...]] = (
    ("not found in upstream", "ref"),
    ("couldn't find remote ref", "ref"),
    ("not our ref", "ref"),
    ("operation too slow", "slow"),
    ("certificate", "tls"),
    ("ssl_", "tls"),
    ("ssl:", "tls"),
    ("tls", "tls"),
    ("could not read username", "private"),
    ("authentication failed", "private"),
    ("returned error: 401", "private"),
    ("returned error: 403", "private"),
    ("returned error: 404", "absent"),
    ("not found", "absent"),
    ("does not appear to be a git repository", "absent"),
    ("unable to update url base from redirection", "moved"),
    ("returned error: 429", "busy"),
    ("dumb http", "dumb"),
    ("invalid server response", "dumb"),
    ("protocol error", "dumb"),
    ("not valid: is this a git repository", "dumb"),
    ("out of memory", "memory"),
    ("cannot allocate memory", "memory"),
    ("rpc failed", "outage"),
    ("invalid index-pack output", "broken"),
    ("early eof", "broken"),
)
_QUOTED: Final = re.compile(r"'[^'\n]*'")
_MOVED: Final = re.compile(r"returned error: 3\d\d", re.ASCII)
_WAIT: Final[dict[Kind, float]] = {"busy": 60.0, "slow": 120.0, "broken": 30.0, "outage": 30.0}


def kind_of(err: str) -> Kind:
    """The first known sign in git's own lines; what the server sent (``remote:``) and what git quotes (addresses, which
    people chose) have no say.
    """
    lines = (line for line in err.lower().splitlines() if not line.startswith("remote:"))
    own = _QUOTED.sub("", "\n".join(lines))
    if _MOVED.search(own):
        return "moved"
    return next((kind for needle, kind in _NEEDLES if needle in own), "outage")


class GitOutage(Unavailable):
    """An outage whose ``kind`` says how soon another try makes sense."""

    def __init__(self, kind: Kind, message: str, *, remedy: str) -> None:
        code = Code.REPO_TIMEOUT if kind == "slow" else Code.REPO_UNREACHABLE
        super().__init__(code, message, remedy=remedy, retry_after=_WAIT[kind])
        self.kind = kind


def failure(shown: str, err: str) -> Refused | GitOutage:
    """The exception for a failed git command on the repository that people know as ``shown``."""
    kind = kind_of(err)
    message, remedy = _WORDS[kind]
    if kind in _WAIT:
        return GitOutage(kind, message.format(shown=shown), remedy=remedy)
    return Refused(Refusal(code=_CODES[kind], message=message.format(shown=shown), remedy=remedy))


_CODES: Final[dict[Kind, Code]] = {
    "tls": Code.REPO_TLS,
    "private": Code.REPO_UNREACHABLE,
    "absent": Code.REPO_UNREACHABLE,
    "moved": Code.REPO_UNREACHABLE,
    "dumb": Code.REPO_UNREACHABLE,
    "ref": Code.REPO_URL,
    "memory": Code.REPO_TOO_BIG,
}

_WORDS: Final[dict[Kind, tuple[str, str]]] = {
    "tls": (
        "The TLS certificate of the host of {shown} could not be verified, so nothing was read.",
        "Give the host a certificate of a public authority; verification is never switched off.",
    ),
    "private": (
        "{shown} does not exist or is private.",
        "Check the address; if it is private, install the GitHub App on it or give the bot's token read access.",
    ),
    "absent": (
        "{shown} does not exist.",
        'Check owner and name; the right form is git_repo: "https://github.com/owner/name".',
    ),
    "moved": (
        "The host answers {shown} with a redirect, and redirects are not followed.",
        "Open the repository in a browser and write the address that it has now.",
    ),
    "ref": (
        "The branch, tag or commit of {shown} does not exist.",
        "Write /tree/<branch>/<folder> with a branch or tag that exists, or a full 40-digit commit.",
    ),
    "dumb": (
        "The host of {shown} does not speak git's smart HTTP protocol.",
        "Point git_repo at a git host such as GitHub, GitLab or Gitea.",
    ),
    "memory": (
        "{shown} is too big to read: git went beyond the limit of 4 GiB of memory.",
        "Name a smaller repository, or a mirror without the large files.",
    ),
    "busy": (
        "The host of {shown} asks to wait (too many requests).",
        "Try again in some minutes.",
    ),
    "slow": (
        "The host of {shown} sent less than the limit of 1000 bytes per second.",
        "Try again; if it stays slow, point git_repo at a faster mirror.",
    ),
    "broken": (
        "{shown} could not be read: the host sent a pack that is cut or broken.",
        "Try again in some minutes; if it stays, check that the repository can be cloned.",
    ),
    "outage": (
        "{shown} could not be read: the connection failed.",
        "Try again in some minutes; if it stays, check that the repository can be cloned.",
    ),
}
