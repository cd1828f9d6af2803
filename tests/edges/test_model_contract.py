"""The model edge with each provider's protocol, and the scripted counsel, keep the same contract.

No live model was ever reached: the servers are ours, and speak as much of each protocol as the client libraries read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.counsel import Counsel
from bot.emulators.models import Failure, ModelServer
from bot.model.consultation import Fault
from bot.model.noun import Noun
from tests.edges.counsel_contract import CounselContract
from tests.edges.model_kit import MODELS, counsel, settings
from tests.fakes.counsel import ScriptedCounsel


class _RealContract(CounselContract):
    provider = ""

    @contextmanager
    def counsel(self, said: Sequence[Noun], *, agent: str = "planner") -> Iterator[Counsel]:
        with ModelServer({agent: [json.loads(one.model_dump_json()) for one in said]}) as server:
            yield counsel(settings(self.provider, server))

    @contextmanager
    def broken(self) -> Iterator[Counsel]:
        with ModelServer({"*": [Failure("prose")]}) as server:
            yield counsel(settings(self.provider, server))


class TestGemini(_RealContract):
    provider = "google"
    model = MODELS["google"]


class TestOpenAI(_RealContract):
    provider = "openai"
    model = MODELS["openai"]


class TestOllama(_RealContract):
    provider = "ollama"
    model = MODELS["ollama"]


class TestScripted(CounselContract):
    model = "scripted:model"

    @contextmanager
    def counsel(self, said: Sequence[Noun], *, agent: str = "planner") -> Iterator[Counsel]:
        yield ScriptedCounsel({agent: said})

    @contextmanager
    def broken(self) -> Iterator[Counsel]:
        yield ScriptedCounsel({"reviewer": [Fault(kind="server", message="It failed.", remedy="Wait.")]})
