"""The stable reason codes, and a refusal: what went wrong, and what a person can do about it.

In: a code and words for a person. Out: values. Never: a secret, an internal address, a stack trace in a message.
"""

from __future__ import annotations

from enum import StrEnum

from bot.model.noun import Noun


class Code(StrEnum):
    """Stable reason codes; each is explained in ``docs/errors.md``."""

    SIG = "sig"
    SIZE = "size"
    TYPE = "type"
    DUP = "dup"
    FORBIDDEN = "forbidden"
    SYNTAX = "syntax"
    STALE_COMMENT = "stale-comment"
    BUSY = "busy"
    QUOTA = "quota"
    REPO_URL = "repo-url"
    REPO_HOST = "repo-host"
    REPO_UNREACHABLE = "repo-unreachable"
    REPO_TIMEOUT = "repo-timeout"
    REPO_TOO_BIG = "repo-too-big"
    REPO_TLS = "repo-tls"
    REPO_EMPTY = "repo-empty"
    READ_LIMITS = "read-limits"
    LLM_INVALID = "llm-invalid"
    CAPACITY = "capacity"
    POLICY = "policy"
    NAME = "name"
    CONFLICT = "conflict"
    GITHUB_AUTH = "github-auth"
    PROXMOX_AUTH = "proxmox-auth"
    KUBERNETES_AUTH = "kubernetes-auth"
    TLS = "tls"
    RATE = "rate"
    CONFIG = "config"
    INTERNAL = "internal"


EXIT_FAILED = 1
EXIT_WRONG_USE = 2
EXIT_REFUSED = 3

_REFUSED_BY_POLICY = frozenset({Code.CAPACITY, Code.POLICY, Code.FORBIDDEN, Code.CONFLICT, Code.QUOTA, Code.BUSY})
_FAILED = frozenset(
    {
        Code.REPO_UNREACHABLE, Code.REPO_TIMEOUT, Code.REPO_TLS, Code.GITHUB_AUTH, Code.PROXMOX_AUTH,
        Code.KUBERNETES_AUTH, Code.TLS, Code.RATE, Code.INTERNAL,
    }
)  # fmt: skip


class Refusal(Noun):
    """A user's mistake or a limit, with what to do about it: a value, returned and not raised wherever it can be.

    ``example`` is a right form of the same command, to copy; it may hold several lines. ``silent``: no
    answer is due in the thread; it is logged all the same. ``link``: an address made by us (never by people's text) of
    what stands in the way.
    """

    code: Code
    message: str
    remedy: str
    example: str | None = None
    silent: bool = False
    link: str | None = None

    @property
    def exit_code(self) -> int:
        """3 for policy or capacity, 1 for a failed outside party, else 2."""
        if self.code in _REFUSED_BY_POLICY:
            return EXIT_REFUSED
        return EXIT_FAILED if self.code in _FAILED else EXIT_WRONG_USE
