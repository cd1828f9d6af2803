"""The App's own credential: its number and its private key, which sign a short-lived token.

In: the App's id, the PEM text or a path of a file that holds it. Out: a signed token (RS256, ten minutes). Never: the
key or a token in a text that people see; a key that is printed.
"""

from __future__ import annotations

from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from bot.errors import Code, Refusal, Refused
from bot.ports import Clock

_EARLIER = 60
"""Seconds before now at which the token begins, so that a clock that is a little fast does no harm."""

_LIFE = 540
"""Seconds from now after which it ends; GitHub allows 600."""

_HEAD = "-----BEGIN "


class AppCredentials:
    """A ``TokenSource`` whose tokens speak for the App itself. Raises Refused(config) for an unusable key."""

    def __init__(self, app_id: str, private_key: SecretStr, *, clock: Clock) -> None:
        self._app_id = _checked_id(app_id)
        self._pem = SecretStr(_pem(private_key.get_secret_value()))
        self._key = _rsa(self._pem.get_secret_value())
        self._clock = clock

    def __repr__(self) -> str:
        return f"AppCredentials({self._app_id})"

    @property
    def pem(self) -> SecretStr:
        """The key's text, for the redaction."""
        return self._pem

    def token(self) -> SecretStr:
        """A fresh signed token."""
        now = int(self._clock.now().timestamp())
        claims = {"iat": now - _EARLIER, "exp": now + _LIFE, "iss": self._app_id}
        return SecretStr(jwt.encode(claims, self._key, algorithm="RS256"))

    def renew(self) -> bool:
        """Always False: each token is fresh."""
        return False


def _checked_id(app_id: str) -> str:
    text = app_id.strip()
    if text.isascii() and text.replace(".", "").isalnum():
        return text
    raise _refused("`AI_PROVISION_GITHUB_APP_ID` is no App id.", "Set it to the number on the App's settings page.")


def _pem(value: str) -> str:
    """The text of the key; one line with escaped line ends, as many secret stores keep it, is a key too."""
    text = value.strip()
    if _HEAD in text:
        return text.replace("\\n", "\n")
    try:
        found = Path(text).expanduser().read_text(encoding="ascii")
    except (OSError, ValueError):
        raise _refused("`AI_PROVISION_GITHUB_PRIVATE_KEY` is neither a key nor a readable file.", _REMEDY) from None
    return found.strip()


def _rsa(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode("ascii", "replace"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused("`AI_PROVISION_GITHUB_PRIVATE_KEY` does not hold a usable private key.", _REMEDY) from None
    if not isinstance(key, RSAPrivateKey):
        raise _refused("`AI_PROVISION_GITHUB_PRIVATE_KEY` is no RSA key, so it is not the App's.", _REMEDY)
    return key


_REMEDY = (
    "Generate a private key on the App's settings page and give the text of that `.pem` file, or the file's path; "
    "it must not be encrypted."
)


def _refused(message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.CONFIG, message=message, remedy=remedy))
