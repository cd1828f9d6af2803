"""Three ways to fail, told apart: a user's mistake, an outage, and our own defect.

In: a reason code and words for a person. Out: ``Refusal`` values, and exceptions where a value cannot travel. Never: a
secret, an internal address, a stack trace in a message.
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

    ``example`` is a right form of the same command, to copy; it may hold several lines. ``silent``: the
    operators asked for no answer in the thread; it is logged all the same.
    """

    code: Code
    message: str
    remedy: str
    example: str | None = None
    silent: bool = False

    @property
    def exit_code(self) -> int:
        """3 for policy or capacity, 1 for a failed outside party, else 2."""
        if self.code in _REFUSED_BY_POLICY:
            return EXIT_REFUSED
        return EXIT_FAILED if self.code in _FAILED else EXIT_WRONG_USE


class BotError(Exception):
    """The root of our exceptions."""


class Refused(BotError):
    """Carries a ``Refusal`` through a place that cannot return one (an edge, a generator)."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class Unavailable(BotError):
    """An outside party is down or asks to wait. ``retry_after`` is in seconds."""

    def __init__(self, code: Code, message: str, *, remedy: str, retry_after: float = 60.0) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.retry_after = retry_after

    @property
    def refusal(self) -> Refusal:
        """The same as a value, for a place that will not retry."""
        return Refusal(code=self.code, message=str(self), remedy=self.remedy)


class Broken(BotError):
    """A defect of ours: logged with its correlation id, answered with a short apology, never retried."""
