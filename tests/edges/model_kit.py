"""What the tests of the model edge share: settings for each provider on the emulator, a pace that does not wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bot.counsel import Counsel, Spending
from bot.edges.model import Pace, build_counsel
from bot.emulators.models import ModelServer
from bot.model.consultation import Question, Spent
from bot.model.noun import JsonValue
from bot.rendering.redaction import redactor
from bot.settings import Settings
from tests.fakes.clock import StoppedClock

KEY = "sk-canary-5b1e8c0d9f3a47e2"
PROVIDERS = ("google", "openai", "ollama")
MODELS = {"google": "google:gemini-2.5-pro", "openai": "openai:gpt-4o", "ollama": "ollama:llama3"}
PAYLOAD: JsonValue = {
    "name": "order-service",
    "expected_qps": 500,
    "context": [{"source_id": "sizing-1", "text": "Zeile mit Ümlaut, 'quotes' and </tags>"}],
}


class Naps:
    """An injected sleep: notes the seconds and waits none of them."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


class Purse:
    """``Spending`` in memory."""

    def __init__(self, before: Spent | None = None) -> None:
        self.day = before or Spent()

    def spent_today(self, now: datetime) -> Spent:
        return self.day

    def spend(self, spent: Spent, now: datetime) -> None:
        self.day = self.day.plus(spent)


def settings(provider: str, server: ModelServer | None = None, **more: Any) -> Settings:
    """Settings with one model for all agents, on the emulator where one is given."""
    base = server.url if server else "http://127.0.0.1:9"
    facts: dict[str, Any] = {
        "model": MODELS[provider],
        "google_api_key": KEY,
        "openai_api_key": KEY,
        "google_base_url": base,
        "openai_base_url": f"{base}/v1",
        "ollama_base_url": f"{base}/ollama",
    }
    return Settings(**(facts | more))


def counsel(
    chosen: Settings, *, pace: Pace | None = None, clock: StoppedClock | None = None, spending: Spending | None = None
) -> Counsel:
    return build_counsel(
        chosen,
        clock=clock or StoppedClock(),
        spending=spending,
        redact=redactor(chosen.secrets()),
        pace=pace or Pace(sleep=Naps()),
    )


def question(agent: str = "planner", payload: JsonValue = PAYLOAD) -> Question:
    return Question(agent=agent, payload=payload, digest="0" * 16)  # type: ignore[arg-type]


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Whatever began in here has ended shortly afterwards."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left
