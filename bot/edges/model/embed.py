"""Vectors of texts, for retrieval by meaning: optional, and whoever asks can do without.

In: texts. Out: one vector for each. Never: anything else than ``Unavailable`` when there is none.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2
import structlog
from pydantic_ai.embeddings import Embedder, EmbeddingModel
from pydantic_ai.embeddings.google import GoogleEmbeddingModel
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from bot.edges.model.library import google_client, openai_client
from bot.edges.model.line import PACE, Line, Pace
from bot.edges.model.moment import in_time
from bot.edges.model.party import Party, party
from bot.edges.model.tally import Tally
from bot.errors import Code, Unavailable
from bot.model.consultation import Allowance
from bot.ports import Clock
from bot.settings import Settings

Embed = Callable[[tuple[str, ...]], list[list[float]]]
SECONDS: Final = 20.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Vectors:
    party: Party
    clock: Clock
    trust: ssl.SSLContext
    pace: Pace

    def __call__(self, texts: tuple[str, ...]) -> list[list[float]]:
        """One vector for each text, of one length. Raises Unavailable."""
        if not texts:
            return []
        try:
            vectors = in_time(lambda: self._embedded(texts), seconds=SECONDS)
        except Exception as failure:  # noqa: BLE001 - client libraries of two providers: any failure means no vectors
            _log.warning("embedding_failed", model=self.party.name, failure=type(failure).__name__)
            raise _unavailable() from None
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
            raise _unavailable()
        return vectors

    async def _embedded(self, texts: tuple[str, ...]) -> list[list[float]]:
        tally = Tally(party=self.party, allowance=Allowance(seconds=SECONDS, tokens=10_000_000))
        line = Line(tally=tally, clock=self.clock, trust=self.trust, pace=self.pace)
        async with httpx2.AsyncClient(transport=line, trust_env=False, timeout=None) as client:
            found = await Embedder(_model(self.party, client)).embed_documents(list(texts))
            return [list(vector) for vector in found.embeddings]


def _unavailable() -> Unavailable:
    return Unavailable(
        Code.LLM_INVALID,
        "The embedding model gave no vectors.",
        remedy="Check AI_PROVISION_EMBEDDING_MODEL; knowledge is found by words meanwhile.",
    )


def _model(whose: Party, client: httpx2.AsyncClient) -> EmbeddingModel:
    if whose.provider == "google":
        return GoogleEmbeddingModel(whose.model, provider=GoogleProvider(client=google_client(whose, client)))
    return OpenAIEmbeddingModel(whose.model, provider=OpenAIProvider(openai_client=openai_client(whose, client)))


def build_embedder(settings: Settings, *, clock: Clock, pace: Pace = PACE) -> Embed | None:
    """A function from texts to vectors, or None without an embedding model.

    Raises Refused(config) for an unknown provider or an unusable address.
    """
    if settings.embedding_model is None or settings.embedding_model.lower() == "none":
        return None
    return _Vectors(
        party=party(settings.embedding_model, settings), clock=clock, trust=httpx2.create_ssl_context(), pace=pace
    )
