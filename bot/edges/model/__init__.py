"""Models behind the port ``Counsel``: Gemini, Ollama and every OpenAI-compatible server, through pydantic-ai.

In: settings. Out: a ``Counsel``. Never: an import of pydantic-ai anywhere else in the product; a default model.

``bot.app`` loads this package by its name and only when a model is set: importing it takes one to two seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from bot.counsel import Counsel, Spending
from bot.edges.model.counsel import DayBudget, ModelCounsel
from bot.edges.model.embed import build_embedder
from bot.edges.model.line import PACE, Pace
from bot.edges.model.outside import Servers
from bot.edges.model.party import checked_address, party
from bot.ports import Clock
from bot.settings import Settings

__all__ = ["PACE", "Pace", "build_counsel", "build_embedder"]


def build_counsel(
    settings: Settings,
    *,
    clock: Clock,
    spending: Spending | None,
    redact: Callable[[str], str],
    pace: Pace = PACE,
) -> Counsel:
    """The configured models. Nothing is called yet, and a missing key is a fault of each question.

    Raises Refused(config) for an unknown provider and for an address that is neither https nor on this computer.
    """
    trust = httpx2.create_ssl_context()
    urls = tuple(checked_address(server, "AI_PROVISION_MCP_SERVERS") for server in settings.mcp_servers)
    return ModelCounsel(
        parties={agent: party(name, settings) for agent, name in settings.models.items()},
        clock=clock,
        trust=trust,
        spending=spending,
        day=DayBudget(tokens=settings.model_daily_tokens, money=settings.model_daily_money),
        servers=Servers(urls=urls, clock=clock, trust=trust, seconds=pace.outside),
        redact=redact,
        pace=pace,
    )
