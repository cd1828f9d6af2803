"""Where the credential comes from: one fixed token now, an App's short-lived one through the same two verbs.

In: a secret. Out: the header that PyGithub and git send. Never: a secret that prints itself.
"""

from __future__ import annotations

import base64
from typing import Protocol

from github.Auth import Auth
from pydantic import SecretStr


class TokenSource(Protocol):
    """A credential that may be renewed."""

    def token(self) -> SecretStr:
        """The current token, minted when there is none."""

    def renew(self) -> bool:
        """Forget the current token after a 401; False when there is no other one."""


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


def git_header(source: TokenSource) -> str:
    """The header that git sends: basic, user ``x-access-token``."""
    pair = f"x-access-token:{source.token().get_secret_value()}"
    return f"Authorization: basic {base64.b64encode(pair.encode()).decode()}"
