"""Where the credential comes from: one fixed token, or an App's short-lived ones through the same two verbs.

In: a secret. Out: the header that PyGithub and git send. Never: a secret that prints itself.
"""

from __future__ import annotations

import base64
from typing import Protocol, runtime_checkable

from github.Auth import Auth
from pydantic import SecretStr

from bot.edges.github.pace import Pace


class TokenSource(Protocol):
    """A credential that may be renewed."""

    def token(self) -> SecretStr:
        """The current token, minted when there is none."""

    def renew(self) -> bool:
        """Forget the current token after a 401; False when there is no other one."""


@runtime_checkable
class Queued(Protocol):
    """A credential of an installation: everything that speaks for the same installation shares one queue."""

    @property
    def pace(self) -> Pace:
        """The queue."""

    @property
    def account(self) -> str:
        """The installation's number, for the meter."""


class FixedToken:
    """A token that the operator gave."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def token(self) -> SecretStr:
        """The token."""
        return self._token

    def renew(self) -> bool:
        """Always False."""
        return False


class Bearer(Auth):
    """PyGithub's credential, asked from the source at every call."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    @property
    def token_type(self) -> str:
        """The scheme."""
        return "Bearer"

    @property
    def token(self) -> str:
        """The secret itself, for PyGithub."""
        return self._source.token().get_secret_value()

    def authentication(self, headers: dict[str, str]) -> None:
        """Puts the header in place."""
        headers["Authorization"] = f"{self.token_type} {self.token}"

    def mask_authentication(self, headers: dict[str, str]) -> None:
        """Hides the header in PyGithub's debug log."""
        headers["Authorization"] = "Bearer (hidden)"


def git_basic(source: TokenSource) -> SecretStr:
    """The value of git's ``Authorization`` header: basic, user ``x-access-token``."""
    pair = f"x-access-token:{source.token().get_secret_value()}"
    return SecretStr(f"basic {base64.b64encode(pair.encode()).decode()}")


def git_header(source: TokenSource) -> str:
    """The whole header that git sends."""
    return f"Authorization: {git_basic(source).get_secret_value()}"
