"""A scripted model behind the model edge, over a line, in the protocol of each provider.

In: a provider, a script, a budget. Out: a ``Voice`` for a scene. Never: an import by anything but the tests of models,
because the edge behind it takes two seconds to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.counsel import Counsel
from bot.edges.model import Pace, build_counsel
from bot.emulators.models import ModelServer, Step
from bot.model.consultation import Allowance, Spent
from bot.ports import Clock
from bot.rendering.redaction import redactor
from bot.settings import Settings, read_settings
from tests.faults.advisers import MODEL_KEY, Provider
from tests.faults.proxy import Line
from tests.faults.scene import CANARIES

GOOD: Final[Step] = {"confidence": 0.5}
NAMES: Final[dict[Provider, str]] = {
    "google": "google:gemini-2.5-pro",
    "openai": "openai:gpt-4o",
    "ollama": "ollama:llama3",
}
_BASES: Final[dict[Provider, tuple[str, str]]] = {
    "google": ("GOOGLE_GEMINI_BASE_URL", ""),
    "openai": ("OPENAI_BASE_URL", "/v1"),
    "ollama": ("OLLAMA_BASE_URL", "/ollama/v1"),
}


@dataclass(frozen=True)
class Purse:
    """``Spending`` of a day on which so many tokens are gone."""

    gone: int = 0

    def spent_today(self, now: datetime) -> Spent:
        return Spent(input_tokens=self.gone)

    def spend(self, spent: Spent, now: datetime) -> None:
        """Not noted."""


@dataclass(frozen=True, kw_only=True)
class ScriptedVoice:
    """See ``scene.Voice``. ``gone`` are the tokens that the day has spent, of a million."""

    provider: Provider
    server: ModelServer
    allowance: Allowance
    gone: int = 0

    @property
    def url(self) -> str:
        return self.server.url

    def counsel(self, line: Line, clock: Clock) -> Counsel:
        async def nap(seconds: float) -> None:
            clock.sleep(seconds)

        return build_counsel(
            _settings(self.provider, line.url),
            clock=clock,
            spending=Purse(self.gone),
            redact=redactor(CANARIES),
            pace=Pace(sleep=nap, chance=lambda: 0.25),
        )


@contextmanager
def voice(
    provider: Provider, *said: Step, seconds: float = 40.0, tokens: int = 60_000, gone: int = 0
) -> Iterator[ScriptedVoice]:
    """A model that says the same to every agent. Where the provider wants a key, it has to be the right one."""
    key = None if provider == "ollama" else MODEL_KEY
    with ModelServer({"*": said or (GOOD,)}, key=key) as server:
        allowance = Allowance(seconds=seconds, tokens=tokens)
        yield ScriptedVoice(provider=provider, server=server, allowance=allowance, gone=gone)


def _settings(provider: Provider, url: str) -> Settings:
    base, path = _BASES[provider]
    return read_settings(
        {
            "AI_PROVISION_MODEL": NAMES[provider],
            "AI_PROVISION_MODEL_DAILY_TOKENS": "1000000",
            "GOOGLE_API_KEY": MODEL_KEY,
            "OPENAI_API_KEY": MODEL_KEY,
            base: url + path,
        }
    )
