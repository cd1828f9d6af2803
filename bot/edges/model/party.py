"""Whom a model name means: the provider, where it is reached, and with which key.

In: a configured name such as ``google:gemini-2.5-pro`` and the settings. Out: a ``Party``. Never: the environment, a
key for another host, plain http to another computer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from bot.errors import Code, Refusal, Refused
from bot.loopback import is_loopback
from bot.settings import Settings

Provider = Literal["google", "openai", "ollama"]

PREFIXES: Final[dict[str, Provider]] = {
    "google": "google",
    "google-gla": "google",
    "openai": "openai",
    "openai-chat": "openai",
    "ollama": "ollama",
}
LABELS: Final[dict[Provider, str]] = {"google": "Gemini", "openai": "The OpenAI-compatible server", "ollama": "Ollama"}
KEYS: Final[dict[Provider, str]] = {"google": "GOOGLE_API_KEY", "openai": "OPENAI_API_KEY", "ollama": "OLLAMA_BASE_URL"}
ADDRESSES: Final[dict[Provider, str]] = {
    "google": "GOOGLE_GEMINI_BASE_URL",
    "openai": "OPENAI_BASE_URL",
    "ollama": "OLLAMA_BASE_URL",
}
_HOMES: Final[dict[Provider, str]] = {
    "google": "https://generativelanguage.googleapis.com",
    "openai": "https://api.openai.com/v1",
    "ollama": "http://127.0.0.1:11434/v1",
}


@dataclass(frozen=True, kw_only=True)
class Party:
    """One model of one provider. ``name`` is the name as configured, ``model`` the provider's own.

    ``own_server`` tells that a person set the address, ``bad_key`` that the key cannot be
    sent in a header. ``headers`` hold the key and are never printed.
    """

    provider: Provider
    name: str
    model: str
    base_url: str
    own_server: bool = False
    bad_key: bool = False
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def lacks_key(self) -> bool:
        """Whether the provider cannot be asked for want of a key; servers of one's own may do without."""
        needs = self.provider == "google" or (self.provider == "openai" and not self.own_server)
        return self.bad_key or (needs and not self.headers)


def party(name: str, settings: Settings) -> Party:
    """The party that a configured name means. Raises Refused(config) for an unknown provider or an unusable address."""
    prefix, colon, model = name.partition(":")
    provider = PREFIXES.get(prefix.strip().lower())
    if provider is None or not colon or not model.strip():
        raise _unknown(name)
    address, key = _address(provider, settings), _key(provider, settings)
    sendable = key.isascii() and key.isprintable() and " " not in key
    return Party(
        provider=provider,
        name=name,
        model=model.strip(),
        base_url=checked_address(address, ADDRESSES[provider]) if address else _HOMES[provider],
        own_server=address is not None,
        bad_key=not sendable,
        headers=_headers(provider, key) if key and sendable else {},
    )


def _unknown(name: str) -> Refused:
    shown = name if name.isprintable() and len(name) <= 80 and "`" not in name else "…"
    return Refused(
        Refusal(
            code=Code.CONFIG,
            message=f"`{shown}` names no model that can be asked.",
            remedy="Write `google:NAME`, `openai:NAME` (any OpenAI-compatible server by OPENAI_BASE_URL), `ollama:NAME`"
            " or `none` into AI_PROVISION_MODEL and its variants.",
        )
    )


def _address(provider: Provider, settings: Settings) -> str | None:
    if provider == "google":
        return settings.google_base_url
    if provider == "openai":
        return settings.openai_base_url
    url = settings.ollama_base_url
    if url is None:
        return None
    return url.rstrip("/") if url.rstrip("/").endswith("/v1") else url.rstrip("/") + "/v1"


def _key(provider: Provider, settings: Settings) -> str:
    """The key, or nothing. Ollama is asked without one: what other parties hold is none of its business."""
    keys: dict[Provider, SecretStr | None] = {"google": settings.google_api_key, "openai": settings.openai_api_key}
    key = keys.get(provider)
    return "" if key is None else key.get_secret_value().strip()


def _headers(provider: Provider, key: str) -> dict[str, str]:
    return {"x-goog-api-key": key} if provider == "google" else {"authorization": f"Bearer {key}"}


def is_local(url: str) -> bool:
    """Whether an address is on this computer."""
    return is_loopback(_parts(url).hostname)


def _parts(url: str) -> SplitResult:
    """The parts of an address; all empty for what is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number is found only when it is read
    except ValueError:
        return urlsplit("")
    return parts


def checked_address(url: str, setting: str) -> str:
    """An address without a trailing slash: https, or plain http on loopback. Raises Refused(config)."""
    parts = _parts(url.strip())
    plain = parts.scheme == "http" and is_loopback(parts.hostname)
    if (
        not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
        or (parts.scheme != "https" and not plain)
    ):
        raise Refused(
            Refusal(
                code=Code.CONFIG,
                message=f"`{setting}` holds an address that cannot be used.",
                remedy="Use https, or plain http on this computer (127.0.0.1), without a user name, `?` or `#`.",
            )
        )
    return url.strip().rstrip("/")
