"""The client libraries of the providers, set up so that they decide nothing: one model of pydantic-ai for a party.

In: a party and an open HTTP client. Out: a pydantic-ai model. Never: a key (the line adds it), a repeat of their own,
the environment's addresses.
"""

from __future__ import annotations

import ssl
from typing import Final

import httpx2
from google.genai.client import Client
from google.genai.types import HttpOptions
from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles import ModelProfile, merge_profile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

from bot.edges.model.party import Party

_NO_KEY = "added-on-the-line"
"""What the libraries hold in place of a key: they insist on one."""

_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For the connections of its own that google-genai prepares beside ours, at a quarter of a second for a question."""


def model_for(party: Party, client: httpx2.AsyncClient, *, plain: bool) -> Model:
    """The model to ask. ``plain`` leaves JSON mode off, for servers that refuse it."""
    if party.provider == "google":
        google = GoogleProvider(client=google_client(party, client))
        known = google.model_profile(party.model)
        return GoogleModel(party.model, provider=google, profile=merge_profile(known, _ONE_VOICE))
    sdk = openai_client(party, client)
    if party.provider == "ollama":
        known = OllamaProvider.model_profile(party.model)
        profile = merge_profile(known, _profile(party, plain=plain))
        return OllamaModel(party.model, provider=OllamaProvider(openai_client=sdk), profile=profile)
    known = OpenAIProvider.model_profile(party.model)
    profile = merge_profile(known, _profile(party, plain=plain))
    return OpenAIChatModel(party.model, provider=OpenAIProvider(openai_client=sdk), profile=profile)


_ONE_VOICE: Final = ModelProfile(supports_inline_system_prompts=True)
"""Our instructions stand at the beginning and nowhere else. Without this pydantic-ai tells the model that ``<system>``
inside a user's message has authority, and rewrites those of the payload."""


def _profile(party: Party, *, plain: bool) -> OpenAIModelProfile:
    """``max_tokens`` is the field that every server knows; OpenAI itself wants ``max_completion_tokens``."""
    profile = OpenAIModelProfile(supports_inline_system_prompts=True)
    if party.provider == "ollama" or party.own_server:
        profile["openai_chat_supports_max_completion_tokens"] = False
    if plain:
        profile["supports_json_object_output"] = False
    return profile


def google_client(party: Party, client: httpx2.AsyncClient) -> Client:
    """google-genai on this HTTP client, for the Gemini API only, whatever the environment says of Vertex AI."""
    unused = {"verify": _TRUSTS_NOBODY, "ssl": _TRUSTS_NOBODY}
    options = HttpOptions(
        base_url=party.base_url,
        api_version="v1beta",
        httpx_async_client=client,
        client_args=unused,
        async_client_args=unused,
        timeout=60_000,
    )
    return Client(vertexai=False, api_key=_NO_KEY, http_options=options)


def openai_client(party: Party, client: httpx2.AsyncClient) -> AsyncOpenAI:
    """The OpenAI library on this HTTP client, without repeats."""
    return AsyncOpenAI(api_key=_NO_KEY, base_url=party.base_url, http_client=client, max_retries=0)
